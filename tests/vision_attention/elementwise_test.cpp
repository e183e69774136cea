#include "vision_attention/ops/elementwise.h"

#include <gtest/gtest.h>

#include <limits>

#include "tests/support/compare.h"
#include "tests/support/graph_runner.h"
#include "tests/support/random.h"
#include "tests/support/reference.h"

namespace va::test {
namespace {

const std::vector<Shape> kShapes{{1}, {7}, {3, 5}, {2, 5, 3, 13}, {1, 8, 8, 32}};

void expectElementwiseMatches(Precision precision) {
  Random random(41);
  const RunOptions run{.precision = precision};
  const Tolerance tolerance = toleranceOf(precision);
  for (const Shape& shape : kShapes) {
    SCOPED_TRACE(shape.toString());
    const Array a = random.normal(shape);
    const Array b = random.normal(shape);
    const Array sum =
        runGraph([](GraphBuilder& graph,
                    const std::vector<Tensor>& in) { return add(graph, "sum", in[0], in[1]); },
                 {a, b}, {}, run);
    EXPECT_TRUE(isNear(sum, a + b, tolerance));
    const Array product = runGraph(
        [](GraphBuilder& graph, const std::vector<Tensor>& in) {
          return multiply(graph, "product", in[0], in[1]);
        },
        {a, b}, {}, run);
    EXPECT_TRUE(isNear(product, a * b, tolerance));
    struct Function {
      Activation activation;
      double (*reference)(double);
    };
    for (const auto& [activation, reference] :
         {Function{Activation::Relu, refRelu}, Function{Activation::GeluErf, refGelu},
          Function{Activation::Logistic, refLogistic}, Function{Activation::Mish, refMish}}) {
      const Activation wanted = activation;
      // Away from 0, where a relative error of one value says nothing.
      const Array wide = a.elements() == 1 ? Array(shape, 1.5) : 4.0 * a;
      const Array actual = runGraph(
          [wanted](GraphBuilder& graph, const std::vector<Tensor>& in) {
            return activate(graph, "activation", in[0], wanted);
          },
          {wide}, {}, run);
      EXPECT_TRUE(isNear(actual, map(wide, reference), tolerance))
          << "activation " << static_cast<int>(activation);
    }
  }
}

TEST(Elementwise, MatchesNaiveLoopInF32) {
  expectElementwiseMatches(Precision::F32);
}
TEST(Elementwise, MatchesNaiveLoopInBf16) {
  SKIP_WITHOUT_BF16();
  expectElementwiseMatches(Precision::BF16);
}

TEST(Elementwise, MishOfOneIsGolden) {
  const Array actual = runGraph(
      [](GraphBuilder& graph, const std::vector<Tensor>& in) {
        return activate(graph, "mish", in[0], Activation::Mish);
      },
      {Array({1}, 1.0)});
  EXPECT_NEAR(actual(0), 0.8650984, 1e-6);
}

TEST(Elementwise, ActivationNoneAddsNoStep) {
  const Array src({3}, 2.0);
  GraphRunner runner(
      [](GraphBuilder& graph, const std::vector<Tensor>& in) {
        return std::vector<Tensor>{activate(graph, "none", in[0], Activation::None)};
      },
      {src}, {}, {});
  EXPECT_TRUE(runner.graph().report().empty());
  EXPECT_TRUE(isEqual(runner.run({src}).front(), src));
}

TEST(Elementwise, ConversionRoundsToNearestEven) {
  SKIP_WITHOUT_BF16();
  Random random(42);
  const Array src = random.normal({1, 5, 7, 3});
  const Array actual = runGraph(
      [](GraphBuilder& graph, const std::vector<Tensor>& in) {
        return convert(graph, "convert", in[0], DataType::BF16);
      },
      {{src, DataType::F32}}, {}, {.precision = Precision::BF16});
  EXPECT_TRUE(isEqual(actual, src.roundedToBf16()));
}

TEST(Elementwise, ErrorsNameBothShapes) {
  const auto error = [](const Feed& a, const Feed& b) {
    return messageOf([&] {
      describeOnly([](GraphBuilder& graph,
                      const std::vector<Tensor>& in) { return add(graph, "sum", in[0], in[1]); },
                   {a, b});
    });
  };
  EXPECT_EQ(error(Array({2, 3}), Array({3, 2})), "elementwise 'sum': [2, 3] f32 and [3, 2] f32");
  EXPECT_EQ(error(Array({2, 3}), {Array({2, 3}), DataType::BF16}),
            "elementwise 'sum': [2, 3] f32 and [2, 3] bf16");
}

}  // namespace
}  // namespace va::test
