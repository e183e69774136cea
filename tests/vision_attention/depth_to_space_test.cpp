#include "vision_attention/ops/depth_to_space.h"

#include <gtest/gtest.h>

#include "tests/support/compare.h"
#include "tests/support/graph_runner.h"
#include "tests/support/random.h"
#include "tests/support/reference.h"

namespace va::test {
namespace {

void expectShuffleMatches(Precision precision) {
  struct Case {
    Shape src;
    Dim factor;
  };
  Random random(51);
  for (const auto& [shape, factor] : std::vector<Case>{{{1, 1, 1, 4}, 2},
                                                       {{1, 3, 5, 4}, 2},
                                                       {{2, 3, 2, 52}, 2},
                                                       {{1, 2, 3, 27}, 3},
                                                       {{2, 3, 5, 48}, 4},
                                                       {{1, 4, 4, 7}, 1}}) {
    SCOPED_TRACE(shape.toString());
    const Dim r = factor;
    const Array src = random.normal(shape).roundedToBf16();
    const Array expected = refDepthToSpace(src, r);
    const Array residual = random.normal(expected.shape()).roundedToBf16();
    const RunOptions run{.precision = precision};
    const Array plain = runGraph(
        [r](GraphBuilder& graph, const std::vector<Tensor>& in) {
          return depthToSpace(graph, "shuffle", in[0], r);
        },
        {src}, {}, run);
    EXPECT_TRUE(isEqual(plain, expected));
    const Array summed = runGraph(
        [r](GraphBuilder& graph, const std::vector<Tensor>& in) {
          return depthToSpace(graph, "shuffle", in[0], r, in[1]);
        },
        {src, residual}, {}, run);
    const Array sum = expected + residual;
    EXPECT_TRUE(precision == Precision::BF16 ? isEqual(summed, sum.roundedToBf16())
                                             : isNear(summed, sum, {1e-6, 1e-6}));
    const Array small =
        random.normal({shape[0], shape[1], shape[2], shape[3] / (r * r)}).roundedToBf16();
    const Array onSmall = runGraph(
        [r](GraphBuilder& graph, const std::vector<Tensor>& in) {
          return depthToSpace(graph, "shuffle", in[0], r, in[1]);
        },
        {src, small}, {}, run);
    const Array wanted = expected + refRepeat(small, r);
    EXPECT_TRUE(precision == Precision::BF16 ? isEqual(onSmall, wanted.roundedToBf16())
                                             : isNear(onSmall, wanted, {1e-6, 1e-6}));
  }
}

TEST(DepthToSpace, MatchesNaiveLoopInF32) {
  expectShuffleMatches(Precision::F32);
}
TEST(DepthToSpace, MatchesNaiveLoopInBf16) {
  expectShuffleMatches(Precision::BF16);
}

TEST(DepthToSpace, ErrorsNameShapes) {
  const auto error = [](const Shape& src, const Shape& residual) {
    return messageOf([&] {
      describeOnly(
          [](GraphBuilder& graph, const std::vector<Tensor>& in) {
            return depthToSpace(graph, "shuffle", in[0], 2, in[1]);
          },
          {Array(src), Array(residual)});
    });
  };
  EXPECT_EQ(error({1, 2, 2, 6}, {1, 4, 4, 1}),
            "depth to space 'shuffle': src is [1, 2, 2, 6] f32, factor 2");
  EXPECT_EQ(
      error({1, 2, 2, 8}, {1, 4, 4, 1}),
      "depth to space 'shuffle': residual is [1, 4, 4, 1] f32, expected [1, 4, 4, 2] or [1, 2, "
      "2, 2] f32");
}

}  // namespace
}  // namespace va::test
