#include "vision_attention/attention/agent_training_free.h"

#include <gtest/gtest.h>

#include <cmath>

#include "tests/support/compare.h"
#include "tests/support/graph_runner.h"
#include "tests/support/random.h"
#include "tests/support/reference.h"
#include "tests/support/reference_attention.h"
#include "tests/support/reference_systems.h"

namespace va::test {

namespace {

/// power 1 and no shortcut: variant 1 without biases and convolution.
AgentTrainingFreeOptions plain(Dim heads) {
  return {.heads = heads, .queryScalePower = 1.0F, .shortcut = 0.0F};
}

Array core(const Array& agents, const Array& q, const Array& k, const Array& v,
           const AgentTrainingFreeOptions& options, const RunOptions& run = {}) {
  return refItem(runGraph(
                     [&](GraphBuilder& graph, const std::vector<Tensor>& in) {
                       return agentTrainingFreeCore(graph, "a", in[0], in[1], in[2], in[3],
                                                    options);
                     },
                     {refBatch(agents), refBatch(q), refBatch(k), refBatch(v)}, {}, run),
                 0);
}

Array identity(Dim n) {
  Array result({n, n});
  for (Dim i = 0; i < n; ++i) result(i, i) = 1.0;
  return result;
}

Array meanRows(const Array& v, Dim rows) {
  Array result({rows, v.size(1)});
  for (Dim t = 0; t < rows; ++t) {
    for (Dim i = 0; i < v.size(1); ++i) {
      for (Dim j = 0; j < v.size(0); ++j) {
        result(t, i) += v(j, i) / static_cast<double>(v.size(0));
      }
    }
  }
  return result;
}

TEST(AgentTrainingFree, AgreesWithTheOracleOnAwkwardShapes) {
  const Dim sizes[][4] = {{1, 3, 4, 1}, {9, 70, 12, 3}, {49, 333, 16, 2}, {16, 40, 10, 2}};
  for (const auto& [agents, n, c, heads] : sizes) {
    Random random(1);
    const Array a = random.normal({agents, c});
    const Array q = random.normal({n, c});
    const Array k = random.normal({n, c});
    const Array v = random.normal({n, c});
    EXPECT_TRUE(isNear(core(a, q, k, v, {.heads = heads}),
                       refAgentTrainingFree(a, q, k, v, heads, 0.3F, 0.075F)))
        << n;
  }
}

TEST(AgentTrainingFree, AgreesWithTheOracleInBf16) {
  SKIP_WITHOUT_BF16();
  Random random(2);
  const Array a = random.normal({9, 16}).roundedToBf16();
  const Array q = random.normal({60, 16}).roundedToBf16();
  const Array k = random.normal({60, 16}).roundedToBf16();
  const Array v = random.normal({60, 16}).roundedToBf16();
  EXPECT_TRUE(isNear(core(a, q, k, v, {.heads = 2}, {.precision = Precision::BF16}),
                     refAgentTrainingFree(a, q, k, v, 2, 0.3F, 0.075F), kBf16Tolerance));
}

TEST(AgentTrainingFree, RowsOfTheMapAreProbabilitiesOfLowRank) {
  Random random(3);
  const Dim n = 24;
  const Dim agents = 8;
  const auto pad = [&](const Array& a) {
    return concatenate({a, Array({a.size(0), n - a.size(1)})}, 1);
  };
  // Unit values read the map itself; channels of zeros do not change scores.
  const Array map = core(pad(random.normal({agents, 8})), pad(random.normal({n, 8})),
                         pad(random.normal({n, 8})), identity(n), plain(1));
  Array work = map;
  for (Dim t = 0; t < n; ++t) {
    double sum = 0.0;
    for (Dim j = 0; j < n; ++j) {
      EXPECT_GE(map(t, j), 0.0);
      sum += map(t, j);
    }
    EXPECT_NEAR(sum, 1.0, 1e-5);
  }
  // Gaussian elimination with full pivoting: no more than `agents` pivots above rounding.
  Dim rank = 0;
  for (; rank < n; ++rank) {
    Dim row = rank;
    Dim column = rank;
    for (Dim i = rank; i < n; ++i) {
      for (Dim j = rank; j < n; ++j) {
        if (std::abs(work(i, j)) > std::abs(work(row, column))) {
          row = i;
          column = j;
        }
      }
    }
    if (std::abs(work(row, column)) < 1e-6) break;
    for (Dim j = 0; j < n; ++j) std::swap(work(rank, j), work(row, j));
    for (Dim i = 0; i < n; ++i) std::swap(work(i, rank), work(i, column));
    for (Dim i = rank + 1; i < n; ++i) {
      const double factor = work(i, rank) / work(rank, rank);
      for (Dim j = rank; j < n; ++j) work(i, j) -= factor * work(rank, j);
    }
  }
  EXPECT_LE(rank, agents);
  EXPECT_GT(rank, 1);
}

TEST(AgentTrainingFree, ConstantValuesGiveConstantOutput) {
  Random random(4);
  const Array out = core(random.normal({4, 8}), random.normal({30, 8}), random.normal({30, 8}),
                         Array({30, 8}, 2.5), plain(2));
  EXPECT_TRUE(isNear(out, Array({30, 8}, 2.5)));
}

TEST(AgentTrainingFree, ZeroAgentsGiveTheMeanOfTheValues) {
  Random random(5);
  const Array v = random.normal({30, 8});
  const Array out =
      core(Array({4, 8}), random.normal({30, 8}), random.normal({30, 8}), v, plain(2));
  EXPECT_TRUE(isNear(out, meanRows(v, 30)));
}

TEST(AgentTrainingFree, OneAgentMakesAllRowsEqual) {
  Random random(6);
  const Array a = random.normal({1, 8});
  const Array k = random.normal({30, 8});
  const Array v = random.normal({30, 8});
  const Array out = core(a, random.normal({30, 8}), k, v, plain(1));
  const Array row = refAttention(a, k, v, 1.0 / std::sqrt(8.0));
  for (Dim t = 0; t < 30; ++t) EXPECT_TRUE(isNear(out.slice(0, t, 1), row));
}

TEST(AgentTrainingFree, LargeOrthogonalAgentsAreTheQueriesAndGiveSoftmaxAttention) {
  // Every query equals one of the agents, which are orthogonal and long: the broadcast is exact.
  Random random(7);
  const Dim n = 24;
  const Array agents = 30.0 * identity(8);
  Array q({n, 8});
  for (Dim t = 0; t < n; ++t) q(t, t % 8) = 30.0;
  const Array k = random.normal({n, 8});
  const Array v = random.normal({n, 8});
  EXPECT_TRUE(isNear(core(agents, q, k, v, plain(1)), refMultiHead(q, k, v, {})));
}

TEST(AgentTrainingFree, ShortcutAddsItsShareOfTheValues) {
  Random random(8);
  const Array a = random.normal({4, 8});
  const Array q = random.normal({30, 8});
  const Array k = random.normal({30, 8});
  const Array v = random.normal({30, 8});
  auto with = plain(2);
  with.shortcut = 0.25F;
  EXPECT_TRUE(isNear(core(a, q, k, v, with) - core(a, q, k, v, plain(2)), 0.25 * v, {1e-5, 1e-5}));
}

TEST(AgentTrainingFree, PermutingTokensInsideAPoolingBinPermutesTheOutput) {
  Random random(9);
  RefWeights weights;
  addProjections(weights, "a", 8, random);
  Array src = random.normal({1, 8, 8, 8});
  const auto run = [&](const Array& x) {
    return runGraph(
        [&](GraphBuilder& graph, const std::vector<Tensor>& in) {
          return agentTrainingFree(graph, in[0], "a", {.heads = 2, .side = 4});
        },
        {x}, weightsOf(weights));
  };
  Array swapped = src;
  for (Dim i = 0; i < 8; ++i) std::swap(swapped(0, 2, 4, i), swapped(0, 3, 5, i));
  Array expected = run(src);
  for (Dim i = 0; i < 8; ++i) std::swap(expected(0, 2, 4, i), expected(0, 3, 5, i));
  EXPECT_TRUE(isNear(run(swapped), expected));
}

TEST(AgentTrainingFree, FullScaleWithoutShortcutIsTheLearnedFormWithoutItsExtras) {
  // refAgentCore() is the oracle of the learned variant.
  Random random(10);
  const Array q = random.normal({6, 10, 8});
  const Array k = random.normal({6, 10, 8});
  const Array v = random.normal({6, 10, 8});
  const auto tokens = [](const Array& a) { return a.reshaped({60, 8}); };
  const Array agents = refAdaptiveAveragePool(q, 4).reshaped({16, 8});
  EXPECT_TRUE(isNear(core(agents, tokens(q), tokens(k), tokens(v), plain(2)),
                     tokens(refAgentCore(q, k, v, 2, 4))));
}

TEST(AgentTrainingFree, TooManyAgentsFallBackToSoftmaxAttention) {
  Random random(11);
  const Array q = random.normal({30, 8});
  const Array k = random.normal({30, 8});
  const Array v = random.normal({30, 8});
  EXPECT_TRUE(isNear(core(random.normal({15, 8}), q, k, v, {.heads = 2}),
                     refMultiHead(q, k, v, {.heads = 2})));
}

TEST(AgentTrainingFree, LayersWithPooledAndMergedAgentsAgreeWithTheOracle) {
  Random random(12);
  RefWeights weights;
  addProjections(weights, "a", 8, random);
  const Array src = random.normal({1, 6, 10, 8});
  const Array x = src.reshaped({60, 8});
  const Array q = refLayer(weights, "a.q", x);
  const auto expected = [&](const Array& agents) {
    return refLayer(weights, "a.projection",
                    refAgentTrainingFree(agents, q, refLayer(weights, "a.k", x),
                                         refLayer(weights, "a.v", x), 2, 0.3F, 0.075F));
  };
  const auto run = [&](const AgentTrainingFreeOptions& options) {
    return runGraph(
               [&](GraphBuilder& graph, const std::vector<Tensor>& in) {
                 return agentTrainingFree(graph, in[0], "a", options);
               },
               {src}, weightsOf(weights))
        .reshaped({60, 8});
  };
  const Array pooled = refAdaptiveAveragePool(q.reshaped({6, 10, 8}), 4).reshaped({16, 8});
  EXPECT_TRUE(isNear(run({.heads = 2, .side = 4}), expected(pooled)));
  std::vector<bool> destinations;
  for (Dim t = 0; t < 60; ++t) destinations.push_back(t / 10 % 2 == 0 && t % 10 % 2 == 0);
  const Array merged = refMerge(q, refMatch(x, destinations, 40));
  EXPECT_TRUE(
      isNear(run({.heads = 2, .source = AgentSource::Merge, .match = {.merged = 40, .width = 10}}),
             expected(merged)));
}

TEST(AgentTrainingFree, ThreadsDoNotChangeTheResult) {
  Random random(13);
  const Array a = random.normal({49, 16});
  const Array q = random.normal({500, 16});
  EXPECT_TRUE(
      isEqual(core(a, q, q, q, {.heads = 4}, {.threads = 3}), core(a, q, q, q, {.heads = 4})));
}

}  // namespace

}  // namespace va::test
