#include "vision_attention/attention/dynamic_range_conv.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "tests/support/compare.h"
#include "tests/support/graph_runner.h"
#include "tests/support/random.h"
#include "tests/support/reference.h"
#include "tests/support/reference_attention.h"

namespace va::test {
namespace {

struct SortCase {
  Shape map;
  Dim channels;
};
const std::vector<SortCase> kCases{{{1, 1, 1, 1}, 1},   {{1, 1, 7, 3}, 1},     {{1, 9, 1, 3}, 3},
                                   {{2, 5, 3, 7}, 3},   {{1, 8, 8, 33}, 16},   {{1, 6, 11, 40}, 20},
                                   {{3, 4, 4, 19}, 19}, {{1, 16, 17, 18}, 17}, {{1, 3, 4, 5}, 0}};

std::vector<Array> sortedOf(const Array& src, const DynamicRangeSortOptions& options,
                            const RunOptions& run = {},
                            std::optional<DataType> type = std::nullopt) {
  return runGraphs(
      [&](GraphBuilder& graph, const std::vector<Tensor>& in) {
        const SortedMap sorted = dynamicRangeSort(graph, "sort", in[0], options);
        return std::vector<Tensor>{sorted.map, sorted.origin};
      },
      {{src, type}}, {}, run);
}

void expectSortMatches(const Array& src, Dim channels, bool heightFirst) {
  SCOPED_TRACE(src.shape().toString());
  const auto expected = refDynamicRangeSort(src, channels, heightFirst);
  const SortOrder order = heightFirst ? SortOrder::HeightWidth : SortOrder::WidthHeight;
  const auto actual = sortedOf(src, {.channels = channels, .order = order});
  EXPECT_TRUE(isEqual(actual[0], expected.map));
  EXPECT_TRUE(isEqual(actual[1], expected.origin));
}

TEST(DynamicRangeSort, MatchesNaiveLoopInBothOrders) {
  Random random(201);
  for (const auto& [shape, channels] : kCases) {
    for (const bool heightFirst : {true, false}) {
      expectSortMatches(random.normal(shape), channels, heightFirst);
      expectSortMatches(random.ties(shape, 3), channels, heightFirst);
    }
  }
}

TEST(DynamicRangeSort, GoldenMap) {
  const Array src({1, 3, 3, 1}, std::vector<double>{3, 1, 2, 9, 8, 7, 4, 6, 5});
  const auto sorted = sortedOf(src, {.channels = 1});
  EXPECT_TRUE(
      isEqual(sorted[0], Array({1, 3, 3, 1}, std::vector<double>{1, 2, 3, 4, 5, 6, 7, 8, 9})));
  // Rows of the map sorted along the height alone: [3 1 2], [4 6 5], [9 8 7].
  EXPECT_TRUE(
      isEqual(sorted[1], Array({1, 3, 3, 1}, std::vector<double>{1, 2, 0, 6, 8, 7, 5, 4, 3})));
}

TEST(DynamicRangeSort, RowsAndColumnsAscend) {
  Random random(202);
  for (const SortOrder order : {SortOrder::HeightWidth, SortOrder::WidthHeight}) {
    const Array sorted =
        sortedOf(random.normal({2, 13, 9, 5}), {.channels = 5, .order = order}).front();
    for (Dim n = 0; n < 2; ++n) {
      for (Dim y = 0; y < 13; ++y) {
        for (Dim x = 0; x < 9; ++x) {
          for (Dim c = 0; c < 5; ++c) {
            if (y > 0) {
              ASSERT_GE(sorted(n, y, x, c), sorted(n, y - 1, x, c));
            }
            if (x > 0) {
              ASSERT_GE(sorted(n, y, x, c), sorted(n, y, x - 1, c));
            }
          }
        }
      }
    }
  }
}

TEST(DynamicRangeSort, SortedOrConstantMapStays) {
  Array src({1, 4, 5, 2});
  for (Dim y = 0; y < 4; ++y) {
    for (Dim x = 0; x < 5; ++x) {
      src(0, y, x, 0) = static_cast<double>(y * 5 + x);
      src(0, y, x, 1) = 0.75;
    }
  }
  const auto sorted = sortedOf(src, {.channels = 2});
  EXPECT_TRUE(isEqual(sorted[0], src));
  for (Dim y = 0; y < 4; ++y) {
    for (Dim x = 0; x < 5; ++x) {
      EXPECT_EQ(sorted[1](0, y, x, 0), static_cast<double>(y * 5 + x));
      EXPECT_EQ(sorted[1](0, y, x, 1), static_cast<double>(y * 5 + x));
    }
  }
}

TEST(DynamicRangeSort, F32KeysDecideWhatBf16WouldTie) {
  Random random(203);
  const Array src = random.normal({1, 16, 16, 4}, 1.0, 1e-3);
  const auto expected = refDynamicRangeSort(src, 4);
  const auto actual = sortedOf(src, {.channels = 4}, {.precision = Precision::BF16}, DataType::F32);
  EXPECT_TRUE(isEqual(actual[1], expected.origin));
  EXPECT_TRUE(isEqual(actual[0], expected.map.roundedToBf16()));
}

TEST(DynamicRangeSort, Bf16MapsAreSortedByTheirValues) {
  Random random(204);
  for (const auto& [shape, channels] : kCases) {
    const Array src = random.normal(shape).roundedToBf16();
    const auto expected = refDynamicRangeSort(src, channels);
    const auto actual = sortedOf(src, {.channels = channels}, {.precision = Precision::BF16});
    EXPECT_TRUE(isEqual(actual[0], expected.map));
    EXPECT_TRUE(isEqual(actual[1], expected.origin));
  }
}

TEST(DynamicRangeSort, ThreadsDoNotChangeTheResult) {
  Random random(205);
  for (const auto& [shape, channels] : kCases) {
    const Array src = random.ties(shape, 5);
    const auto one = sortedOf(src, {.channels = channels}, {.threads = 1});
    const auto two = sortedOf(src, {.channels = channels}, {.threads = 2});
    EXPECT_TRUE(isEqual(one[0], two[0]));
    EXPECT_TRUE(isEqual(one[1], two[1]));
  }
}

TEST(DynamicRangeUnsort, UndoesTheSortBitByBit) {
  Random random(206);
  for (const Precision precision : {Precision::F32, Precision::BF16}) {
    for (const auto& [shape, channels] : kCases) {
      const Dim count = channels;
      for (Array src : {random.normal(shape), random.ties(shape, 2)}) {
        if (precision == Precision::BF16) src = src.roundedToBf16();
        const Array back = runGraph(
            [&](GraphBuilder& graph, const std::vector<Tensor>& in) {
              const SortedMap sorted = dynamicRangeSort(graph, "sort", in[0], {.channels = count});
              return dynamicRangeUnsort(graph, "unsort", sorted.map, sorted.origin);
            },
            {src}, {}, {.precision = precision});
        EXPECT_TRUE(isEqual(back, src));
      }
    }
  }
}

std::map<std::string, Array> convWeights(Random& random, Dim c, Dim kernel) {
  return {{"d.pointwise.weight",
           random.normal({c, c, 1, 1}, 0.0, 1.0 / std::sqrt(static_cast<double>(c)))},
          {"d.depthwise.weight",
           random.normal({c, 1, kernel, kernel}, 0.0, 1.0 / static_cast<double>(kernel))}};
}

std::map<std::string, Array> identityWeights(Dim c) {
  std::map<std::string, Array> arrays{{"d.pointwise.weight", Array({c, c, 1, 1})},
                                      {"d.depthwise.weight", Array({c, 1, 3, 3})}};
  for (Dim i = 0; i < c; ++i) {
    arrays["d.pointwise.weight"](i, i, 0, 0) = 1.0;
    arrays["d.depthwise.weight"](i, 0, 1, 1) = 1.0;
  }
  return arrays;
}

Array convOf(const Array& src, const std::map<std::string, Array>& arrays,
             const DynamicRangeConvOptions& options = {}, const RunOptions& run = {}) {
  return runGraph(
      [&](GraphBuilder& graph, const std::vector<Tensor>& in) {
        return dynamicRangeConv(graph, in[0], "d", options);
      },
      {src}, weightsOf(arrays), run);
}

Array convReference(const Array& src, std::map<std::string, Array> arrays,
                    const DynamicRangeConvOptions& options) {
  const Dim c = src.size(3);
  const auto sorted = refDynamicRangeSort(
      src, static_cast<Dim>(std::floor(options.fraction * static_cast<double>(c))),
      options.order == SortOrder::HeightWidth);
  const Array mixed = refConv2d(sorted.map, arrays["d.pointwise.weight"], {}, {});
  const Array filtered = refConv2d(mixed, arrays["d.depthwise.weight"], {},
                                   {.dilation = options.dilation,
                                    .groups = c,
                                    .padding = options.dilation * (options.kernel - 1) / 2});
  return refDynamicRangeUnsort(filtered, sorted.origin);
}

const std::vector<DynamicRangeConvOptions> kOptions{{},
                                                    {.order = SortOrder::WidthHeight},
                                                    {.fraction = 1.0, .kernel = 5},
                                                    {.fraction = 0.25, .dilation = 2},
                                                    {.fraction = 0.0}};

TEST(DynamicRangeConv, MatchesNaiveLoopInF32) {
  Random random(207);
  for (const DynamicRangeConvOptions& options : kOptions) {
    for (const Shape& shape : {Shape{1, 1, 1, 3}, Shape{2, 7, 5, 13}, Shape{1, 8, 8, 16}}) {
      SCOPED_TRACE(shape.toString());
      const Array src = random.normal(shape);
      const auto arrays = convWeights(random, shape[3], options.kernel);
      EXPECT_TRUE(isNear(convOf(src, arrays, options), convReference(src, arrays, options)));
    }
  }
}

TEST(DynamicRangeConv, MatchesNaiveLoopInBf16) {
  SKIP_WITHOUT_BF16();
  Random random(207);
  for (const DynamicRangeConvOptions& options : kOptions) {
    const Array src = random.normal({2, 7, 5, 13}).roundedToBf16();
    const auto arrays = convWeights(random, 13, options.kernel);
    EXPECT_TRUE(isNear(convOf(src, arrays, options, {.precision = Precision::BF16}),
                       convReference(src, arrays, options), kBf16Tolerance));
  }
}

TEST(DynamicRangeConv, IdentityConvolutionsChangeNothing) {
  Random random(208);
  for (const Array& src : {random.normal({1, 7, 6, 9}), random.ties({1, 7, 6, 9}, 2)}) {
    EXPECT_TRUE(isEqual(convOf(src, identityWeights(9)), src));
  }
}

TEST(DynamicRangeConv, OddChannelCountSortsTheSmallerHalf) {
  Random random(209);
  const Array src = random.normal({1, 6, 5, 3});
  const auto arrays = convWeights(random, 3, 3);
  const auto sorted = refDynamicRangeSort(src, 1);
  const Array mixed = refConv2d(sorted.map, arrays.at("d.pointwise.weight"), {}, {});
  const Array filtered =
      refConv2d(mixed, arrays.at("d.depthwise.weight"), {}, {.groups = 3, .padding = 1});
  EXPECT_TRUE(isNear(convOf(src, arrays), refDynamicRangeUnsort(filtered, sorted.origin)));
}

TEST(DynamicRangeConv, NoFractionIsAPlainConvolution) {
  Random random(210);
  const Array src = random.normal({1, 6, 5, 8});
  const auto arrays = convWeights(random, 8, 3);
  const Array mixed = refConv2d(src, arrays.at("d.pointwise.weight"), {}, {});
  EXPECT_TRUE(
      isNear(convOf(src, arrays, {.fraction = 0.0}),
             refConv2d(mixed, arrays.at("d.depthwise.weight"), {}, {.groups = 8, .padding = 1})));
}

TEST(DynamicRangeConv, TransposedMapInTheOtherOrderGivesTheTransposedResult) {
  Random random(211);
  const Array src = random.normal({1, 8, 5, 10});
  auto arrays = convWeights(random, 10, 3);
  const Array straight = convOf(src, arrays, {.order = SortOrder::HeightWidth});
  arrays["d.depthwise.weight"] = arrays["d.depthwise.weight"].permuted({0, 1, 3, 2});
  const Array transposed =
      convOf(src.permuted({0, 2, 1, 3}), arrays, {.order = SortOrder::WidthHeight});
  EXPECT_TRUE(isNear(transposed.permuted({0, 2, 1, 3}), straight, {1e-5, 1e-6}));
}

TEST(DynamicRangeConv, InputIsNotChanged) {
  Random random(212);
  const Array src = random.normal({1, 5, 5, 6});
  const auto outputs = runGraphs(
      [&](GraphBuilder& graph, const std::vector<Tensor>& in) {
        const SortedMap sorted = dynamicRangeSort(graph, "sort", in[0], {.channels = 3});
        return std::vector<Tensor>{dynamicRangeUnsort(graph, "unsort", sorted.map, sorted.origin),
                                   in[0]};
      },
      {src});
  EXPECT_TRUE(isEqual(outputs[1], src));
}

TEST(DynamicRangeConv, ErrorsNameShapes) {
  Random random(213);
  EXPECT_EQ(messageOf([&] {
              convOf(Array({1, 4, 4, 6}), identityWeights(6), {.fraction = 1.5});
            }),
            "dynamic-range convolution 'd': fraction is 1.500000, expected 0 to 1");
  EXPECT_EQ(messageOf([&] {
              convOf(Array({1, 4, 4, 6}), identityWeights(6),
                     {.fraction = std::numeric_limits<double>::quiet_NaN()});
            }),
            "dynamic-range convolution 'd': fraction is nan, expected 0 to 1");
  EXPECT_EQ(messageOf([&] {
              sortedOf(Array({1, 4, 4, 6}), {.channels = 7});
            }),
            "dynamic-range sort 'sort': src is [1, 4, 4, 6] f32, 7 channels to sort");
  EXPECT_EQ(messageOf([&] {
              describeOnly(
                  [](GraphBuilder& graph, const std::vector<Tensor>& in) {
                    return dynamicRangeUnsort(graph, "unsort", in[0], in[1]);
                  },
                  {Array({1, 4, 4, 6}), {Array({1, 4, 3, 2}), DataType::S32}});
            }),
            "dynamic-range unsort 'unsort': src is [1, 4, 4, 6], origin is [1, 4, 3, 2] s32");
}

}  // namespace
}  // namespace va::test
