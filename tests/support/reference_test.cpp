#include "tests/support/reference.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "tests/support/compare.h"
#include "tests/support/reference_attention.h"

/// The references themselves against numbers worked out by hand.
namespace va::test {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr Tolerance kFiveDigits{5e-5, 1e-5};

TEST(Reference, ConvolutionSumsItsNeighbourhood) {
  const Array src({1, 2, 2, 1}, std::vector<double>{1, 2, 3, 4});
  const Array ones({1, 1, 3, 3}, 1.0);
  EXPECT_TRUE(
      isEqual(refConv2d(src, ones, Array({1}, 0.5), {.padding = 1}), Array({1, 2, 2, 1}, 10.5)));
  EXPECT_EQ(refConv2d(src, ones, {}, {}).elements(), 0U);
}

TEST(Reference, AttentionOfNoValidKeyIsZero) {
  const Array q({2, 1}, std::vector<double>{1, 1});
  const Array k({2, 1}, std::vector<double>{0, std::log(3.0)});
  const Array v({2, 1}, std::vector<double>{4, 8});
  EXPECT_TRUE(isNear(refAttention(q, k, v, 1.0), Array({2, 1}, 7.0), {1e-12, 1e-12}));
  const Array mask({2, 2}, std::vector<double>{1, 0, 0, 0});
  EXPECT_TRUE(isEqual(refAttention(q, k, v, 1.0, mask), Array({2, 1}, std::vector<double>{4, 0})));
}

TEST(Reference, SoftmaxPlusOneOfTwoZerosIsAThird) {
  EXPECT_TRUE(isNear(refSoftmaxPlusOne(Array({2})), Array({2}, 1.0 / 3.0), {1e-15, 1e-15}));
  EXPECT_TRUE(isEqual(refSoftmaxPlusOne(Array({2}, -kInfinity)), Array({2})));
  EXPECT_TRUE(isEqual(refSoftmax(Array({2}, -kInfinity)), Array({2})));
}

TEST(Reference, MishOfOne) {
  EXPECT_NEAR(refMish(1.0), 0.8650984, 1e-7);
}

TEST(Reference, ResizeToTwiceTheSizeTakesQuarters) {
  const Array row({1, 7}, std::vector<double>{0, 1, 2, 3, 4, 5, 6});
  const Array expected({1, 14}, std::vector<double>{0, .25, .75, 1.25, 1.75, 2.25, 2.75, 3.25, 3.75,
                                                    4.25, 4.75, 5.25, 5.75, 6});
  EXPECT_TRUE(isNear(refBilinearResize(row, 1, 14), expected, {1e-12, 1e-12}));
}

TEST(Reference, ArgsortPutsNanLastAndKeepsTies) {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  EXPECT_EQ(refArgsort({nan, 0.0, -0.0, -kInfinity, nan, kInfinity}),
            (std::vector<Dim>{3, 1, 2, 5, 0, 4}));
}

TEST(Reference, DynamicRangeSortOfGoldenMap) {
  const Array src({1, 3, 3, 1}, std::vector<double>{3, 1, 2, 9, 8, 7, 4, 6, 5});
  const auto sorted = refDynamicRangeSort(src, 1);
  EXPECT_TRUE(
      isEqual(sorted.map, Array({1, 3, 3, 1}, std::vector<double>{1, 2, 3, 4, 5, 6, 7, 8, 9})));
  EXPECT_TRUE(isEqual(refDynamicRangeUnsort(sorted.map, sorted.origin), src));
}

TEST(Reference, HistogramCoreOfGoldenMaps) {
  const Array v({2, 4}, std::vector<double>{4, 1, 3, 2, 10, 40, 20, 30});
  const RefHistogramInput same{v, v, v, v, v};
  EXPECT_TRUE(isNear(refHistogramCore(same, 1, 1, Array({1}, 1.0)),
                     Array({2, 4}, std::vector<double>{345.29175, 21.58073, 194.22658, 86.32294,
                                                       21.58073, 345.29175, 86.32294, 194.22658}),
                     kFiveDigits));
  const auto two = refHistogramBranches(same, 2, 2, Array({2}, 1.0));
  EXPECT_TRUE(isNear(two.bins,
                     Array({2, 4}, std::vector<double>{2.53755, 1.68036, 1.69396, 2.52394, 16.80358,
                                                       25.37545, 25.23939, 16.93965}),
                     kFiveDigits));
  EXPECT_TRUE(isNear(two.frequencies,
                     Array({2, 4}, std::vector<double>{2.95605, 1.26385, 2.95180, 1.26809, 12.63847,
                                                       29.56046, 12.68089, 29.51805}),
                     kFiveDigits));
}

TEST(Reference, AdaptivePoolBinsOverlapWhenTheyDoNotDivide) {
  const Array row({1, 5, 1}, std::vector<double>{1, 2, 3, 4, 5});
  // Three bins of five rows: 0-1, 1-3, 3-4.
  const Array column = row.reshaped({5, 1, 1});
  const Array pooled =
      refAdaptiveAveragePool(concatenate({column, column, column, column, column}, 1), 3);
  EXPECT_TRUE(isNear(pooled.slice(1, 0, 1).reshaped({3}),
                     Array({3}, std::vector<double>{1.5, 3.0, 4.5}), {1e-12, 1e-12}));
}

}  // namespace
}  // namespace va::test
