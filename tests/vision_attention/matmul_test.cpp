#include "vision_attention/ops/matmul.h"

#include <gtest/gtest.h>

#include <cmath>

#include "tests/support/compare.h"
#include "tests/support/graph_runner.h"
#include "tests/support/random.h"
#include "tests/support/reference.h"

namespace va::test {
namespace {

struct MatmulCase {
  const char* what;
  Shape a;
  Shape b;  ///< [..., k, n]
};

const std::vector<MatmulCase> kCases{
    {"one by one", {1, 1}, {1, 1}},
    {"row by column", {1, 19}, {19, 1}},
    {"column by row", {7, 1}, {1, 9}},
    {"odd", {5, 13}, {13, 11}},
    {"batch", {3, 6, 17}, {3, 17, 10}},
    {"heads", {2, 3, 9, 8}, {2, 3, 8, 25}},
    {"whole vectors", {2, 32, 64}, {2, 64, 48}},
};

void expectMatmulMatches(Precision precision, bool transposeB) {
  Random random(11);
  for (const auto& [what, aShape, bShape] : kCases) {
    SCOPED_TRACE(what);
    const double deviation = 1.0 / std::sqrt(static_cast<double>(aShape[-1]));
    const Array a = random.normal(aShape, 0.0, deviation);
    const Array b = random.normal(bShape);
    const Array actual = runGraph(
        [&](GraphBuilder& graph, const std::vector<Tensor>& in) {
          return matmul(graph, "product", in[0], in[1], {.transposeB = transposeB, .scale = 0.75F});
        },
        {a, transposeB ? refTransposed(b) : b}, {}, {.precision = precision});
    EXPECT_TRUE(isNear(actual, 0.75 * refMatmul(a, b), toleranceOf(precision)));
  }
}

TEST(Matmul, MatchesNaiveLoopInF32) {
  expectMatmulMatches(Precision::F32, false);
}
TEST(Matmul, TransposedMatchesNaiveLoopInF32) {
  expectMatmulMatches(Precision::F32, true);
}
TEST(Matmul, MatchesNaiveLoopInBf16) {
  SKIP_WITHOUT_BF16();
  expectMatmulMatches(Precision::BF16, false);
}
TEST(Matmul, TransposedMatchesNaiveLoopInBf16) {
  SKIP_WITHOUT_BF16();
  expectMatmulMatches(Precision::BF16, true);
}

TEST(Matmul, Bf16FactorsGiveF32Sums) {
  SKIP_WITHOUT_BF16();
  Random random(12);
  const Array a = random.normal({2, 9, 33}).roundedToBf16();
  const Array b = random.normal({2, 33, 5}).roundedToBf16();
  const Array actual = runGraph(
      [&](GraphBuilder& graph, const std::vector<Tensor>& in) {
        return matmul(graph, "product", in[0], in[1], {.outputType = DataType::F32});
      },
      {a, b}, {}, {.precision = Precision::BF16});
  EXPECT_TRUE(isNear(actual, refMatmul(a, b), {1e-3, 1e-5}));
}

TEST(Matmul, ThreadsChangeNoMoreThanTheLastBits) {
  Random random(13);
  for (const auto& [what, aShape, bShape] : kCases) {
    SCOPED_TRACE(what);
    const Array a = random.normal(aShape);
    const Array b = random.normal(bShape);
    const auto describe = [](GraphBuilder& graph, const std::vector<Tensor>& in) {
      return matmul(graph, "product", in[0], in[1]);
    };
    // oneDNN's GEMM chooses its partition, and with it the order of sums, by the thread count.
    EXPECT_TRUE(isNear(runGraph(describe, {a, b}, {}, {.threads = 2}),
                       runGraph(describe, {a, b}, {}, {.threads = 1}), {1e-5, 1e-6}));
  }
}

TEST(Matmul, ErrorsNameBothShapes) {
  const auto error = [](const Shape& a, const Shape& b, bool transposeB) {
    return messageOf([&] {
      describeOnly(
          [&](GraphBuilder& graph, const std::vector<Tensor>& in) {
            return matmul(graph, "product", in[0], in[1], {.transposeB = transposeB});
          },
          {Array(a), Array(b)});
    });
  };
  EXPECT_EQ(error({2, 3}, {4, 5}, false), "matmul 'product': [2, 3] by [4, 5]");
  EXPECT_EQ(error({2, 3}, {3, 5}, true), "matmul 'product': [2, 3] by [3, 5] transposed");
  EXPECT_EQ(error({2, 4, 3}, {3, 3, 5}, false), "matmul 'product': [2, 4, 3] by [3, 3, 5]");
  EXPECT_EQ(error({4, 3}, {1, 3, 5}, false), "matmul 'product': [4, 3] by [1, 3, 5]");
  EXPECT_EQ(error({3}, {3}, false), "matmul 'product': [3] by [3]");
  EXPECT_EQ(error({0, 3}, {3, 5}, false), "matmul 'product': [0, 3] by [3, 5]");
}

}  // namespace
}  // namespace va::test
