#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "tests/support/compare.h"
#include "tests/support/graph_runner.h"
#include "tests/support/random.h"
#include "tests/support/reference.h"
#include "vision_attention/blocks.h"
#include "vision_attention/ops/conv.h"
#include "vision_attention/ops/elementwise.h"
#include "vision_attention/ops/int8_weights.h"
#include "vision_attention/ops/quantize.h"

namespace va::test {
namespace {

/// Weights as levels and what a level of each output channel stands for.
struct RefLevels {
  Array values;
  std::vector<double> level;
};

/// Symmetric with 7 bits where the processor has no int8 dot products, else 8. In float: a weight
/// half-way between two levels is near to both, and which one it gets is the operator's choice.
RefLevels refLevels(const Array& weights) {
  const float largestLevel = cpuFeatures().int8 ? 127 : 63;
  RefLevels result{weights, {}};
  auto& values = result.values.values();
  const auto perChannel = values.size() / static_cast<std::size_t>(weights.size(0));
  for (std::size_t first = 0; first < values.size(); first += perChannel) {
    float largest = 0;
    for (std::size_t i = 0; i < perChannel; ++i) {
      largest = std::max(largest, std::abs(static_cast<float>(values[first + i])));
    }
    const float level = largest > 0 ? largest / largestLevel : 1.0F;
    for (std::size_t i = 0; i < perChannel; ++i) {
      values[first + i] = std::nearbyint(static_cast<float>(values[first + i]) / level);
    }
    result.level.push_back(level);
  }
  return result;
}

struct Int8Case {
  const char* what;
  Shape src;
  Dim oc;
  bool residual;
};

/// Channels that fill vectors and ones that do not, borders, several maps.
const std::vector<Int8Case> kCases{
    {"one pixel, one channel", {1, 1, 1, 1}, 1, false}, {"one pixel", {1, 1, 1, 32}, 32, true},
    {"whole vectors", {1, 8, 16, 32}, 32, true},        {"wide", {1, 6, 7, 128}, 192, false},
    {"wide pair", {1, 5, 9, 192}, 192, true},           {"odd channels", {2, 7, 11, 13}, 17, true},
    {"few channels", {1, 9, 6, 3}, 5, false},           {"one row", {1, 1, 40, 16}, 16, true},
    {"one column", {1, 33, 1, 24}, 8, false},           {"several maps", {3, 5, 4, 16}, 32, true},
};

Array randomLevels(Random& random, const Shape& shape, DataType type) {
  // Every level of the type, its ends among them.
  return map(random.ties(shape, type == DataType::U8 ? 256 : 255),
             [&](double v) { return type == DataType::U8 ? v : v - 127; });
}

class Int8ConvOf : public testing::TestWithParam<DataType> {};

/// A sum of products of levels is exact: only the conversion of the result rounds.
TEST_P(Int8ConvOf, MatchesTheIntegerSum) {
  const DataType srcType = GetParam();
  Random random(41);
  for (const Int8Case& test : kCases) {
    SCOPED_TRACE(test.what);
    const Array src = randomLevels(random, test.src, srcType);
    const Array weight = random.normal({test.oc, test.src[3], 3, 3});
    const Array bias = random.normal({test.oc});
    const Array scale = random.normal({test.oc});
    const Array other = random.normal({test.src[0], test.src[1], test.src[2], test.oc});
    const double srcLevel = 0.01;

    const RefLevels levels = refLevels(weight);
    Array expected = refConv2d(src, levels.values, {}, {.padding = 1});
    for (std::size_t i = 0; i < expected.elements(); ++i) {
      const auto channel = i % static_cast<std::size_t>(test.oc);
      double& value = expected.values()[i];
      value = (value * srcLevel * levels.level[channel] + bias.values()[channel]) *
              scale.values()[channel];
    }
    if (test.residual) expected = expected + other;
    for (const bool keep : {true, false}) {
      const Array actual = runGraph(
          [&](GraphBuilder& graph, const std::vector<Tensor>& in) {
            ConvOptions options{.outputChannels = test.oc, .scale = "scale"};
            options.srcLevel = static_cast<float>(srcLevel);
            if (test.residual) {
              options.residual = keep ? in[1] : add(graph, "whole", in[2], in[2]);
            }
            return conv(graph, in[0], "layer", options);
          },
          {{src, srcType}, other, 0.5 * other},
          weightsOf({{"layer.weight", weight}, {"layer.bias", bias}, {"scale", scale}}),
          {.threads = 2});
      EXPECT_TRUE(isNear(actual, expected, {1e-3, 1e-5})) << (keep ? "kept" : "overwritten");
    }
  }
}

TEST_P(Int8ConvOf, RoundsAndSaturatesAResultInU8) {
  const DataType srcType = GetParam();
  Random random(42);
  for (const Int8Case& test : kCases) {
    SCOPED_TRACE(test.what);
    const Array src = randomLevels(random, test.src, srcType);
    const Array weight = random.normal({test.oc, test.src[3], 3, 3});
    const Array bias = random.normal({test.oc});
    const double srcLevel = 0.02;
    // Half of the values are below 0, some beyond 255.
    const double dstLevel = 1.5 * std::sqrt(9.0 * static_cast<double>(test.src[3])) / 255;

    const RefLevels levels = refLevels(weight);
    const Array sums = refConv2d(src, levels.values, {}, {.padding = 1});
    const Array actual = runGraph(
        [&](GraphBuilder& graph, const std::vector<Tensor>& in) {
          ConvOptions options{.outputChannels = test.oc, .activation = Activation::Relu};
          options.srcLevel = static_cast<float>(srcLevel);
          options.dstLevel = static_cast<float>(dstLevel);
          options.outputType = DataType::U8;
          return conv(graph, in[0], "layer", options);
        },
        {{src, srcType}}, weightsOf({{"layer.weight", weight}, {"layer.bias", bias}}));
    ASSERT_EQ(actual.shape(), sums.shape());
    double worst = 0;
    for (std::size_t i = 0; i < sums.elements(); ++i) {
      const auto channel = i % static_cast<std::size_t>(test.oc);
      const double value =
          (sums.values()[i] * srcLevel * levels.level[channel] + bias.values()[channel]) / dstLevel;
      worst = std::max(worst, std::abs(actual.values()[i] - std::clamp(value, 0.0, 255.0)));
    }
    EXPECT_LE(worst, 0.5 + 1e-3);
  }
}

TEST_P(Int8ConvOf, ThreadsDoNotChangeTheResult) {
  const DataType srcType = GetParam();
  Random random(43);
  for (const Int8Case& test : kCases) {
    SCOPED_TRACE(test.what);
    const Array src = randomLevels(random, test.src, srcType);
    const Weights weights =
        weightsOf({{"layer.weight", random.normal({test.oc, test.src[3], 3, 3})},
                   {"layer.bias", random.normal({test.oc})}});
    const auto run = [&](int threads) {
      return runGraph(
          [&](GraphBuilder& graph, const std::vector<Tensor>& in) {
            return conv(graph, in[0], "layer", {.outputChannels = test.oc});
          },
          {{src, srcType}}, weights, {.threads = threads});
    };
    EXPECT_TRUE(isEqual(run(3), run(1)));
  }
}

INSTANTIATE_TEST_SUITE_P(Sources, Int8ConvOf, testing::Values(DataType::S8, DataType::U8),
                         [](const auto& source) { return toString(source.param); });

TEST(Int8Conv, ResultInBf16) {
  SKIP_WITHOUT_BF16();
  Random random(44);
  const Array src = randomLevels(random, {1, 9, 8, 64}, DataType::U8);
  const Array weight = random.normal({64, 64, 3, 3});
  const Array other = random.normal({1, 9, 8, 64}, 0.0, 30.0).roundedToBf16();
  const RefLevels levels = refLevels(weight);
  Array expected = refConv2d(src, levels.values, {}, {.padding = 1});
  for (std::size_t i = 0; i < expected.elements(); ++i) {
    expected.values()[i] *= 0.01 * levels.level[i % 64];
  }
  const Array actual = runGraph(
      [&](GraphBuilder& graph, const std::vector<Tensor>& in) {
        ConvOptions options{.outputChannels = 64, .bias = false, .residual = in[1]};
        options.srcLevel = 0.01F;
        return conv(graph, in[0], "layer", options);
      },
      {{src, DataType::U8}, other}, weightsOf({{"layer.weight", weight}}),
      {.precision = Precision::BF16});
  EXPECT_TRUE(isNear(actual, expected + other, {1e30, 4e-3}));
}

TEST(Int8Conv, ErrorsNameTheTypes) {
  const auto error = [](DataType src, DataType dst, Dim groups) {
    Random random(45);
    return messageOf([&] {
      describeOnly(
          [&](GraphBuilder& graph, const std::vector<Tensor>& in) {
            return conv(graph, in[0], "layer",
                        {.outputChannels = 4, .groups = groups, .outputType = dst});
          },
          {{Array({1, 4, 4, 4}), src}},
          weightsOf({{"layer.weight", random.normal({4, 4 / groups, 3, 3})},
                     {"layer.bias", random.normal({4})}}));
    });
  };
  EXPECT_EQ(error(DataType::F32, DataType::U8, 1), "conv 'layer': f32 to u8");
  EXPECT_EQ(error(DataType::U8, DataType::S8, 1), "conv 'layer': u8 to s8");
  EXPECT_EQ(error(DataType::S8, DataType::F32, 2), "conv 'layer': int8 in 2 groups, expected 1");
  EXPECT_EQ(error(DataType::S8, DataType::F32, 1), "nothing was thrown");
}

TEST(Int8Weights, LargestMagnitudeOfAChannelIsTheLastLevel) {
  const Int8Weights w = quantizeWeights({0.5F, -2.0F, 0.1F, 0.0F}, 2, DataType::U8, true);
  EXPECT_EQ(w.values, (std::vector<std::int8_t>{32, -127, 127, 0}));
  EXPECT_FLOAT_EQ(w.levels[0], 2.0F / 127);
  EXPECT_FLOAT_EQ(w.levels[1], 0.1F / 127);
}

TEST(Int8Weights, ChannelOfZerosStaysZero) {
  const Int8Weights w = quantizeWeights({0.0F, 0.0F}, 1, DataType::S8, true);
  EXPECT_EQ(w.values, (std::vector<std::int8_t>{0, 0}));
  EXPECT_GT(w.levels[0], 0.0F);
}

TEST(Int8Weights, SevenBitsWithoutDotProducts) {
  const Int8Weights u8 = quantizeWeights({1.0F, -0.4F}, 1, DataType::U8, false);
  EXPECT_EQ(u8.values, (std::vector<std::int8_t>{63, -25}));
  EXPECT_FLOAT_EQ(u8.levels[0], 1.0F / 63);
  const Int8Weights s8 = quantizeWeights({1.0F, -0.4F}, 1, DataType::S8, false);
  EXPECT_EQ(s8.values, (std::vector<std::int8_t>{126, -50}));
  EXPECT_FLOAT_EQ(s8.levels[0], 1.0F / 126);
}

Array quantized(const Array& src, float level, Precision precision = Precision::F32,
                int threads = 1) {
  return runGraph(
      [&](GraphBuilder& graph, const std::vector<Tensor>& in) {
        return quantize(graph, "quantize", in[0], level);
      },
      {src}, {}, {.precision = precision, .threads = threads});
}

TEST(Quantize, RoundsToNearestEvenAndLimits) {
  const Array src({12}, std::vector<double>{0.0, 0.25, 0.75, 1.25, -0.25, -0.75, 63.25, 64.0, 1e30,
                                            -1e30, std::numeric_limits<double>::infinity(), -63.5});
  EXPECT_EQ(quantized(src, 0.5F).values(),
            (std::vector<double>{0, 0, 2, 2, 0, -2, 126, 127, 127, -127, 127, -127}));
}

TEST(Quantize, EveryElementInAnyNumberOfThreads) {
  Random random(46);
  for (const Dim count : {1, 15, 16384, 16385, 100003}) {
    const Array src = random.normal({count}, 0.0, 40.0);
    const Array expected =
        map(src, [](double v) { return std::clamp(std::nearbyint(v / 0.75), -127.0, 127.0); });
    EXPECT_TRUE(isNear(quantized(src, 0.75F), expected, {1.0, 1e-3}));
    EXPECT_TRUE(isEqual(quantized(src, 0.75F, Precision::F32, 3), quantized(src, 0.75F)));
    // bf16 is only a storage type here: no processor lacks it.
    EXPECT_TRUE(
        isEqual(quantized(src, 0.5F, Precision::BF16), quantized(src.roundedToBf16(), 0.5F)));
  }
}

TEST(Quantize, ErrorsNameWhatIsWrong) {
  const auto error = [](float level, DataType type) {
    return messageOf([&] {
      describeOnly(
          [&](GraphBuilder& graph, const std::vector<Tensor>& in) {
            return quantize(graph, "q", in[0], level);
          },
          {{Array({4}), type}});
    });
  };
  EXPECT_EQ(error(1.0F, DataType::S32), "quantize 'q': src is s32, expected f32 or bf16");
  EXPECT_EQ(error(0.0F, DataType::F32), "quantize 'q': level is 0.000000");
  EXPECT_EQ(error(-1.0F, DataType::F32), "quantize 'q': level is -1.000000");
  EXPECT_EQ(error(NAN, DataType::F32), "quantize 'q': level is nan");
}

}  // namespace
}  // namespace va::test
