#include "vision_attention/attention/histogram.h"

#include <gtest/gtest.h>

#include <cmath>

#include "tests/support/compare.h"
#include "tests/support/graph_runner.h"
#include "tests/support/random.h"
#include "tests/support/reference.h"
#include "tests/support/reference_attention.h"

namespace va::test {
namespace {

struct CoreCase {
  const char* what;
  Dim windows;
  Dim h;
  Dim w;
  Dim c;
  Dim heads;
  Dim bins;
};

const std::vector<CoreCase> kCases{
    {"one value", 1, 1, 1, 1, 1, 1},
    {"one channel", 1, 4, 4, 1, 1, 4},
    {"one bin", 2, 3, 5, 6, 2, 1},
    {"63 positions, two bins", 1, 7, 9, 4, 2, 2},
    {"bins do not divide", 2, 5, 5, 10, 2, 8},
    {"one channel a head", 1, 6, 6, 5, 5, 3},
    {"whole vectors", 3, 8, 8, 32, 4, 8},
    {"as many bins as positions", 1, 2, 3, 4, 2, 6},
    {"longer than the sorting network", 1, 80, 60, 2, 1, 4},
};

/// One window's inputs as [c, n] each.
RefHistogramInput randomInput(Random& random, Dim c, Dim n, double deviation = 1.0) {
  const auto draw = [&] { return random.normal({c, n}, 0.0, deviation); };
  return {draw(), draw(), draw(), draw(), draw()};
}

/// [c, n] per window -> what histogramCore() reads: qk [windows, h, w, 4c] and v [windows, h, w,
/// c].
struct CoreFeeds {
  Array qk;
  Array v;
};

Array pixels(const Array& channels, Dim h, Dim w) {
  return refTransposed(channels).reshaped({1, h, w, channels.size(0)});
}

CoreFeeds feedsOf(const std::vector<RefHistogramInput>& windows, Dim h, Dim w) {
  std::vector<Array> qk;
  std::vector<Array> v;
  for (const RefHistogramInput& input : windows) {
    qk.push_back(concatenate({pixels(input.q1, h, w), pixels(input.k1, h, w),
                              pixels(input.q2, h, w), pixels(input.k2, h, w)},
                             3));
    v.push_back(pixels(input.v, h, w));
  }
  return {concatenate(qk, 0), concatenate(v, 0)};
}

Array coreOf(const std::vector<RefHistogramInput>& windows, const CoreCase& test,
             const Array& temperature, const RunOptions& run = {}) {
  const CoreFeeds feeds = feedsOf(windows, test.h, test.w);
  return runGraph(
      [&](GraphBuilder& graph, const std::vector<Tensor>& in) {
        return histogramCore(graph, in[0], in[1], "h", {.heads = test.heads, .bins = test.bins});
      },
      {feeds.qk, {feeds.v, DataType::F32}}, weightsOf({{"h.temperature", temperature}}), run);
}

/// The single window of a result as [c, n].
Array channelsOf(const Array& result) {
  return refTransposed(result.reshaped({result.size(1) * result.size(2), result.size(3)}));
}

void expectCoreMatches(Precision precision) {
  Random random(301);
  for (const CoreCase& test : kCases) {
    SCOPED_TRACE(test.what);
    const Array temperature = random.uniform({test.heads}, 0.5, 4.0);
    std::vector<RefHistogramInput> windows;
    std::vector<Array> expected;
    for (Dim i = 0; i < test.windows; ++i) {
      windows.push_back(randomInput(random, test.c, test.h * test.w, 0.7));
      expected.push_back(pixels(
          refHistogramCore(windows.back(), test.heads, test.bins, temperature), test.h, test.w));
    }
    EXPECT_TRUE(isNear(coreOf(windows, test, temperature, {.precision = precision}),
                       concatenate(expected, 0), toleranceOf(precision)));
  }
}

TEST(HistogramCore, MatchesNaiveLoopInF32) {
  expectCoreMatches(Precision::F32);
}
TEST(HistogramCore, MatchesNaiveLoopInBf16) {
  SKIP_WITHOUT_BF16();
  expectCoreMatches(Precision::BF16);
}

TEST(HistogramCore, ThreadsDoNotChangeTheResult) {
  Random random(302);
  for (const CoreCase& test : kCases) {
    SCOPED_TRACE(test.what);
    std::vector<RefHistogramInput> windows;
    for (Dim i = 0; i < test.windows; ++i) {
      windows.push_back(randomInput(random, test.c, test.h * test.w));
    }
    const Array temperature({test.heads}, 2.0);
    EXPECT_TRUE(isEqual(coreOf(windows, test, temperature, {.threads = 2}),
                        coreOf(windows, test, temperature, {.threads = 1})));
  }
}

RefHistogramInput goldenInput() {
  const Array v({2, 4}, std::vector<double>{4, 1, 3, 2, 10, 40, 20, 30});
  return {v, v, v, v, v};
}

constexpr Tolerance kGolden{5e-3, 1e-6};

TEST(HistogramCore, GoldenVectorsOfOneBin) {
  const Array expected({2, 4}, std::vector<double>{345.29175, 21.58073, 194.22658, 86.32294,
                                                   21.58073, 345.29175, 86.32294, 194.22658});
  const CoreCase test{"golden", 1, 2, 2, 2, 1, 1};
  EXPECT_TRUE(
      isNear(channelsOf(coreOf({goldenInput()}, test, Array({1}, 1.0))), expected, kGolden));
}

TEST(HistogramCore, GoldenVectorsOfTwoBins) {
  const Array expected({2, 4}, std::vector<double>{7.50110, 2.12372, 5.00025, 3.20058, 212.37158,
                                                   750.10999, 320.05777, 500.02527});
  const CoreCase test{"golden", 1, 2, 2, 2, 2, 2};
  EXPECT_TRUE(
      isNear(channelsOf(coreOf({goldenInput()}, test, Array({2}, 1.0))), expected, kGolden));
}

/// Column i of the result is column order[i] of `channels`.
Array reordered(const Array& channels, const std::vector<Dim>& order) {
  Array result(channels.shape());
  for (Dim c = 0; c < channels.size(0); ++c) {
    for (std::size_t i = 0; i < order.size(); ++i) {
      result(c, static_cast<Dim>(i)) = channels(c, order[i]);
    }
  }
  return result;
}

TEST(HistogramCore, PermutedPixelsPermuteTheResult) {
  const CoreCase test{"permuted", 1, 8, 7, 6, 2, 4};
  Random random(303);
  const RefHistogramInput input = randomInput(random, 6, 56);
  const auto order = random.permutation(56);
  const RefHistogramInput moved{reordered(input.q1, order), reordered(input.k1, order),
                                reordered(input.q2, order), reordered(input.k2, order),
                                reordered(input.v, order)};
  const Array temperature({2}, std::vector<double>{1.0, 3.0});
  EXPECT_TRUE(isEqual(channelsOf(coreOf({moved}, test, temperature)),
                      reordered(channelsOf(coreOf({input}, test, temperature)), order)));
}

TEST(HistogramCore, BranchesOfOneBinCoincide) {
  const CoreCase test{"one bin", 1, 6, 5, 6, 2, 1};
  Random random(304);
  RefHistogramInput input = randomInput(random, 6, 30);
  input.q2 = input.q1;
  input.k2 = input.k1;
  const Array temperature({2}, 1.5);
  const Array branch = refHistogramBranches(input, 2, 1, temperature).bins;
  const Array result = channelsOf(coreOf({input}, test, temperature));
  // The product of two equal branches is a square: no value is negative.
  EXPECT_TRUE(isNear(result, branch * branch));
  for (const double value : result.values()) EXPECT_GE(value, 0.0);
}

TEST(HistogramCore, ConstantChannelsStayConstantInOneBin) {
  const CoreCase test{"constant", 1, 4, 6, 4, 2, 1};
  Random random(305);
  RefHistogramInput input = randomInput(random, 4, 24);
  for (Dim c = 0; c < 4; ++c) {
    for (Dim p = 0; p < 24; ++p) input.v(c, p) = static_cast<double>(c) - 1.5;
  }
  const Array result = channelsOf(coreOf({input}, test, Array({2}, 2.0)));
  for (Dim c = 0; c < 4; ++c) {
    for (Dim p = 1; p < 24; ++p) EXPECT_NEAR(result(c, p), result(c, 0), 1e-6);
  }
}

TEST(HistogramCore, ConstantChannelsStayConstantWithinABinPattern) {
  // 24 positions in 4 bins of 6: ranks of one bin and one frequency share their token pair.
  const CoreCase test{"constant", 1, 4, 6, 4, 2, 4};
  Random random(306);
  RefHistogramInput input = randomInput(random, 4, 24);
  for (double& value : input.v.values()) value = 0.5;
  const Array result = channelsOf(coreOf({input}, test, Array({2}, 2.0)));
  // Ties keep their index order, so rank and position agree.
  for (Dim c = 0; c < 4; ++c) {
    for (Dim p = 0; p < 24; ++p) {
      for (Dim q = 0; q < p; ++q) {
        if (p / 6 == q / 6 && p % 4 == q % 4) {
          EXPECT_NEAR(result(c, p), result(c, q), 1e-6);
        }
      }
    }
  }
}

TEST(HistogramCore, ScaleOfQueriesAndKeysDoesNotMatterInOneBin) {
  const CoreCase test{"scaled", 1, 5, 5, 6, 2, 1};
  Random random(307);
  const RefHistogramInput input = randomInput(random, 6, 25);
  RefHistogramInput scaled = input;
  for (Array* array : {&scaled.q1, &scaled.k1, &scaled.q2, &scaled.k2}) {
    for (Dim c = 0; c < 6; ++c) {
      const double factor = std::exp2(static_cast<double>(c - 2));
      for (Dim p = 0; p < 25; ++p) (*array)(c, p) *= factor;
    }
  }
  const Array temperature({2}, 3.0);
  EXPECT_TRUE(isNear(coreOf({scaled}, test, temperature), coreOf({input}, test, temperature),
                     {1e-5, 1e-5}));
}

TEST(HistogramCore, ColdTemperatureSilencesAlignedTokens) {
  // Cosines of 1 everywhere: softmax would give the mean of the values, softmax_1 nothing.
  const CoreCase test{"cold", 1, 4, 4, 2, 1, 1};
  Random random(308);
  RefHistogramInput input = randomInput(random, 2, 16);
  for (Array* array : {&input.q1, &input.k1, &input.q2, &input.k2}) {
    for (double& value : array->values()) value = 1.0;
  }
  const Array result = coreOf({input}, test, Array({1}, -50.0));
  for (const double value : result.values()) EXPECT_NEAR(value, 0.0, 1e-30);
}

TEST(HistogramCore, ExtremeTemperaturesStayFinite) {
  const CoreCase test{"extreme", 1, 6, 6, 4, 2, 2};
  Random random(309);
  const RefHistogramInput input = randomInput(random, 4, 36);
  for (const double temperature : {1e30, -1e30, 100.0}) {
    const Array result = coreOf({input}, test, Array({2}, temperature));
    for (const double value : result.values()) EXPECT_TRUE(std::isfinite(value));
  }
}

TEST(HistogramCore, ZeroQueriesAndKeysWeighAllTokensAlike) {
  const CoreCase test{"zero", 1, 4, 4, 2, 1, 1};
  Random random(310);
  const RefHistogramInput input{Array({2, 16}), Array({2, 16}), Array({2, 16}), Array({2, 16}),
                                random.normal({2, 16})};
  EXPECT_TRUE(isNear(channelsOf(coreOf({input}, test, Array({1}, 1.0))),
                     refHistogramCore(input, 1, 1, Array({1}, 1.0))));
}

TEST(HistogramCore, ResultFollowsTheRankAloneInOneBin) {
  const CoreCase test{"ranks", 1, 5, 6, 4, 2, 1};
  Random random(311);
  RefHistogramInput input = randomInput(random, 4, 30);
  // All channels order their pixels alike, so the pixel of rank r has it everywhere.
  const Array base = input.v.slice(0, 0, 1);
  for (Dim c = 0; c < 4; ++c) {
    for (Dim p = 0; p < 30; ++p) input.v(c, p) = base(0, p) * static_cast<double>(c + 1);
  }
  const Array temperature({2}, 1.0);
  const Array result = channelsOf(coreOf({input}, test, temperature));
  const auto order = random.permutation(30);
  const RefHistogramInput moved{reordered(input.q1, order), reordered(input.k1, order),
                                reordered(input.q2, order), reordered(input.k2, order),
                                reordered(input.v, order)};
  const Array movedResult = channelsOf(coreOf({moved}, test, temperature));
  const auto rank = refArgsort(base.values());
  const auto movedRank = refArgsort(reordered(base, order).values());
  for (std::size_t r = 0; r < rank.size(); ++r) {
    for (Dim c = 0; c < 4; ++c) EXPECT_EQ(result(c, rank[r]), movedResult(c, movedRank[r]));
  }
}

TEST(HistogramCore, TiesKeepTheirOrderOfPosition) {
  const CoreCase test{"ties", 1, 6, 7, 4, 2, 3};
  Random random(312);
  RefHistogramInput input = randomInput(random, 4, 42);
  input.v = random.ties({4, 42}, 3);
  const Array temperature({2}, 2.0);
  EXPECT_TRUE(isNear(channelsOf(coreOf({input}, test, temperature)),
                     refHistogramCore(input, 2, 3, temperature)));
}

TEST(HistogramCore, PaddingIsZerosBehindTheLargestValue) {
  // 63 positions in two bins: as if a 64th of value 0 followed the last rank.
  const CoreCase odd{"odd", 1, 7, 9, 4, 2, 2};
  const CoreCase even{"even", 1, 8, 8, 4, 2, 2};
  Random random(313);
  RefHistogramInput input = randomInput(random, 4, 63);
  for (double& value : input.v.values()) value = -std::abs(value) - 0.01;  // 0 is the largest
  const auto padded = [](const Array& channels) {
    return concatenate({channels, Array({channels.size(0), 1})}, 1);
  };
  const RefHistogramInput with{padded(input.q1), padded(input.k1), padded(input.q2),
                               padded(input.k2), padded(input.v)};
  const Array temperature({2}, 2.0);
  EXPECT_TRUE(isNear(channelsOf(coreOf({input}, odd, temperature)),
                     channelsOf(coreOf({with}, even, temperature)).slice(1, 0, 63), {1e-5, 1e-5}));
}

TEST(HistogramCore, GoldenMultiplyAddsOfThePapersNetworkAt256) {
  struct Stage {
    Dim channels;
    Dim heads;  ///< as many bins
    Dim blocks;
    Dim side;
  };
  const Stage stages[] = {{36, 1, 4, 256}, {72, 2, 4, 128}, {144, 4, 6, 64}, {288, 8, 8, 32},
                          {144, 4, 6, 64}, {72, 2, 4, 128}, {72, 1, 4, 256}, {72, 1, 4, 256}};
  std::uint64_t total = 0;
  for (const auto& [c, heads, blocks, side] : stages) {
    Weights weights;
    weights.add("a.temperature", {heads}, std::vector<float>(static_cast<std::size_t>(heads), 1));
    GraphBuilder graph(weights, Precision::F32);
    const Tensor qk = graph.input("qk", {1, side, side, 4 * c});
    const Tensor v = graph.input("v", {1, side, side, c});
    histogramCore(graph, qk, v, "a", {.heads = heads, .bins = heads});
    total += static_cast<std::uint64_t>(blocks) * graph.macs();
  }
  EXPECT_EQ(total, 21743271936U);
}

TEST(HistogramCore, ErrorsNameShapes) {
  const auto error = [](const Shape& qk, const Shape& v, Dim heads, Dim bins) {
    return messageOf([&] {
      describeOnly(
          [&](GraphBuilder& graph, const std::vector<Tensor>& in) {
            return histogramCore(graph, in[0], in[1], "h", {.heads = heads, .bins = bins});
          },
          {Array(qk), Array(v)});
    });
  };
  EXPECT_EQ(error({1, 4, 4, 20}, {1, 4, 4, 4}, 2, 2),
            "histogram attention 'h': q and k are [1, 4, 4, 20] f32, v is [1, 4, 4, 4] f32");
  EXPECT_EQ(error({1, 4, 4, 16}, {1, 4, 4, 4}, 3, 2),
            "histogram attention 'h': 4 channels in 3 heads");
  EXPECT_EQ(error({1, 4, 4, 16}, {1, 4, 4, 4}, 2, 0),
            "histogram attention 'h': 0 bins of 16 positions");
  EXPECT_EQ(error({1, 4, 4, 16}, {1, 4, 4, 4}, 2, 17),
            "histogram attention 'h': 17 bins of 16 positions");
  EXPECT_EQ(error({1, 0, 4, 16}, {1, 0, 4, 4}, 2, 1),
            "histogram attention 'h': 1 bins of 0 positions");
  EXPECT_EQ(error({1, 4, 4, 0}, {1, 4, 4, 0}, 2, 1),
            "histogram attention 'h': 0 channels in 2 heads");
  EXPECT_EQ(error({1, 4, 4, 16}, {1, 4, 4, 4}, 2, 2),
            "weight 'h.temperature' is missing, expected [2]");
}

std::map<std::string, Array> moduleWeights(Random& random, Dim c, Dim heads) {
  const double deviation = 1.0 / std::sqrt(static_cast<double>(c));
  return {{"h.qkv.weight", random.normal({5 * c, c, 1, 1}, 0.0, deviation)},
          {"h.qkv_depthwise.weight", random.normal({5 * c, 1, 3, 3}, 0.0, 0.33)},
          {"h.projection.weight", random.normal({c, c, 1, 1}, 0.0, deviation)},
          {"h.temperature", random.uniform({heads}, 0.5, 3.0)}};
}

struct ModuleCase {
  Shape windows;
  Dim heads;
  Dim bins;
  bool dynamicRange;
};
const std::vector<ModuleCase> kModules{{{1, 4, 4, 2}, 1, 2, true},   {{2, 5, 5, 9}, 3, 4, true},
                                       {{2, 6, 4, 8}, 2, 3, false},  {{1, 8, 8, 16}, 4, 8, true},
                                       {{1, 7, 7, 12}, 2, 2, false}, {{1, 1, 1, 1}, 1, 1, true}};

Array moduleReference(const Array& src, std::map<std::string, Array> w, const ModuleCase& test) {
  const Dim h = src.size(1);
  const Dim width = src.size(2);
  const Dim c = src.size(3);
  const auto sorted = refDynamicRangeSort(src, test.dynamicRange ? c / 2 : 0);
  const Array mixed = refConv2d(sorted.map, w["h.qkv.weight"], {}, {});
  const Array parts =
      refConv2d(mixed, w["h.qkv_depthwise.weight"], {}, {.groups = 5 * c, .padding = 1});
  std::vector<Array> windows;
  for (Dim i = 0; i < src.size(0); ++i) {
    const auto part = [&](Dim index) {
      return channelsOf(parts.slice(0, i, 1).slice(3, index * c, c));
    };
    const RefHistogramInput input{part(0), part(1), part(2), part(3), part(4)};
    windows.push_back(
        pixels(refHistogramCore(input, test.heads, test.bins, w["h.temperature"]), h, width));
  }
  const Array out = refConv2d(concatenate(windows, 0), w["h.projection.weight"], {}, {});
  return refDynamicRangeUnsort(out, sorted.origin);
}

TEST(HistogramAttention, MatchesNaiveLoopInF32) {
  Random random(320);
  for (const ModuleCase& test : kModules) {
    SCOPED_TRACE(test.windows.toString());
    const Array src = random.normal(test.windows);
    const auto arrays = moduleWeights(random, test.windows[3], test.heads);
    const Array actual = runGraph(
        [&](GraphBuilder& graph, const std::vector<Tensor>& in) {
          return histogramAttention(
              graph, in[0], "h",
              {.heads = test.heads, .bins = test.bins, .dynamicRange = test.dynamicRange});
        },
        {src}, weightsOf(arrays));
    EXPECT_TRUE(isNear(actual, moduleReference(src, arrays, test)));
  }
}

std::map<std::string, Array> feedForwardWeights(Random& random, Dim c, Dim quarter) {
  return {{"f.expand.weight",
           random.normal({8 * quarter, c, 1, 1}, 0.0, 1.0 / std::sqrt(static_cast<double>(c)))},
          {"f.depthwise5.weight", random.normal({quarter, 1, 5, 5}, 0.0, 0.2)},
          {"f.depthwise3.weight", random.normal({quarter, 1, 3, 3}, 0.0, 0.33)},
          {"f.reduce.weight", random.normal({c, 4 * quarter, 1, 1}, 0.0,
                                            0.5 / std::sqrt(static_cast<double>(quarter)))}};
}

void expectFeedForwardMatches(Precision precision) {
  struct Case {
    Shape map;
    Dim quarter;  ///< channels * 2.667 / 4, to the nearest even
  };
  Random random(330);
  for (const auto& [shape, quarter] : std::vector<Case>{{{1, 1, 1, 1}, 1},
                                                        {{1, 1, 1, 3}, 2},
                                                        {{1, 3, 5, 12}, 8},
                                                        {{2, 4, 3, 13}, 9},
                                                        {{1, 6, 6, 24}, 16}}) {
    SCOPED_TRACE(shape.toString());
    const Array src = random.normal(shape);
    const Array residual = random.normal(shape);
    auto arrays = feedForwardWeights(random, shape[3], quarter);
    const Array expected =
        refDualScaleFeedForward(src, arrays["f.expand.weight"], arrays["f.depthwise5.weight"],
                                arrays["f.depthwise3.weight"], arrays["f.reduce.weight"]);
    const Array actual = runGraph(
        [](GraphBuilder& graph, const std::vector<Tensor>& in) {
          return dualScaleGatedFeedForward(graph, in[0], "f", in[1]);
        },
        {src, residual}, weightsOf(arrays), {.precision = precision});
    EXPECT_TRUE(isNear(actual, expected + residual, toleranceOf(precision)));
  }
}

TEST(DualScaleGatedFeedForward, MatchesNaiveLoopInF32) {
  expectFeedForwardMatches(Precision::F32);
}
TEST(DualScaleGatedFeedForward, MatchesNaiveLoopInBf16) {
  SKIP_WITHOUT_BF16();
  expectFeedForwardMatches(Precision::BF16);
}

}  // namespace
}  // namespace va::test
