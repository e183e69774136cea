#include "vision_attention/ops/softmax.h"

#include <gtest/gtest.h>

#include <limits>

#include "tests/support/compare.h"
#include "tests/support/graph_runner.h"
#include "tests/support/random.h"
#include "tests/support/reference.h"
#include "vision_attention/ops/row_softmax.h"

namespace va::test {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

const std::vector<Shape> kShapes{{1, 1},       {1, 7},     {5, 1},        {3, 16},
                                 {2, 3, 4, 9}, {2, 4, 33}, {1, 2, 5, 64}, {17, 100}};

Tensor dense(GraphBuilder& graph, const std::vector<Tensor>& in) {
  return softmax(graph, "softmax", in[0]);
}

TEST(Softmax, MatchesNaiveLoopInF32) {
  Random random(31);
  for (const Shape& shape : kShapes) {
    SCOPED_TRACE(shape.toString());
    const Array src = random.normal(shape, 0.0, 3.0);
    EXPECT_TRUE(isNear(runGraph(dense, {src}), refSoftmax(src)));
  }
}

TEST(Softmax, MatchesNaiveLoopInBf16) {
  SKIP_WITHOUT_BF16();
  Random random(31);
  for (const Shape& shape : kShapes) {
    SCOPED_TRACE(shape.toString());
    const Array src = random.normal(shape);
    EXPECT_TRUE(isNear(runGraph(dense, {src}, {}, {.precision = Precision::BF16}), refSoftmax(src),
                       kBf16Tolerance));
  }
}

TEST(Softmax, LargeLogitsDoNotOverflow) {
  const Array src({1, 3}, std::vector<double>{1000.0, 1000.0, -1000.0});
  EXPECT_TRUE(isNear(runGraph(dense, {src}), Array({1, 3}, std::vector<double>{0.5, 0.5, 0.0})));
}

TEST(Softmax, EmptyRowIsAnError) {
  EXPECT_EQ(messageOf([] {
              describeOnly(dense, {Array({3, 0})});
            }),
            "softmax 'softmax': src is [3, 0]");
  EXPECT_EQ(messageOf([] {
              describeOnly(dense, {Array({0, 3})});
            }),
            "softmax 'softmax': src is [0, 3]");
}

/// Random scores with masked entries; row 0 sees nothing where there is more than one row.
Array masked(Random& random, const Shape& shape) {
  Array src = random.normal(shape, 0.0, 3.0);
  const Array coins = random.ties(shape, 4);
  const auto columns = static_cast<std::size_t>(shape[-1]);
  for (std::size_t i = 0; i < src.elements(); ++i) {
    const bool emptyRow = i < columns && src.elements() > columns;
    if (emptyRow || coins.values()[i] == 0.0) src.values()[i] = -kInfinity;
  }
  return src;
}

Array softmaxOf(const Array& logits, bool plusOne) {
  return plusOne ? refSoftmaxPlusOne(logits) : refSoftmax(logits);
}

/// Scores stay f32 whatever the graph's precision.
Array rowSoftmaxOf(const Array& src, const RowSoftmaxOptions& options, const RunOptions& run = {}) {
  return runGraph(
      [&](GraphBuilder& graph, const std::vector<Tensor>& in) {
        return rowSoftmax(graph, "softmax", in[0], options);
      },
      {{src, DataType::F32}}, {}, run);
}

void expectRowSoftmaxMatches(Precision precision) {
  Random random(32);
  for (const Shape& shape : kShapes) {
    for (const bool plusOne : {false, true}) {
      SCOPED_TRACE(shape.toString() + (plusOne ? " plus one" : ""));
      const Array src = masked(random, shape);
      const RowSoftmaxOptions options{.scale = 0.5F, .plusOne = plusOne};
      EXPECT_TRUE(isNear(rowSoftmaxOf(src, options, {.precision = precision}),
                         softmaxOf(0.5 * src, plusOne), toleranceOf(precision)));
    }
  }
}

TEST(RowSoftmax, MatchesNaiveLoopInF32) {
  expectRowSoftmaxMatches(Precision::F32);
}
TEST(RowSoftmax, MatchesNaiveLoopInBf16) {
  expectRowSoftmaxMatches(Precision::BF16);
}

TEST(RowSoftmax, BiasRepeatsOverTheOuterSizes) {
  Random random(33);
  const Array src = random.normal({3, 2, 5, 7});
  const Array bias = random.normal({2, 5, 7});
  const Array all = concatenate({bias, bias, bias}, 0).reshaped({3, 2, 5, 7});
  for (const bool plusOne : {false, true}) {
    const Array actual =
        rowSoftmaxOf(src, {.scale = 1.25F, .bias = bias.floats(), .plusOne = plusOne});
    EXPECT_TRUE(isNear(actual, softmaxOf(1.25 * src + all, plusOne)));
  }
}

TEST(RowSoftmax, MaskAsBiasWeighsExactlyNothing) {
  Random random(34);
  const Array src = random.normal({4, 6});
  Array bias({4, 6});
  for (Dim j = 0; j < 6; ++j) bias(2, j) = -kInfinity;
  bias(0, 3) = -kInfinity;
  const Array actual = rowSoftmaxOf(src, {.bias = bias.floats()});
  EXPECT_TRUE(isNear(actual, refSoftmax(src + bias)));
  EXPECT_EQ(actual(0, 3), 0.0);
  for (Dim j = 0; j < 6; ++j) EXPECT_EQ(actual(2, j), 0.0);
}

TEST(RowSoftmax, PlusOneGoldenVectors) {
  EXPECT_TRUE(isNear(rowSoftmaxOf(Array({1, 2}), {.plusOne = true}), Array({1, 2}, 1.0 / 3.0),
                     {1e-7, 1e-7}));
  EXPECT_TRUE(isEqual(rowSoftmaxOf(Array({1, 2}, -kInfinity), {.plusOne = true}), Array({1, 2})));
}

TEST(RowSoftmax, PlusOneIsSoftmaxWithOneMoreZeroLogit) {
  Random random(35);
  const Array src = random.normal({6, 11}, 0.0, 20.0);
  const Array extended = concatenate({src, Array({6, 1})}, 1);
  EXPECT_TRUE(isNear(rowSoftmaxOf(src, {.plusOne = true}),
                     rowSoftmaxOf(extended, {}).slice(1, 0, 11), {1e-6, 1e-6}));
}

TEST(RowSoftmax, LargeLogitsDoNotOverflow) {
  const Array src({2, 3}, std::vector<double>{3e38, 3e38, -3e38, -3e38, -3e38, -3e38});
  const double third = 1.0 / 3.0;
  EXPECT_TRUE(isNear(rowSoftmaxOf(src, {}),
                     Array({2, 3}, std::vector<double>{0.5, 0.5, 0.0, third, third, third})));
  EXPECT_TRUE(isNear(rowSoftmaxOf(src, {.plusOne = true}),
                     Array({2, 3}, std::vector<double>{0.5, 0.5, 0.0, 0.0, 0.0, 0.0})));
}

TEST(RowSoftmax, ThreadsDoNotChangeTheResult) {
  Random random(36);
  for (const Shape& shape : kShapes) {
    const Array src = masked(random, shape);
    EXPECT_TRUE(
        isEqual(rowSoftmaxOf(src, {}, {.threads = 2}), rowSoftmaxOf(src, {}, {.threads = 1})));
  }
}

TEST(RowSoftmax, BiasThatDoesNotFitIsAnError) {
  const auto error = [](const Shape& shape, std::size_t biasSize) {
    return messageOf([&] {
      describeOnly(
          [&](GraphBuilder& graph, const std::vector<Tensor>& in) {
            return rowSoftmax(graph, "softmax", in[0], {.bias = std::vector<float>(biasSize)});
          },
          {Array(shape)});
    });
  };
  EXPECT_EQ(error({4, 6}, 5),
            "row softmax 'softmax': src is [4, 6] f32, bias has 5 values, dst is f32");
  EXPECT_EQ(error({4, 6}, 18),
            "row softmax 'softmax': src is [4, 6] f32, bias has 18 values, dst is f32");
  EXPECT_EQ(error({4, 0}, 0),
            "row softmax 'softmax': src is [4, 0] f32, bias has 0 values, dst is f32");
}

}  // namespace
}  // namespace va::test
