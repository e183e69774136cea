#include "vision_attention/attention/se_cbam.h"

#include <gtest/gtest.h>

#include <cmath>

#include "tests/support/compare.h"
#include "tests/support/graph_runner.h"
#include "tests/support/random.h"
#include "tests/support/reference.h"
#include "tests/support/reference_attention.h"

namespace va::test {
namespace {

constexpr FusionMode kModes[] = {FusionMode::SeThenSpatial, FusionMode::Cbam, FusionMode::ScseAdd,
                                 FusionMode::ParallelMax};

struct FusionCase {
  Shape map;
  Dim window;
  Dim hidden;
};
const std::vector<FusionCase> kCases{{{1, 1, 1, 1}, 0, 0},  {{1, 2, 3, 3}, 0, 2},
                                     {{1, 4, 6, 7}, 2, 0},  {{2, 9, 6, 13}, 3, 5},
                                     {{1, 8, 8, 80}, 4, 0}, {{1, 5, 11, 24}, 0, 1}};

bool seesStatistics(FusionMode mode) {
  return mode == FusionMode::SeThenSpatial || mode == FusionMode::Cbam;
}

Dim hiddenOf(const FusionCase& test) {
  return test.hidden != 0 ? test.hidden : std::max<Dim>(4, test.map[3] / 16);
}

RefGates randomGates(Random& random, FusionMode mode, Dim c, Dim hidden) {
  return {random.normal({hidden, c}, 0.0, 2.0 / std::sqrt(static_cast<double>(c))),
          random.normal({hidden}, 0.5, 0.5),
          random.normal({c, hidden}),
          random.normal({c}),
          seesStatistics(mode)
              ? random.normal({1, 2, 7, 7}, 0.0, 0.2)
              : random.normal({1, c, 1, 1}, 0.0, 1.0 / std::sqrt(static_cast<double>(c))),
          random.normal({1})};
}

RefGates constantGates(FusionMode mode, Dim c, Dim hidden, double expandBias, double spatialBias) {
  return {Array({hidden, c}),
          Array({hidden}),
          Array({c, hidden}),
          Array({c}, expandBias),
          seesStatistics(mode) ? Array({1, 2, 7, 7}) : Array({1, c, 1, 1}),
          Array({1}, spatialBias)};
}

std::map<std::string, Array> arraysOf(const RefGates& gates) {
  return {{"s.reduce.weight", gates.reduce},   {"s.reduce.bias", gates.reduceBias},
          {"s.expand.weight", gates.expand},   {"s.expand.bias", gates.expandBias},
          {"s.spatial.weight", gates.spatial}, {"s.spatial.bias", gates.spatialBias}};
}

Array fusionOf(const Array& src, FusionMode mode, const FusionCase& test, const RefGates& gates,
               const RunOptions& run = {}) {
  return runGraph(
      [&](GraphBuilder& graph, const std::vector<Tensor>& in) {
        return seCbam(graph, in[0], "s",
                      {.mode = mode, .window = test.window, .hidden = test.hidden});
      },
      {src}, weightsOf(arraysOf(gates)), run);
}

Array fusionReference(const Array& src, FusionMode mode, Dim window, const RefGates& gates) {
  const Array channel =
      refSpreadGate(refChannelGate(src, gates, window, mode == FusionMode::Cbam), src.shape());
  if (seesStatistics(mode)) {
    const Array gated = channel * src;
    return refApplySpatial(gated, refSpatialGate(gated, gates));
  }
  const Array spatial = refApplySpatial(src, refPointwiseGate(src, gates));
  if (mode == FusionMode::ScseAdd) return channel * src + spatial;
  return zip(channel * src, spatial, [](double a, double b) { return std::max(a, b); });
}

void expectFusionMatches(Precision precision) {
  Random random(401);
  for (const FusionMode mode : kModes) {
    for (const FusionCase& test : kCases) {
      SCOPED_TRACE(test.map.toString() + " mode " + std::to_string(static_cast<int>(mode)));
      Array src = random.normal(test.map);
      if (precision == Precision::BF16) src = src.roundedToBf16();
      const RefGates gates = randomGates(random, mode, test.map[3], hiddenOf(test));
      EXPECT_TRUE(isNear(fusionOf(src, mode, test, gates, {.precision = precision}),
                         fusionReference(src, mode, test.window, gates), toleranceOf(precision)));
    }
  }
}

TEST(SeCbam, MatchesNaiveLoopInF32) {
  expectFusionMatches(Precision::F32);
}
TEST(SeCbam, MatchesNaiveLoopInBf16) {
  expectFusionMatches(Precision::BF16);
}

void expectResidualAndScaleMatch(Precision precision) {
  Random random(402);
  const FusionCase test{{1, 6, 4, 9}, 2, 3};
  for (const FusionMode mode : kModes) {
    const Array src = random.normal(test.map).roundedToBf16();
    const Array residual = random.normal(test.map).roundedToBf16();
    const Array scale = random.normal({9});
    const RefGates gates = randomGates(random, mode, 9, 3);
    auto arrays = arraysOf(gates);
    arrays["scale"] = scale;
    Array expected = fusionReference(src, mode, test.window, gates);
    for (std::size_t i = 0; i < expected.elements(); ++i) {
      expected.values()[i] *= scale.values()[i % 9];
    }
    const Array actual = runGraph(
        [&](GraphBuilder& graph, const std::vector<Tensor>& in) {
          return seCbam(
              graph, in[0], "s",
              {.mode = mode, .window = 2, .hidden = 3, .residual = in[1], .scale = "scale"});
        },
        {src, residual}, weightsOf(arrays), {.precision = precision});
    EXPECT_TRUE(isNear(actual, expected + residual, toleranceOf(precision)));
  }
}

TEST(SeCbam, ScalesAndAddsResidualInF32) {
  expectResidualAndScaleMatch(Precision::F32);
}
TEST(SeCbam, ScalesAndAddsResidualInBf16) {
  expectResidualAndScaleMatch(Precision::BF16);
}

TEST(SeCbam, ThreadsDoNotChangeTheResult) {
  Random random(403);
  for (const FusionMode mode : kModes) {
    for (const FusionCase& test : kCases) {
      const Array src = random.normal(test.map);
      const RefGates gates = randomGates(random, mode, test.map[3], hiddenOf(test));
      EXPECT_TRUE(isEqual(fusionOf(src, mode, test, gates, {.threads = 2}),
                          fusionOf(src, mode, test, gates, {.threads = 1})));
    }
  }
}

const FusionCase kPlain{{1, 6, 8, 5}, 0, 3};

Array withZeroWeights(FusionMode mode, const Array& src) {
  return fusionOf(src, mode, kPlain, constantGates(mode, 5, 3, 0.0, 0.0));
}

TEST(SeCbam, ZeroWeightsHalveWithEachGate) {
  Random random(404);
  const Array src = random.normal(kPlain.map);
  EXPECT_TRUE(isNear(withZeroWeights(FusionMode::SeThenSpatial, src), 0.25 * src, {1e-6, 1e-6}));
  EXPECT_TRUE(isNear(withZeroWeights(FusionMode::Cbam, src), 0.25 * src, {1e-6, 1e-6}));
  EXPECT_TRUE(isNear(withZeroWeights(FusionMode::ScseAdd, src), src, {1e-6, 1e-6}));
  Array larger = 0.5 * src;
  EXPECT_TRUE(isNear(withZeroWeights(FusionMode::ParallelMax, src), larger, {1e-6, 1e-6}));
}

TEST(SeCbam, SqueezeAndExcitationOfZeroWeightsHalves) {
  // A wide open spatial gate leaves SE alone.
  Random random(405);
  const Array src = random.normal(kPlain.map);
  const RefGates gates = constantGates(FusionMode::SeThenSpatial, 5, 3, 0.0, 30.0);
  EXPECT_TRUE(
      isNear(fusionOf(src, FusionMode::SeThenSpatial, kPlain, gates), 0.5 * src, {1e-6, 1e-6}));
}

TEST(SeCbam, LargeBiasesOpenTheGates) {
  Random random(406);
  const Array src = random.normal(kPlain.map);
  for (const FusionMode mode : {FusionMode::SeThenSpatial, FusionMode::Cbam}) {
    EXPECT_TRUE(isNear(fusionOf(src, mode, kPlain, constantGates(mode, 5, 3, 20.0, 20.0)), src,
                       {1e-7, 1e-7}));
  }
}

TEST(SeCbam, ChannelGateIsConstantOverSpace) {
  Random random(407);
  const Array src = random.uniform(kPlain.map, 0.5, 2.0);
  RefGates gates = randomGates(random, FusionMode::SeThenSpatial, 5, 3);
  gates.spatial = Array({1, 2, 7, 7});
  const Array result = fusionOf(src, FusionMode::SeThenSpatial, kPlain, gates);
  for (Dim c = 0; c < 5; ++c) {
    const double gate = result(0, 0, 0, c) / src(0, 0, 0, c);
    for (Dim y = 0; y < 6; ++y) {
      for (Dim x = 0; x < 8; ++x) EXPECT_NEAR(result(0, y, x, c) / src(0, y, x, c), gate, 1e-6);
    }
  }
}

TEST(SeCbam, SpatialGateIsConstantOverChannels) {
  Random random(408);
  const Array src = random.uniform(kPlain.map, 0.5, 2.0);
  RefGates gates = constantGates(FusionMode::SeThenSpatial, 5, 3, 30.0, 0.1);
  gates.spatial = random.normal({1, 2, 7, 7}, 0.0, 0.2);
  const Array result = fusionOf(src, FusionMode::SeThenSpatial, kPlain, gates);
  for (Dim y = 0; y < 6; ++y) {
    for (Dim x = 0; x < 8; ++x) {
      const double gate = result(0, y, x, 0) / src(0, y, x, 0);
      for (Dim c = 1; c < 5; ++c) EXPECT_NEAR(result(0, y, x, c) / src(0, y, x, c), gate, 1e-6);
    }
  }
}

TEST(SeCbam, SqueezeAndExcitationFollowsPermutedPixels) {
  Random random(409);
  const Array src = random.normal(kPlain.map);
  RefGates gates = randomGates(random, FusionMode::SeThenSpatial, 5, 3);
  gates.spatial = Array({1, 2, 7, 7});
  const auto order = random.permutation(48);
  const auto moved = [&](const Array& map) {
    Array result(map.shape());
    for (Dim p = 0; p < 48; ++p) {
      const Dim q = order[static_cast<std::size_t>(p)];
      for (Dim c = 0; c < 5; ++c) result(0, p / 8, p % 8, c) = map(0, q / 8, q % 8, c);
    }
    return result;
  };
  EXPECT_TRUE(isNear(fusionOf(moved(src), FusionMode::SeThenSpatial, kPlain, gates),
                     moved(fusionOf(src, FusionMode::SeThenSpatial, kPlain, gates)), {1e-6, 1e-6}));
}

TEST(SeCbam, ConstantMapHasEqualMaximumAndMean) {
  // Equal channels at every position: exchanging the two planes of the 7x7 gate changes nothing,
  // and pooling by maximum or mean gives the channel gate the same vector.
  Random random(410);
  const Array src(kPlain.map, 0.8);
  RefGates gates = constantGates(FusionMode::SeThenSpatial, 5, 3, 0.3, 0.1);
  gates.spatial = random.normal({1, 2, 7, 7}, 0.0, 0.2);
  RefGates exchanged = gates;
  exchanged.spatial = concatenate({gates.spatial.slice(1, 1, 1), gates.spatial.slice(1, 0, 1)}, 1);
  EXPECT_TRUE(isNear(fusionOf(src, FusionMode::SeThenSpatial, kPlain, exchanged),
                     fusionOf(src, FusionMode::SeThenSpatial, kPlain, gates), {1e-6, 1e-6}));
  RefGates se = randomGates(random, FusionMode::Cbam, 5, 3);
  const Array pooledTwice = refChannelGate(src, se, 0, true);
  const Array pooledOnce = refChannelGate(src, se, 0, false);
  for (Dim c = 0; c < 5; ++c) {
    const auto logit = [](double gate) { return std::log(gate / (1.0 - gate)); };
    EXPECT_NEAR(logit(pooledTwice(0, 0, 0, c)), 2.0 * logit(pooledOnce(0, 0, 0, c)), 1e-9);
  }
  EXPECT_TRUE(isNear(fusionOf(src, FusionMode::Cbam, kPlain, se),
                     fusionReference(src, FusionMode::Cbam, 0, se)));
}

TEST(SeCbam, FoldedBatchNormalisationEqualsTheUnfolded) {
  Random random(411);
  const Array src = random.normal(kPlain.map);
  RefGates gates = randomGates(random, FusionMode::Cbam, 5, 3);
  gates.spatialBias = Array({1});
  // sigmoid((conv - mean) / sqrt(variance + eps) * gain + offset)
  const double gain = 1.7 / std::sqrt(0.6 + 1e-5);
  const double offset = 0.2 - 0.3 * gain;
  const Array channel = refSpreadGate(refChannelGate(src, gates, 0, true), src.shape()) * src;
  const Array logits = map(refSpatialGate(channel, gates),
                           [](double gate) { return std::log(gate / (1.0 - gate)); });
  const Array spatial =
      map(logits, [&](double logit) { return refLogistic(logit * gain + offset); });
  RefGates folded = gates;
  folded.spatial = gain * gates.spatial;
  folded.spatialBias = Array({1}, offset);
  EXPECT_TRUE(
      isNear(fusionOf(src, FusionMode::Cbam, kPlain, folded), refApplySpatial(channel, spatial)));
}

TEST(SeCbam, WindowsDoNotSeeEachOther) {
  Random random(412);
  const FusionCase test{{1, 4, 8, 5}, 4, 3};
  RefGates gates = randomGates(random, FusionMode::SeThenSpatial, 5, 3);
  gates.spatial = Array({1, 2, 7, 7});
  const Array src = random.normal(test.map);
  Array changed = src;
  for (Dim y = 0; y < 4; ++y) {
    for (Dim x = 4; x < 8; ++x) changed(0, y, x, 2) += 3.0;
  }
  EXPECT_TRUE(isEqual(fusionOf(changed, FusionMode::SeThenSpatial, test, gates).slice(2, 0, 4),
                      fusionOf(src, FusionMode::SeThenSpatial, test, gates).slice(2, 0, 4)));
}

TEST(SeCbam, ErrorsNameShapes) {
  const auto error = [](const Shape& src, const Shape& residual, Dim window, Dim hidden) {
    return messageOf([&] {
      describeOnly(
          [&](GraphBuilder& graph, const std::vector<Tensor>& in) {
            return seCbam(graph, in[0], "s",
                          {.window = window, .hidden = hidden, .residual = in[1]});
          },
          {Array(src), Array(residual)});
    });
  };
  EXPECT_EQ(error({4, 4, 8}, {4, 4, 8}, 0, 0), "SE-CBAM 's': src is [4, 4, 8] f32");
  EXPECT_EQ(error({1, 4, 0, 8}, {1, 4, 0, 8}, 0, 0), "SE-CBAM 's': src is [1, 4, 0, 8] f32");
  EXPECT_EQ(error({1, 4, 4, 8}, {1, 4, 5, 8}, 0, 0),
            "SE-CBAM 's': residual is [1, 4, 5, 8] f32, expected [1, 4, 4, 8] f32");
  EXPECT_EQ(error({1, 4, 4, 8}, {1, 4, 4, 8}, 3, 0),
            "SE-CBAM 's': windows of 3 do not tile [1, 4, 4, 8]");
  EXPECT_EQ(error({1, 4, 4, 8}, {1, 4, 4, 8}, 0, -1), "SE-CBAM 's': -1 hidden units");
  EXPECT_EQ(error({1, 4, 4, 8}, {1, 4, 4, 8}, 0, 5),
            "weight 's.reduce.weight' is missing, expected [5, 8]");
}

}  // namespace
}  // namespace va::test
