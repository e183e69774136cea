#include "vision_attention/attention/token_pruning.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "tests/support/compare.h"
#include "tests/support/graph_runner.h"
#include "tests/support/random.h"
#include "tests/support/reference_systems.h"
#include "vision_attention/attention/multi_head.h"
#include "vision_attention/attention/token_merging.h"
#include "vision_attention/ops/elementwise.h"
#include "vision_attention/ops/gather.h"
#include "vision_attention/ops/streamed_attention.h"
#include "vision_attention/ops/top_k.h"

namespace va::test {

namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

Array indices(const std::vector<Dim>& values) {
  Array result({1, static_cast<Dim>(values.size())});
  for (std::size_t i = 0; i < values.size(); ++i) {
    result(0, static_cast<Dim>(i)) = static_cast<double>(values[i]);
  }
  return result;
}

Array topOf(const Array& scores, Dim k, TopKOrder order = TopKOrder::Score) {
  return runGraph(
      [&](GraphBuilder& graph, const std::vector<Tensor>& in) {
        return topK(graph, "top", in[0], k, order);
      },
      {Feed(scores, DataType::F32)});
}

RefWeights blockWeights(Dim c, std::uint64_t seed) {
  Random random(seed);
  RefWeights weights;
  addProjections(weights, "b.attention", c, random);
  addLinear(weights, "b.expand", 4 * c, c, random);
  addLinear(weights, "b.reduce", c, 4 * c, random);
  addLinear(weights, "p.light", c, c, random);
  return weights;
}

Tensor denseBlock(GraphBuilder& graph, const Tensor& x) {
  return transformerBlock(graph, x, "b", {.heads = 2});
}

Array runPruned(const RefWeights& weights, const Array& x, const Array& scores, Dim kept,
                LightPath light, const RunOptions& run = {}) {
  return runGraph(
      [&](GraphBuilder& graph, const std::vector<Tensor>& in) {
        const Tensor best = topK(graph, "top", in[1], kept, TopKOrder::Index);
        return bypass(graph, in[0], "p", best, light, denseBlock);
      },
      {x, Feed(scores, DataType::F32)}, weightsOf(weights), run);
}

TEST(TopK, DescendsAndBreaksTiesByTheLowerIndex) {
  const double nan = std::nan("");
  const Array scores({1, 8}, {1.0, 3.0, nan, 3.0, -kInfinity, 2.0, 1.0, kInfinity});
  EXPECT_TRUE(isEqual(topOf(scores, 5), indices({7, 1, 3, 5, 0})));
  EXPECT_TRUE(isEqual(topOf(scores, 8), indices({7, 1, 3, 5, 0, 6, 4, 2})));
  EXPECT_TRUE(isEqual(topOf(scores, 5, TopKOrder::Index), indices({0, 1, 3, 5, 7})));
}

TEST(TopK, AgreesWithSortingOnDataWithManyTies) {
  Random random(1);
  const Array scores = random.ties({3, 400}, 9);
  const Array actual = topOf(scores, 150);
  for (Dim row = 0; row < 3; ++row) {
    std::vector<Dim> order(400);
    for (Dim i = 0; i < 400; ++i) order[static_cast<std::size_t>(i)] = i;
    std::stable_sort(order.begin(), order.end(),
                     [&](Dim a, Dim b) { return scores(row, a) > scores(row, b); });
    for (Dim i = 0; i < 150; ++i) {
      ASSERT_EQ(actual(row, i), static_cast<double>(order[static_cast<std::size_t>(i)]));
    }
  }
  EXPECT_NE(messageOf([&] { topOf(scores, 401); }).find("401 of [3, 400]"), std::string::npos);
}

TEST(TokenPruning, GatherThenScatterIsTheIdentity) {
  Random random(2);
  const Array x = random.normal({2, 30, 5});
  Array kept({2, 7});
  for (Dim b = 0; b < 2; ++b) {
    const auto order = random.permutation(30);
    for (Dim i = 0; i < 7; ++i) {
      kept(b, i) = static_cast<double>(order[static_cast<std::size_t>(i)]);
    }
  }
  const auto results = runGraphs(
      [&](GraphBuilder& graph, const std::vector<Tensor>& in) {
        const Tensor rows = gatherRows(graph, "g", in[0], in[1]);
        const Tensor doubled = add(graph, "d", rows, rows);
        return std::vector<Tensor>{rows, scatterRows(graph, "s", in[0], rows, in[1]),
                                   scatterRows(graph, "s2", in[0], doubled, in[1])};
      },
      {x, Feed(kept, DataType::S32)});
  EXPECT_TRUE(isEqual(results[1], x));
  Array expected = x;
  for (Dim b = 0; b < 2; ++b) {
    for (Dim i = 0; i < 7; ++i) {
      for (Dim j = 0; j < 5; ++j) {
        const auto row = static_cast<Dim>(kept(b, i));
        EXPECT_EQ(results[0](b, i, j), x(b, row, j));
        expected(b, row, j) = 2.0 * x(b, row, j);
      }
    }
  }
  EXPECT_TRUE(isEqual(results[2], expected));
}

TEST(TokenPruning, KeepingAllTokensIsTheDenseBlockBitForBit) {
  const RefWeights weights = blockWeights(8, 3);
  Random random(4);
  const Array x = random.normal({2, 40, 8});
  const Array dense = runGraph(
      [](GraphBuilder& graph, const std::vector<Tensor>& in) { return denseBlock(graph, in[0]); },
      {x}, weightsOf(weights));
  const Array scores = random.normal({2, 40});
  EXPECT_TRUE(isEqual(runPruned(weights, x, scores, 40, LightPath::Identity), dense));
}

TEST(TokenPruning, KeptTokensGoThroughTheBlockAndOthersThroughTheLightPath) {
  const RefWeights weights = blockWeights(8, 5);
  Random random(6);
  const Array x = random.normal({1, 40, 8});
  const Array scores = random.normal({1, 40});
  const Array top = topOf(scores, 15, TopKOrder::Index);
  Array keptRows({1, 15, 8});
  for (Dim i = 0; i < 15; ++i) {
    for (Dim j = 0; j < 8; ++j) keptRows(0, i, j) = x(0, static_cast<Dim>(top(0, i)), j);
  }
  const Array worked = runGraph(
      [](GraphBuilder& graph, const std::vector<Tensor>& in) { return denseBlock(graph, in[0]); },
      {keptRows}, weightsOf(weights));
  for (const LightPath light : {LightPath::Identity, LightPath::Linear}) {
    Array expected = x;
    if (light == LightPath::Linear) expected = x + refLayer(weights, "p.light", x);
    for (Dim i = 0; i < 15; ++i) {
      for (Dim j = 0; j < 8; ++j) expected(0, static_cast<Dim>(top(0, i)), j) = worked(0, i, j);
    }
    EXPECT_TRUE(isNear(runPruned(weights, x, scores, 15, light), expected));
  }
}

TEST(TokenPruning, MaskedTrainingFormEqualsTheGatherFormOnKeptRows) {
  Random random(7);
  const Dim n = 50;
  const Array q = random.normal({1, n, 8});
  const Array k = random.normal({1, n, 8});
  const Array v = random.normal({1, n, 8});
  const Array top = topOf(random.normal({1, n}), 20, TopKOrder::Index);
  Array keyBias({1, n}, -kInfinity);
  for (Dim i = 0; i < 20; ++i) keyBias(0, static_cast<Dim>(top(0, i))) = 0.0;
  const auto results = runGraphs(
      [](GraphBuilder& graph, const std::vector<Tensor>& in) {
        const Tensor masked =
            streamedAttention(graph, "m", in[0], in[1], in[2], {.heads = 2, .keyBias = in[4]});
        const auto rows = [&](const std::string& name, const Tensor& t) {
          return gatherRows(graph, name, t, in[3]);
        };
        return std::vector<Tensor>{
            rows("gm", masked), streamedAttention(graph, "g", rows("gq", in[0]), rows("gk", in[1]),
                                                  rows("gv", in[2]), {.heads = 2})};
      },
      {q, k, v, Feed(top, DataType::S32), Feed(keyBias, DataType::F32)});
  EXPECT_TRUE(isNear(results[0], results[1]));
}

TEST(TokenPruning, KeepRatioIsMetWithinOneToken) {
  for (const Dim n : {1, 10, 196, 4096}) {
    for (const double ratio : {0.1, 0.5, 0.7, 0.9, 1.0}) {
      const Dim kept = keptTokens(n, ratio);
      EXPECT_GE(kept, 1);
      EXPECT_LE(std::abs(static_cast<double>(kept) - static_cast<double>(n) * ratio), 1.0);
    }
  }
  EXPECT_EQ(keptTokens(196, 0.7), 137);
  EXPECT_NE(messageOf([] { keptTokens(10, 0.0); }).find("keep ratio"), std::string::npos);
  EXPECT_NE(messageOf([] { keptTokens(10, 1.5); }).find("keep ratio"), std::string::npos);
}

TEST(TokenPruning, PredictorAgreesWithTheOracle) {
  for (const Dim n : {1, 33, 196}) {
    const Dim c = 16;
    Random random(8);
    RefWeights weights;
    weights["p.norm.weight"] = random.uniform({c}, 0.5, 1.5);
    weights["p.norm.bias"] = random.normal({c}, 0.0, 0.2);
    addLinear(weights, "p.embed", c, c, random);
    addLinear(weights, "p.hidden0", c / 2, c, random);
    addLinear(weights, "p.hidden1", c / 4, c / 2, random);
    addLinear(weights, "p.decide", 2, c / 4, random);
    const Array x = random.normal({2, n, c});
    const auto describe = [](GraphBuilder& graph, const std::vector<Tensor>& in) {
      return keepScores(graph, in[0], "p");
    };
    const Array actual = runGraph(describe, {x}, weightsOf(weights));
    for (Dim b = 0; b < 2; ++b) {
      EXPECT_TRUE(
          isNear(actual.slice(0, b, 1).reshaped({n}), refKeepScores(weights, "p", refItem(x, b))));
    }
  }
}

TEST(TokenPruning, VarianceScoresAreZeroOnFlatAreasAndHighOnEdges) {
  Array map({1, 6, 8, 2}, 1.0);
  for (Dim y = 0; y < 6; ++y) {
    for (Dim x = 5; x < 8; ++x) map(0, y, x, 1) = 4.0;
  }
  const Array scores =
      runGraph([](GraphBuilder& graph,
                  const std::vector<Tensor>& in) { return varianceScores(graph, "v", in[0]); },
               {map});
  for (Dim y = 0; y < 6; ++y) {
    for (Dim x = 0; x < 8; ++x) {
      // Three of nine (or two of six) neighbours differ by 3: variance 9 * 1/3 * 2/3.
      EXPECT_NEAR(scores(0, y * 8 + x), x == 4 || x == 5 ? 2.0 : 0.0, 1e-5) << x << " " << y;
    }
  }
}

TEST(TokenPruning, TilesOfScoresSelectTheirTokens) {
  Random random(9);
  const TokenTiles tiles{.width = 6, .tile = 2};
  const Array scores = random.normal({2, 24});
  const auto results = runGraphs(
      [&](GraphBuilder& graph, const std::vector<Tensor>& in) {
        const Tensor means = tileScores(graph, "m", in[0], tiles);
        const Tensor best = topK(graph, "k", means, 2, TopKOrder::Index);
        return std::vector<Tensor>{means, best, tileTokens(graph, "t", best, 24, tiles)};
      },
      {Feed(scores, DataType::F32)});
  for (Dim b = 0; b < 2; ++b) {
    for (Dim i = 0; i < 6; ++i) {
      const Dim first = i / 3 * 12 + i % 3 * 2;
      EXPECT_NEAR(
          results[0](b, i),
          (scores(b, first) + scores(b, first + 1) + scores(b, first + 6) + scores(b, first + 7)) /
              4.0,
          1e-6);
    }
    for (Dim i = 0; i < 2; ++i) {
      const auto tile = static_cast<Dim>(results[1](b, i));
      const Dim first = tile / 3 * 12 + tile % 3 * 2;
      for (Dim j = 0; j < 4; ++j) {
        EXPECT_EQ(results[2](b, i * 4 + j), static_cast<double>(first + j / 2 * 6 + j % 2));
      }
    }
  }
}

TEST(TokenPruning, ThreadsDoNotChangeTheResult) {
  const RefWeights weights = blockWeights(8, 10);
  Random random(11);
  const Array x = random.normal({1, 300, 8});
  const Array scores = random.normal({1, 300});
  EXPECT_TRUE(isEqual(runPruned(weights, x, scores, 150, LightPath::Linear, {.threads = 3}),
                      runPruned(weights, x, scores, 150, LightPath::Linear)));
}

TEST(TokenPruning, PrunesInBf16) {
  SKIP_WITHOUT_BF16();
  const RefWeights weights = blockWeights(8, 12);
  Random random(13);
  const Array x = random.normal({1, 64, 8}).roundedToBf16();
  const Array scores = random.normal({1, 64});
  EXPECT_TRUE(
      isNear(runPruned(weights, x, scores, 30, LightPath::Linear, {.precision = Precision::BF16}),
             runPruned(weights, x, scores, 30, LightPath::Linear), kBf16Tolerance));
}

struct Merged {
  Array tokens;
  Array sizes;
  Array assignment;
  Array restored;
};

Merged merge(const Array& x, const TokenMatchOptions& options) {
  const auto results = runGraphs(
      [&](GraphBuilder& graph, const std::vector<Tensor>& in) {
        const Tensor assignment = matchTokens(graph, "match", in[0], options);
        const MergedTokens merged = mergeTokens(graph, "merge", in[0], assignment, options.merged);
        return std::vector<Tensor>{merged.tokens, merged.sizes, assignment,
                                   gatherRows(graph, "unmerge", merged.tokens, assignment)};
      },
      {x});
  return {results[0], results[1], results[2], results[3]};
}

TEST(TokenMerging, AgreesWithTheOracleForAlternatingTokensAndRegions) {
  Random random(14);
  for (const Dim width : {0, 6}) {
    const Dim n = width == 0 ? 37 : 42;
    const Array x = random.normal({2, n, 7});
    const TokenMatchOptions options{.merged = 11, .width = width};
    const Merged actual = merge(x, options);
    std::vector<bool> destinations;
    for (Dim t = 0; t < n; ++t) {
      destinations.push_back(width == 0 ? t % 2 == 1 : t / width % 2 == 0 && t % width % 2 == 0);
    }
    for (Dim b = 0; b < 2; ++b) {
      const auto rows = refMatch(refItem(x, b), destinations, 11);
      for (Dim t = 0; t < n; ++t) {
        EXPECT_EQ(actual.assignment(b, t), static_cast<double>(rows[static_cast<std::size_t>(t)]));
      }
      EXPECT_TRUE(isNear(refItem(actual.tokens, b), refMerge(refItem(x, b), rows)));
    }
  }
}

TEST(TokenMerging, MergingNothingIsTheIdentity) {
  Random random(15);
  const Array x = random.normal({1, 20, 6});
  const Merged merged = merge(x, {.merged = 0});
  EXPECT_TRUE(isEqual(merged.tokens, x));
  EXPECT_TRUE(isEqual(merged.restored, x));
}

TEST(TokenMerging, SizesSumToTheTokens) {
  Random random(16);
  const Merged merged = merge(random.normal({1, 301, 6}), {.merged = 150});
  double sum = 0.0;
  for (const double size : merged.sizes.values()) sum += size;
  EXPECT_EQ(sum, 301.0);
  EXPECT_EQ(merged.tokens.size(1), 151);
}

TEST(TokenMerging, EqualPairsMergeAndUnmergeExactly) {
  Random random(17);
  Array x = random.normal({1, 40, 6});
  for (Dim t = 0; t < 40; t += 2) {
    for (Dim i = 0; i < 6; ++i) x(0, t, i) = x(0, t + 1, i);
  }
  EXPECT_TRUE(isEqual(merge(x, {.merged = 20}).restored, x));
}

TEST(TokenMerging, MergingDuplicatesLeavesAttentionUnchanged) {
  Random random(18);
  RefWeights weights;
  addProjections(weights, "a", 8, random);
  Array x = random.normal({1, 40, 8});
  for (Dim t = 0; t < 20; t += 2) {
    for (Dim i = 0; i < 8; ++i) x(0, t, i) = x(0, t + 1, i);
  }
  const Array merged = runGraph(
      [](GraphBuilder& graph, const std::vector<Tensor>& in) {
        return mergedAttention(graph, in[0], "a", {.heads = 2, .match = {.merged = 10}});
      },
      {x}, weightsOf(weights));
  EXPECT_TRUE(isNear(refItem(merged, 0), refMultiHeadLayer(weights, "a", refItem(x, 0), 2)));
}

TEST(TokenMerging, ProportionalAttentionAgreesWithTheOracle) {
  Random random(19);
  RefWeights weights;
  addProjections(weights, "a", 8, random);
  const Array x = random.normal({1, 30, 8});
  const Array actual = runGraph(
      [](GraphBuilder& graph, const std::vector<Tensor>& in) {
        return mergedAttention(graph, in[0], "a", {.heads = 2, .match = {.merged = 12}});
      },
      {x}, weightsOf(weights));
  std::vector<bool> destinations;
  for (Dim t = 0; t < 30; ++t) destinations.push_back(t % 2 == 1);
  const auto rows = refMatch(refItem(x, 0), destinations, 12);
  const Array merged = refMerge(refItem(x, 0), rows);
  Array bias({18, 18});
  for (Dim j = 0; j < 18; ++j) {
    const auto size = std::ranges::count(rows, j);
    for (Dim i = 0; i < 18; ++i) bias(i, j) = std::log(static_cast<double>(size));
  }
  const Array attended = refMultiHeadLayer(weights, "a", merged, 2, bias);
  for (Dim t = 0; t < 30; ++t) {
    EXPECT_TRUE(isNear(refItem(actual, 0).slice(0, t, 1),
                       attended.slice(0, rows[static_cast<std::size_t>(t)], 1)));
  }
}

TEST(TokenMerging, MoreTokensThanMayMergeAreRefused) {
  const Array x({1, 10, 4}, 1.0);
  EXPECT_NE(messageOf([&] { merge(x, {.merged = 6}); }).find("6 of 10"), std::string::npos);
  EXPECT_NE(messageOf([&] { merge(x, {.merged = 1, .width = 3}); }).find("rows of 3"),
            std::string::npos);
}

}  // namespace

}  // namespace va::test
