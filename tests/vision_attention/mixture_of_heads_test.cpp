#include "vision_attention/attention/mixture_of_heads.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "tests/support/compare.h"
#include "tests/support/graph_runner.h"
#include "tests/support/random.h"
#include "tests/support/reference.h"
#include "tests/support/reference_systems.h"
#include "vision_attention/attention/multi_head.h"

namespace va::test {

namespace {

constexpr Dim kChannels = 24;

RefWeights randomWeights(Dim heads, Dim shared, std::uint64_t seed, double router = 2.0) {
  Random random(seed);
  RefWeights weights;
  addProjections(weights, "a", kChannels, random);
  const Dim routed = heads - shared;
  if (shared > 0 && routed > 0) {
    weights["a.router_group.weight"] = random.normal({2, kChannels}, 0.0, router / 4);
  }
  if (shared > 0) {
    weights["a.router_shared.weight"] = random.normal({shared, kChannels}, 0.0, router / 4);
  }
  if (routed > 0) {
    weights["a.router_routed.weight"] = random.normal({routed, kChannels}, 0.0, router / 4);
  }
  return weights;
}

Array layer(const RefWeights& weights, const Array& x, const MixtureOfHeadsOptions& options,
            const RunOptions& run = {}) {
  return refItem(runGraph(
                     [&](GraphBuilder& graph, const std::vector<Tensor>& in) {
                       return mixtureOfHeads(graph, in[0], "a", options);
                     },
                     {refBatch(x)}, weightsOf(weights), run),
                 0);
}

Array gates(const RefWeights& weights, const Array& x, const MixtureOfHeadsOptions& options) {
  return refItem(
      runGraph([&](GraphBuilder& graph,
                   const std::vector<Tensor>& in) { return headGates(graph, in[0], "a", options); },
               {refBatch(x)}, weightsOf(weights)),
      0);
}

TEST(MixtureOfHeads, SparseFormEqualsTheDenseFormWithMaskedGates) {
  Random random(1);
  const Array x = random.normal({70, kChannels});
  for (const Dim shared : {0, 2, 6}) {
    for (const GateForm form : {GateForm::Code, GateForm::Paper}) {
      const RefWeights weights = randomWeights(6, shared, 2);
      const Dim active = std::min<Dim>(2, 6 - shared);
      const Array expected = refMixtureLayer(
          weights, "a", x,
          {.heads = 6, .shared = shared, .active = active, .code = form == GateForm::Code});
      EXPECT_TRUE(
          isNear(layer(weights, x, {.heads = 6, .shared = shared, .active = active, .form = form}),
                 expected))
          << shared << " shared";
    }
  }
}

TEST(MixtureOfHeads, AgreesWithTheOracleOnAwkwardShapes) {
  for (const Dim n : {1, 7, 300}) {
    Random random(3);
    const Array x = random.normal({n, kChannels});
    const RefWeights weights = randomWeights(4, 1, 4);
    EXPECT_TRUE(isNear(layer(weights, x, {.heads = 4, .shared = 1, .active = 2}),
                       refMixtureLayer(weights, "a", x, {.heads = 4, .shared = 1, .active = 2})))
        << n;
  }
}

TEST(MixtureOfHeads, AgreesWithTheOracleInBf16) {
  SKIP_WITHOUT_BF16();
  Random random(5);
  const Array x = random.normal({70, kChannels}).roundedToBf16();
  const RefWeights weights = randomWeights(4, 1, 6);
  EXPECT_TRUE(isNear(
      layer(weights, x, {.heads = 4, .shared = 1, .active = 2}, {.precision = Precision::BF16}),
      refMixtureLayer(weights, "a", x, {.heads = 4, .shared = 1, .active = 2}), kBf16Tolerance));
}

TEST(MixtureOfHeads, AllHeadsWithoutPreferenceAreMultiHeadAttention) {
  Random random(7);
  const Array x = random.normal({50, kChannels});
  const RefWeights weights = randomWeights(6, 2, 8, 0.0);
  const MixtureOfHeadsOptions all{.heads = 6, .shared = 2, .active = 4};
  EXPECT_TRUE(isNear(gates(weights, x, all), Array({50, 6}, 1.0)));
  EXPECT_TRUE(isNear(layer(weights, x, all), refMultiHeadLayer(weights, "a", x, 6)));
}

TEST(MixtureOfHeads, PaperFormWithoutPreferenceDividesByTheGroupSizes) {
  Random random(9);
  const Array x = random.normal({10, kChannels});
  const RefWeights weights = randomWeights(6, 2, 10, 0.0);
  const Array actual =
      gates(weights, x, {.heads = 6, .shared = 2, .active = 4, .form = GateForm::Paper});
  Array expected({10, 6}, 0.5 / 4.0);
  for (Dim t = 0; t < 10; ++t) expected(t, 0) = expected(t, 1) = 0.5 / 2.0;
  EXPECT_TRUE(isNear(actual, expected));
}

TEST(MixtureOfHeads, GatesOfATokenSumToTwiceTheGroupShares) {
  Random random(11);
  const Array x = random.normal({40, kChannels});
  const RefWeights weights = randomWeights(8, 3, 12);
  const Array shares = refSoftmax(refLayer(weights, "a.router_group", x));
  const Array actual = gates(weights, x, {.heads = 8, .shared = 3, .active = 2});
  for (Dim t = 0; t < 40; ++t) {
    double sum = 0.0;
    Dim used = 0;
    for (Dim i = 0; i < 8; ++i) {
      sum += actual(t, i);
      used += actual(t, i) != 0.0 ? 1 : 0;
    }
    EXPECT_NEAR(sum, 2.0 * (shares(t, 0) * 3.0 + shares(t, 1) * 2.0), 1e-5);
    EXPECT_EQ(used, 5);
  }
}

TEST(MixtureOfHeads, PermutingHeadsWithTheirRoutersChangesNothing) {
  Random random(13);
  const Array x = random.normal({40, kChannels});
  const RefWeights weights = randomWeights(4, 0, 14);
  const std::vector<Dim> order{2, 0, 3, 1};
  const Dim d = kChannels / 4;
  RefWeights permuted = weights;
  for (const char* name : {"a.q", "a.k", "a.v"}) {
    std::vector<Array> rows;
    std::vector<Array> biases;
    for (const Dim head : order) {
      rows.push_back(weights.at(std::string(name) + ".weight").slice(0, head * d, d));
      biases.push_back(weights.at(std::string(name) + ".bias").slice(0, head * d, d));
    }
    permuted[std::string(name) + ".weight"] = concatenate(rows, 0);
    permuted[std::string(name) + ".bias"] = concatenate(biases, 0);
  }
  std::vector<Array> columns;
  std::vector<Array> routers;
  for (const Dim head : order) {
    columns.push_back(weights.at("a.projection.weight").slice(1, head * d, d));
    routers.push_back(weights.at("a.router_routed.weight").slice(0, head, 1));
  }
  permuted["a.projection.weight"] = concatenate(columns, 1);
  permuted["a.router_routed.weight"] = concatenate(routers, 0);
  const MixtureOfHeadsOptions options{.heads = 4, .shared = 0, .active = 2};
  EXPECT_TRUE(isNear(layer(permuted, x, options), layer(weights, x, options)));
}

TEST(MixtureOfHeads, BalancedRoutingHasTheLossOfActiveHeads) {
  // sum_i P_i f_i h_r of the paper's balance loss, from the gates: uniform P and f give K.
  const Dim n = 32;
  const Dim routed = 4;
  const Dim active = 2;
  RefWeights weights;
  Array router({routed, kChannels});
  for (Dim i = 0; i < routed; ++i) router(i, i) = 1.0;
  weights["a.router_routed.weight"] = router;
  Array x({n, kChannels});
  for (Dim t = 0; t < n; ++t) {
    x(t, t % routed) = 2.0;
    x(t, (t + 1) % routed) = 1.0;
  }
  const Array g = gates(weights, x, {.heads = routed, .shared = 0, .active = active});
  const Array p = refSoftmax(refLayer(weights, "a.router_routed", x));
  double loss = 0.0;
  for (Dim i = 0; i < routed; ++i) {
    double share = 0.0;
    double mean = 0.0;
    for (Dim t = 0; t < n; ++t) {
      share += (g(t, i) != 0.0 ? 1.0 : 0.0) / static_cast<double>(n);
      mean += p(t, i) / static_cast<double>(n);
    }
    loss += share * mean * static_cast<double>(routed * routed) / static_cast<double>(routed);
  }
  EXPECT_NEAR(loss, static_cast<double>(active), 1e-6);
}

TEST(MixtureOfHeads, TileRoutingGivesATileOneSetOfHeads) {
  Random random(15);
  const Dim width = 10;
  const Array x = random.normal({6 * width, kChannels});
  const RefWeights weights = randomWeights(8, 2, 16);
  const MixtureOfHeadsOptions options{.heads = 8,
                                      .shared = 2,
                                      .active = 3,
                                      .routing = HeadRouting::Tile,
                                      .width = width,
                                      .tile = 4};
  const RefMixture reference{.heads = 8, .shared = 2, .active = 3, .width = width, .tile = 4};
  const Array actual = gates(weights, x, options);
  EXPECT_TRUE(isNear(actual, refGates(weights, "a", x, reference)));
  for (Dim t = 0; t < 6 * width; ++t) {
    const Dim first = t / width / 4 * 4 * width + t % width / 4 * 4;
    for (Dim i = 0; i < 8; ++i) EXPECT_EQ(actual(t, i) != 0.0, actual(first, i) != 0.0);
  }
  EXPECT_TRUE(isNear(layer(weights, x, options), refMixtureLayer(weights, "a", x, reference)));
}

TEST(MixtureOfHeads, EqualProbabilitiesChooseTheLowerHeads) {
  RefWeights weights = randomWeights(5, 0, 17, 0.0);
  const Array actual =
      gates(weights, Array({3, kChannels}, 1.0), {.heads = 5, .shared = 0, .active = 2});
  for (Dim t = 0; t < 3; ++t) {
    EXPECT_NEAR(actual(t, 0), 1.0, 1e-6);
    EXPECT_NEAR(actual(t, 1), 1.0, 1e-6);
    EXPECT_EQ(actual(t, 2), 0.0);
  }
}

TEST(MixtureOfHeads, WorkScalesWithTheActiveHeads) {
  const auto macs = [](Dim active) {
    const RefWeights weights = randomWeights(4, 1, 18);
    const Weights stored = weightsOf(weights);
    GraphBuilder builder(stored, Precision::F32);
    mixtureOfHeads(builder, builder.input("x", {1, 64, kChannels}), "a",
                   {.heads = 4, .shared = 1, .active = active});
    return builder.macs();
  };
  const std::uint64_t projections = 4ULL * 64 * kChannels * kChannels + 64ULL * kChannels * 6;
  EXPECT_EQ(macs(3) - projections, 2ULL * 64 * 64 * kChannels);
  EXPECT_EQ(macs(1) - projections, 64ULL * 64 * kChannels);
}

TEST(MixtureOfHeads, ThreadsDoNotChangeTheResult) {
  Random random(19);
  const Array x = random.normal({320, kChannels});
  const RefWeights weights = randomWeights(6, 2, 20);
  const MixtureOfHeadsOptions options{.heads = 6, .shared = 2, .active = 2};
  EXPECT_TRUE(isEqual(layer(weights, x, options, {.threads = 3}), layer(weights, x, options)));
}

TEST(MixtureOfHeads, CountsThatDoNotFitAreRefused) {
  const RefWeights weights = randomWeights(4, 1, 21);
  const Array x({4, kChannels});
  EXPECT_NE(messageOf([&] {
              layer(weights, x, {.heads = 4, .shared = 1, .active = 4});
            }).find("4 active of 4"),
            std::string::npos);
  EXPECT_NE(messageOf([&] {
              layer(
                  weights, x,
                  {.heads = 4, .shared = 1, .active = 2, .routing = HeadRouting::Tile, .width = 3});
            }).find("rows of 3"),
            std::string::npos);
}

}  // namespace

}  // namespace va::test
