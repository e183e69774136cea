#include "vision_attention/attention/latent.h"

#include <gtest/gtest.h>

#include <cmath>

#include "tests/support/compare.h"
#include "tests/support/graph_runner.h"
#include "tests/support/random.h"
#include "tests/support/reference.h"
#include "tests/support/reference_attention.h"
#include "tests/support/reference_systems.h"
#include "vision_attention/attention/latent_conversion.h"

namespace va::test {

namespace {

constexpr Dim kChannels = 20;

RefWeights randomWeights(const LatentOptions& o, std::uint64_t seed) {
  Random random(seed);
  RefWeights weights;
  const Dim from = o.queryLatent > 0 ? o.queryLatent : kChannels;
  addLinear(weights, "a.kv_down", o.latent, kChannels, random, false);
  addLinear(weights, "a.key_up", o.heads * o.size, o.latent, random, false);
  addLinear(weights, "a.value_up", o.heads * o.valueSize, o.latent, random, false);
  addLinear(weights, "a.q_up", o.heads * o.size, from, random, false);
  addLinear(weights, "a.projection", kChannels, o.heads * o.valueSize, random, false);
  if (o.queryLatent > 0) addLinear(weights, "a.q_down", o.queryLatent, kChannels, random, false);
  if (o.rope > 0) {
    addLinear(weights, "a.q_rope", o.heads * o.rope, from, random, false);
    addLinear(weights, "a.k_rope", o.rope, kChannels, random, false);
  }
  if (o.normalized) {
    weights["a.kv_norm.weight"] = random.uniform({o.latent}, 0.5, 1.5);
    if (o.queryLatent > 0) weights["a.q_norm.weight"] = random.uniform({o.queryLatent}, 0.5, 1.5);
  }
  return weights;
}

struct Run {
  Array out;
  Array bank;
};

Run attend(const RefWeights& weights, const Array& x, const LatentOptions& options,
           LatentEvaluation evaluation, const LatentPlace& place, const RunOptions& run = {}) {
  const auto results = runGraphs(
      [&](GraphBuilder& graph, const std::vector<Tensor>& in) {
        const Tensor bank = latentBank(graph, in[0], "a", options, place);
        return std::vector<Tensor>{
            latentAttention(graph, in[0], bank, "a", options, place, evaluation), bank};
      },
      {x}, weightsOf(weights), run);
  return {results[0], results[1]};
}

/// One item on a sequence, after the paper's equations.
Array reference(const RefWeights& weights, const Array& x, const LatentOptions& o) {
  const auto norm = [&](const Array& a, const std::string& name) {
    return o.normalized ? refRmsNorm(a, weights.at(name)) : a;
  };
  const Array latent = norm(refLayer(weights, "a.kv_down", x), "a.kv_norm.weight");
  const Array from =
      o.queryLatent > 0 ? norm(refLayer(weights, "a.q_down", x), "a.q_norm.weight") : x;
  const Array keys = refLayer(weights, "a.key_up", latent);
  const Array values = refLayer(weights, "a.value_up", latent);
  const Array queries = refLayer(weights, "a.q_up", from);
  std::vector<Dim> first;
  std::vector<Dim> second;
  Array angles({x.size(0), std::max<Dim>(o.rope / 2, 1)});
  for (Dim i = 0; i < o.rope / 2; ++i) {
    first.push_back(2 * i);
    second.push_back(2 * i + 1);
    for (Dim t = 0; t < x.size(0); ++t) {
      angles(t, i) = static_cast<double>(t) *
                     std::pow(10000.0, -2.0 * static_cast<double>(i) / static_cast<double>(o.rope));
    }
  }
  std::vector<Array> parts;
  for (Dim h = 0; h < o.heads; ++h) {
    Array q = refHead(queries, h, o.heads);
    Array k = refHead(keys, h, o.heads);
    if (o.rope > 0) {
      const Array qr =
          refTurn(refHead(refLayer(weights, "a.q_rope", from), h, o.heads), first, second, angles);
      const Array kr = refTurn(refLayer(weights, "a.k_rope", x), first, second, angles);
      q = concatenate({q, qr}, 1);
      k = concatenate({k, kr}, 1);
    }
    parts.push_back(refAttention(q, k, refHead(values, h, o.heads),
                                 1.0 / std::sqrt(static_cast<double>(o.size + o.rope))));
  }
  return refLayer(weights, "a.projection", concatenate(parts, 1));
}

LatentOptions smallOptions() {
  return {.heads = 3,
          .size = 8,
          .valueSize = 6,
          .latent = 12,
          .queryLatent = 10,
          .rope = 4,
          .positions = RopePositions::Sequence};
}

TEST(LatentAttention, BothEvaluationsAgreeWithTheOracle) {
  for (const Dim rope : {0, 4}) {
    for (const Dim queryLatent : {0, 10}) {
      for (const bool normalized : {true, false}) {
        LatentOptions options = smallOptions();
        options.rope = rope;
        options.queryLatent = queryLatent;
        options.normalized = normalized;
        const RefWeights weights = randomWeights(options, 1);
        Random random(2);
        const Array x = random.normal({1, 37, kChannels});
        const Array expected = reference(weights, refItem(x, 0), options);
        for (const auto evaluation : {LatentEvaluation::Naive, LatentEvaluation::Absorbed}) {
          EXPECT_TRUE(
              isNear(refItem(attend(weights, x, options, evaluation, {}).out, 0), expected));
        }
      }
    }
  }
}

TEST(LatentAttention, NaiveAndAbsorbedAreEqual) {
  LatentOptions options = smallOptions();
  options.positions = RopePositions::Axial;
  const RefWeights weights = randomWeights(options, 3);
  Random random(4);
  const Array x = random.normal({2, 5 * 13, kChannels});
  const LatentPlace place{.width = 13, .originX = 7, .originY = 3};
  EXPECT_TRUE(isNear(attend(weights, x, options, LatentEvaluation::Absorbed, place).out,
                     attend(weights, x, options, LatentEvaluation::Naive, place).out,
                     {1e-5, 1e-5}));
}

TEST(LatentAttention, AgreesWithTheOracleInBf16) {
  SKIP_WITHOUT_BF16();
  const LatentOptions options = smallOptions();
  const RefWeights weights = randomWeights(options, 5);
  Random random(6);
  const Array x = random.normal({1, 40, kChannels}).roundedToBf16();
  for (const auto evaluation : {LatentEvaluation::Naive, LatentEvaluation::Absorbed}) {
    EXPECT_TRUE(isNear(
        refItem(attend(weights, x, options, evaluation, {}, {.precision = Precision::BF16}).out, 0),
        reference(weights, refItem(x, 0), options), kBf16Tolerance));
  }
}

TEST(LatentAttention, FullLatentWithUnitDownProjectionIsMultiHeadAttention) {
  LatentOptions options{
      .heads = 4, .size = 5, .valueSize = 5, .latent = kChannels, .normalized = false};
  RefWeights weights = randomWeights(options, 7);
  Array identity({kChannels, kChannels});
  for (Dim i = 0; i < kChannels; ++i) identity(i, i) = 1.0;
  weights["a.kv_down.weight"] = identity;
  RefWeights plain;
  plain["a.q.weight"] = weights["a.q_up.weight"];
  plain["a.k.weight"] = weights["a.key_up.weight"];
  plain["a.v.weight"] = weights["a.value_up.weight"];
  plain["a.projection.weight"] = weights["a.projection.weight"];
  Random random(8);
  const Array x = random.normal({1, 30, kChannels});
  for (const auto evaluation : {LatentEvaluation::Naive, LatentEvaluation::Absorbed}) {
    EXPECT_TRUE(isNear(refItem(attend(weights, x, options, evaluation, {.width = 6}).out, 0),
                       refMultiHeadLayer(plain, "a", refItem(x, 0), 4)));
  }
}

TEST(LatentAttention, BankHoldsLatentAndPositionOfEveryToken) {
  const LatentOptions options = smallOptions();
  const RefWeights weights = randomWeights(options, 9);
  const Weights stored = weightsOf(weights);
  GraphBuilder builder(stored, Precision::F32);
  const Tensor bank =
      latentBank(builder, builder.input("x", {1, 100, kChannels}), "a", options, {});
  EXPECT_EQ(bank.shape, (Shape{1, 100, 12 + 4}));
  EXPECT_EQ(static_cast<std::size_t>(bank.shape.elements()) * byteSize(bank.type),
            (12U + 4U) * 4U * 100U);
}

TEST(LatentAttention, GoldenCacheOfTheSecondDeepSeekIsA57th) {
  const LatentOptions v2{.heads = 128, .size = 128, .valueSize = 128, .latent = 512, .rope = 64};
  const Dim cached = v2.latent + v2.rope;
  const Dim multiHead = v2.heads * (v2.size + v2.valueSize);
  EXPECT_EQ(cached, 576);
  EXPECT_EQ(multiHead, 32768);
  EXPECT_NEAR(static_cast<double>(multiHead) / static_cast<double>(cached), 56.9, 0.05);
}

TEST(LatentAttention, OnePositionKeyServesAllHeads) {
  // With content keys of zero every head sees the same logits if its queries are the same.
  LatentOptions options = smallOptions();
  RefWeights weights = randomWeights(options, 10);
  weights["a.key_up.weight"] = Array({options.heads * options.size, options.latent});
  Array shared = weights["a.q_rope.weight"];
  for (Dim i = 0; i < shared.size(0); ++i) {
    for (Dim j = 0; j < shared.size(1); ++j) shared(i, j) = shared(i % options.rope, j);
  }
  weights["a.q_rope.weight"] = shared;
  Array value = weights["a.value_up.weight"];
  for (Dim i = 0; i < value.size(0); ++i) {
    for (Dim j = 0; j < value.size(1); ++j) value(i, j) = value(i % options.valueSize, j);
  }
  weights["a.value_up.weight"] = value;
  // The identity on the heads' outputs shows them side by side.
  Array identity({kChannels, options.heads * options.valueSize});
  for (Dim i = 0; i < options.heads * options.valueSize; ++i) identity(i, i) = 1.0;
  weights["a.projection.weight"] = identity;
  Random random(11);
  const Array x = random.normal({1, 25, kChannels});
  for (const auto evaluation : {LatentEvaluation::Naive, LatentEvaluation::Absorbed}) {
    const Array out = refItem(attend(weights, x, options, evaluation, {}).out, 0);
    EXPECT_TRUE(isNear(out.slice(1, 6, 6), out.slice(1, 0, 6)));
    EXPECT_TRUE(isNear(out.slice(1, 12, 6), out.slice(1, 0, 6)));
  }
}

TEST(LatentAttention, BanksOfTilesJoinToTheBankOfTheImage) {
  LatentOptions options = smallOptions();
  options.positions = RopePositions::Axial;
  const RefWeights weights = randomWeights(options, 12);
  Random random(13);
  const Dim width = 6;
  const Array whole = random.normal({1, 8 * width, kChannels});
  const Array top = whole.slice(1, 0, 3 * width);
  const Array bottom = whole.slice(1, 3 * width, 5 * width);
  const Array full =
      attend(weights, whole, options, LatentEvaluation::Absorbed, {.width = width}).out;
  const Array topBank =
      attend(weights, top, options, LatentEvaluation::Naive, {.width = width}).bank;
  const LatentPlace below{.width = width, .originX = 0, .originY = 3};
  const Array bottomBank = attend(weights, bottom, options, LatentEvaluation::Naive, below).bank;
  const Array joined = concatenate({topBank, bottomBank}, 1);
  for (const auto evaluation : {LatentEvaluation::Naive, LatentEvaluation::Absorbed}) {
    const Array fromTile = runGraph(
        [&](GraphBuilder& graph, const std::vector<Tensor>& in) {
          return latentAttention(graph, in[0], in[1], "a", options, below, evaluation);
        },
        {bottom, joined}, weightsOf(weights));
    EXPECT_TRUE(isNear(fromTile, full.slice(1, 3 * width, 5 * width)));
  }
}

double norm(const Array& a) {
  double squares = 0.0;
  for (const double value : a.values()) squares += value * value;
  return std::sqrt(squares);
}

Array product(const std::vector<float>& up, const std::vector<float>& down, Dim rank, Dim c) {
  const auto rows = static_cast<Dim>(up.size()) / rank;
  return refMatmul(Array({rows, rank}, up), Array({rank, c}, down));
}

TEST(LatentConversion, ErrorIsTheDroppedSingularValuesAndFallsWithTheRank) {
  Random random(14);
  const Dim c = 24;
  const Array k = random.normal({18, c});
  const Array v = random.normal({30, c});
  double before = 1e30;
  for (const Dim rank : {1, 6, 12, 20, 24}) {
    const LatentFactors f = factorizeLatent(k.floats(), v.floats(), c, rank);
    const double error = std::hypot(norm(product(f.keyUp, f.down, rank, c) - k),
                                    norm(product(f.valueUp, f.down, rank, c) - v));
    double dropped = 0.0;
    for (const double sigma : f.dropped) dropped += sigma * sigma;
    EXPECT_EQ(f.dropped.size(), static_cast<std::size_t>(c - rank));
    EXPECT_NEAR(error, std::sqrt(dropped), 1e-5);
    EXPECT_LE(error, before);
    before = error;
  }
}

TEST(LatentConversion, SplitFormApproximatesEachAlone) {
  Random random(15);
  const Dim c = 16;
  const Array k = random.normal({16, c});
  const Array v = random.normal({16, c});
  const LatentFactors f =
      factorizeLatent(k.floats(), v.floats(), c, 12, LatentFactorization::Split);
  double dropped = 0.0;
  for (const double sigma : f.dropped) dropped += sigma * sigma;
  EXPECT_NEAR(std::hypot(norm(product(f.keyUp, f.down, 12, c) - k),
                         norm(product(f.valueUp, f.down, 12, c) - v)),
              std::sqrt(dropped), 1e-5);
  const LatentFactors joint = factorizeLatent(k.floats(), v.floats(), c, 12);
  double best = 0.0;
  for (const double sigma : joint.dropped) best += sigma * sigma;
  EXPECT_LE(best, dropped);
}

TEST(LatentConversion, FullRankGivesTheTrainedLayer) {
  Random random(16);
  const Dim c = kChannels;
  RefWeights plain;
  for (const char* name : {"a.q", "a.k", "a.v", "a.projection"}) {
    addLinear(plain, name, c, c, random, false);
  }
  // Keys and values of rank 7 together: a latent of 7 holds them exactly.
  const Array basis = random.normal({7, c});
  plain["a.k.weight"] = 0.2 * refMatmul(random.normal({c, 7}), basis);
  plain["a.v.weight"] = 0.2 * refMatmul(random.normal({c, 7}), basis);
  const LatentFactors f =
      factorizeLatent(plain["a.k.weight"].floats(), plain["a.v.weight"].floats(), c, 7);
  RefWeights weights;
  weights["a.q_up.weight"] = plain["a.q.weight"];
  weights["a.projection.weight"] = plain["a.projection.weight"];
  weights["a.kv_down.weight"] = Array({7, c}, f.down);
  weights["a.key_up.weight"] = Array({c, 7}, f.keyUp);
  weights["a.value_up.weight"] = Array({c, 7}, f.valueUp);
  const LatentOptions options{
      .heads = 4, .size = c / 4, .valueSize = c / 4, .latent = 7, .normalized = false};
  const Array x = random.normal({1, 33, c});
  EXPECT_TRUE(
      isNear(refItem(attend(weights, x, options, LatentEvaluation::Absorbed, {.width = 11}).out, 0),
             refMultiHeadLayer(plain, "a", refItem(x, 0), 4)));
}

TEST(LatentConversion, SizesThatDoNotFitAreRefused) {
  const std::vector<float> w(12, 1.0F);
  EXPECT_NE(messageOf([&] { factorizeLatent(w, w, 4, 5); }).find("rank 5"), std::string::npos);
  EXPECT_NE(messageOf([&] { factorizeLatent(w, w, 5, 2); }).find("12"), std::string::npos);
}

TEST(LatentAttention, ThreadsDoNotChangeTheResult) {
  const LatentOptions options = smallOptions();
  const RefWeights weights = randomWeights(options, 17);
  Random random(18);
  const Array x = random.normal({1, 300, kChannels});
  for (const auto evaluation : {LatentEvaluation::Naive, LatentEvaluation::Absorbed}) {
    EXPECT_TRUE(isEqual(attend(weights, x, options, evaluation, {}, {.threads = 3}).out,
                        attend(weights, x, options, evaluation, {}).out));
  }
}

TEST(LatentAttention, BankOfAnotherWidthIsRefused) {
  const LatentOptions options = smallOptions();
  const RefWeights weights = randomWeights(options, 19);
  const auto describe = [&](GraphBuilder& graph, const std::vector<Tensor>& in) {
    return latentAttention(graph, in[0], in[1], "a", options, {}, LatentEvaluation::Naive);
  };
  EXPECT_NE(messageOf([&] {
              runGraph(describe, {Array({1, 4, kChannels}), Array({1, 4, 15})}, weightsOf(weights));
            }).find("[1, 4, 15]"),
            std::string::npos);
}

}  // namespace

}  // namespace va::test
