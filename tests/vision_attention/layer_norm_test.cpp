#include "vision_attention/ops/layer_norm.h"

#include <gtest/gtest.h>

#include "tests/support/compare.h"
#include "tests/support/graph_runner.h"
#include "tests/support/random.h"
#include "tests/support/reference.h"

namespace va::test {
namespace {

Tensor normalised(GraphBuilder& graph, const std::vector<Tensor>& in) {
  return layerNorm(graph, "norm", in[0]);
}

const std::vector<Shape> kShapes{{1, 1},        {1, 19},       {3, 1},
                                 {2, 5, 3, 13}, {1, 4, 4, 64}, {1, 3, 3, 192}};

void expectNormMatches(Precision precision) {
  Random random(21);
  for (const Shape& shape : kShapes) {
    SCOPED_TRACE(shape.toString());
    const Array src = random.normal(shape, 0.5, 2.0);
    EXPECT_TRUE(isNear(runGraph(normalised, {src}, {}, {.precision = precision}), refLayerNorm(src),
                       toleranceOf(precision)));
  }
}

TEST(LayerNorm, MatchesNaiveLoopInF32) {
  expectNormMatches(Precision::F32);
}
TEST(LayerNorm, MatchesNaiveLoopInBf16) {
  SKIP_WITHOUT_BF16();
  expectNormMatches(Precision::BF16);
}

TEST(LayerNorm, LargeMeanDoesNotSwallowTheVariance) {
  Random random(22);
  // The values are those that f32 can hold around 1000; only the arithmetic may lose digits.
  Array src = random.normal({4, 37}, 1000.0, 1.0);
  EXPECT_TRUE(isNear(runGraph(normalised, {src}), refLayerNorm(src), {1e-3, 1e-4}));
}

TEST(LayerNorm, ConstantRowGivesZeros) {
  EXPECT_TRUE(isEqual(runGraph(normalised, {Array({2, 16}, 0.25)}), Array({2, 16})));
}

TEST(LayerNorm, ThreadsDoNotChangeTheResult) {
  Random random(23);
  for (const Shape& shape : kShapes) {
    const Array src = random.normal(shape);
    EXPECT_TRUE(isEqual(runGraph(normalised, {src}, {}, {.threads = 2}),
                        runGraph(normalised, {src}, {}, {.threads = 1})));
  }
}

TEST(LayerNorm, EmptySourceIsAnError) {
  const auto error = [](const Shape& shape) {
    return messageOf([&] { describeOnly(normalised, {Array(shape)}); });
  };
  EXPECT_EQ(error({4, 0}), "layer norm 'norm': src is [4, 0]");
  EXPECT_EQ(error({0, 4}), "layer norm 'norm': src is [0, 4]");
}

}  // namespace
}  // namespace va::test
