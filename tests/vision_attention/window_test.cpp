#include "vision_attention/ops/window.h"

#include <gtest/gtest.h>

#include "tests/support/compare.h"
#include "tests/support/graph_runner.h"
#include "tests/support/random.h"
#include "tests/support/reference.h"

namespace va::test {
namespace {

struct WindowCase {
  Shape map;
  Dim window;
};
const std::vector<WindowCase> kCases{{{1, 1, 1, 1}, 1},   {{1, 4, 6, 3}, 2},  {{2, 3, 9, 13}, 3},
                                     {{1, 10, 5, 24}, 5}, {{1, 8, 8, 33}, 8}, {{3, 4, 4, 16}, 1}};

Array windowsOf(const Array& map, Dim window, bool normalise, const RunOptions& run = {},
                std::optional<DataType> dst = std::nullopt) {
  return runGraph(
      [&](GraphBuilder& graph, const std::vector<Tensor>& in) {
        return windowPartition(graph, "windows", in[0],
                               {.window = window, .normalize = normalise, .outputType = dst});
      },
      {map}, {}, run);
}

TEST(Window, PartitionMatchesNaiveLoop) {
  Random random(61);
  for (const auto& [shape, window] : kCases) {
    SCOPED_TRACE(shape.toString());
    const Array map = random.normal(shape).roundedToBf16();
    const Array expected = refToWindows(map, window);
    EXPECT_TRUE(isEqual(windowsOf(map, window, false), expected));
    EXPECT_TRUE(isEqual(windowsOf(map, window, false, {.precision = Precision::BF16}), expected));
    EXPECT_TRUE(isEqual(
        windowsOf(map, window, false, {.precision = Precision::BF16}, DataType::F32), expected));
  }
}

TEST(Window, NormalisedPartitionMatchesNaiveLoop) {
  Random random(62);
  for (const auto& [shape, window] : kCases) {
    SCOPED_TRACE(shape.toString());
    const Array map = random.normal(shape, 1.0, 2.0).roundedToBf16();
    const Array expected = refToWindows(refLayerNorm(map), window);
    EXPECT_TRUE(isNear(windowsOf(map, window, true), expected));
    EXPECT_TRUE(isNear(windowsOf(map, window, true, {.precision = Precision::BF16}, DataType::F32),
                       expected));
    EXPECT_TRUE(isNear(windowsOf(map, window, true, {.precision = Precision::BF16}), expected,
                       kBf16Tolerance));
    EXPECT_TRUE(isNear(windowsOf(map, window, true, {}, DataType::BF16), expected, kBf16Tolerance));
  }
}

TEST(Window, MergePutsWindowsBackAndAdds) {
  Random random(63);
  for (const auto& [shape, window] : kCases) {
    SCOPED_TRACE(shape.toString());
    const Array map = random.normal(shape).roundedToBf16();
    const Array residual = random.normal(shape).roundedToBf16();
    const auto merge = [](GraphBuilder& graph, const std::vector<Tensor>& in) {
      return windowMerge(graph, "merge", in[0], in[1]);
    };
    const Array windows = refToWindows(map, window);
    EXPECT_TRUE(isNear(runGraph(merge, {windows, residual}), map + residual, {1e-6, 1e-6}));
    EXPECT_TRUE(isEqual(runGraph(merge, {windows, residual}, {}, {.precision = Precision::BF16}),
                        (map + residual).roundedToBf16()));
  }
}

TEST(Window, MergeOverwritesAResidualThatNobodyNeeds) {
  Random random(64);
  const Array map = random.normal({1, 6, 6, 5});
  const Array actual = runGraph(
      [](GraphBuilder& graph, const std::vector<Tensor>& in) {
        const Tensor windows = windowPartition(graph, "windows", in[0], {.window = 3});
        const Tensor zero = windowPartition(graph, "zero", in[1], {.window = 6});
        return windowMerge(graph, "merge", windows, graph.reshape(zero, {1, 6, 6, 5}));
      },
      {map, map});
  EXPECT_TRUE(isNear(actual, 2.0 * map, {1e-6, 1e-6}));
}

TEST(Window, ThreadsDoNotChangeTheResult) {
  Random random(65);
  for (const auto& [shape, window] : kCases) {
    const Array map = random.normal(shape);
    EXPECT_TRUE(isEqual(windowsOf(map, window, true, {.threads = 2}),
                        windowsOf(map, window, true, {.threads = 1})));
  }
}

TEST(Window, ErrorsNameShapes) {
  EXPECT_EQ(messageOf([] {
              windowsOf(Array({1, 4, 6, 3}), 4, false);
            }),
            "window 'windows': map is [1, 4, 6, 3] f32, window 4");
  EXPECT_EQ(messageOf([] {
              windowsOf(Array({1, 4, 6, 3}), 0, false);
            }),
            "window 'windows': map is [1, 4, 6, 3] f32, window 0");
  EXPECT_EQ(messageOf([] {
              describeOnly(
                  [](GraphBuilder& graph, const std::vector<Tensor>& in) {
                    return windowMerge(graph, "merge", in[0], in[1]);
                  },
                  {Array({4, 2, 2, 3}), Array({1, 4, 6, 3})});
            }),
            "window 'merge': windows are [4, 2, 2, 3] f32, map is [1, 4, 6, 3] f32");
}

}  // namespace
}  // namespace va::test
