#include "vision_attention/attention/agent.h"

#include <gtest/gtest.h>

#include <cmath>

#include "tests/support/compare.h"
#include "tests/support/graph_runner.h"
#include "tests/support/random.h"
#include "tests/support/reference.h"
#include "tests/support/reference_attention.h"
#include "vision_attention/ops/conv.h"

namespace va::test {
namespace {

struct AgentCase {
  const char* what;
  Dim windows;
  Dim h;
  Dim w;
  Dim c;
  Dim heads;
  Dim agents;

  Shape shape() const { return {windows, h, w, c}; }
};

const std::vector<AgentCase> kCases{
    {"one position, one channel", 1, 1, 1, 1, 1, 1},
    {"one agent", 1, 3, 5, 6, 2, 1},
    {"one channel a head", 2, 4, 4, 3, 3, 2},
    {"bins overlap, not square", 1, 7, 5, 10, 2, 3},
    {"agents are the positions", 1, 4, 4, 8, 1, 4},
    {"whole vectors", 3, 8, 8, 32, 4, 4},
    {"odd", 2, 5, 9, 26, 2, 5},
};

/// The learned biases in the file's layout, and what they come to.
struct AgentBiases {
  std::map<std::string, Array> arrays;
  Array agent;  ///< [heads, agents, positions]
  Array query;

  AgentBiases(Random& random, const AgentCase& test, double deviation) {
    const Dim n = test.agents * test.agents;
    const auto draw = [&](const std::string& name, const Shape& shape) {
      return arrays["a." + name] = random.normal(shape, 0.0, deviation);
    };
    const Array agentPicture = draw("agent_bias", {test.heads, n, 7, 7});
    const Array agentRow = draw("agent_row", {test.heads, n, test.h});
    const Array agentColumn = draw("agent_column", {test.heads, n, test.w});
    const Array queryPicture = draw("query_bias", {test.heads, n, 7, 7});
    const Array queryRow = draw("query_row", {test.heads, test.h, n});
    const Array queryColumn = draw("query_column", {test.heads, test.w, n});
    agent = refAgentBias(agentPicture, agentRow, agentColumn);
    query = refAgentBias(queryPicture, refTransposed(queryRow), refTransposed(queryColumn));
  }
};

Array agentCoreOf(const std::vector<Array>& qkv, const AgentCase& test, const Weights& weights,
                  const RunOptions& run = {}) {
  return runGraph(
      [&](GraphBuilder& graph, const std::vector<Tensor>& in) {
        return agentCore(graph, in[0], in[1], in[2], "a",
                         {.heads = test.heads, .agents = test.agents});
      },
      {qkv[0], qkv[1], qkv[2]}, weights, run);
}

/// Window `index` of [windows, h, w, c].
Array windowOf(const Array& windows, Dim index) {
  return windows.slice(0, index, 1).reshaped({windows.size(1), windows.size(2), windows.size(3)});
}

Array expectedCore(const std::vector<Array>& qkv, const AgentCase& test,
                   const AgentBiases& biases) {
  std::vector<Array> windows;
  for (Dim i = 0; i < test.windows; ++i) {
    windows.push_back(refAgentCore(windowOf(qkv[0], i), windowOf(qkv[1], i), windowOf(qkv[2], i),
                                   test.heads, test.agents, biases.agent, biases.query)
                          .reshaped({1, test.h, test.w, test.c}));
  }
  return concatenate(windows, 0);
}

std::vector<Array> randomQkv(Random& random, const Shape& shape) {
  return {random.normal(shape), random.normal(shape), random.normal(shape)};
}

void expectCoreMatches(Precision precision) {
  Random random(101);
  for (const AgentCase& test : kCases) {
    SCOPED_TRACE(test.what);
    const auto qkv = randomQkv(random, test.shape());
    const AgentBiases biases(random, test, 1.0);
    EXPECT_TRUE(isNear(agentCoreOf(qkv, test, weightsOf(biases.arrays), {.precision = precision}),
                       expectedCore(qkv, test, biases), toleranceOf(precision)));
  }
}

TEST(AgentCore, MatchesNaiveLoopInF32) {
  expectCoreMatches(Precision::F32);
}
TEST(AgentCore, MatchesNaiveLoopInBf16) {
  SKIP_WITHOUT_BF16();
  expectCoreMatches(Precision::BF16);
}

TEST(AgentCore, ThreadsDoNotChangeTheResult) {
  Random random(102);
  for (const AgentCase& test : kCases) {
    const auto qkv = randomQkv(random, test.shape());
    const Weights weights = weightsOf(AgentBiases(random, test, 1.0).arrays);
    EXPECT_TRUE(isEqual(agentCoreOf(qkv, test, weights, {.threads = 2}),
                        agentCoreOf(qkv, test, weights, {.threads = 1})));
  }
}

constexpr AgentCase kEven{"even", 1, 8, 8, 12, 2, 4};

Weights withoutBias(const AgentCase& test) {
  Random random(103);
  return weightsOf(AgentBiases(random, test, 0.0).arrays);
}

TEST(AgentCore, ConstantValuesStayConstant) {
  Random random(104);
  const Array q = random.normal(kEven.shape());
  const Array k = random.normal(kEven.shape());
  const Array v(kEven.shape(), 1.5);
  const Weights weights = weightsOf(AgentBiases(random, kEven, 1.0).arrays);
  EXPECT_TRUE(isNear(agentCoreOf({q, k, v}, kEven, weights), v, {2e-6, 1e-6}));
}

TEST(AgentCore, AttentionMapIsStochasticAndOfLowRank) {
  // With a unit matrix as values, the result is the map itself: row p holds the weights of p.
  constexpr AgentCase kUnit{"unit", 1, 4, 4, 16, 1, 2};
  Random random(105);
  const Array q = random.normal(kUnit.shape());
  const Array k = random.normal(kUnit.shape());
  Array unit({16, 16});
  for (Dim i = 0; i < 16; ++i) unit(i, i) = 1.0;
  const Weights weights = weightsOf(AgentBiases(random, kUnit, 1.0).arrays);
  Array rows = agentCoreOf({q, k, unit.reshaped(kUnit.shape())}, kUnit, weights).reshaped({16, 16});
  for (Dim i = 0; i < 16; ++i) {
    double sum = 0.0;
    for (Dim j = 0; j < 16; ++j) {
      EXPECT_GE(rows(i, j), 0.0);
      sum += rows(i, j);
    }
    EXPECT_NEAR(sum, 1.0, 1e-6);
  }
  // Gaussian elimination with full pivoting: after as many steps as there are agents nothing is
  // left.
  for (int step = 0; step < 4; ++step) {
    Dim pivotRow = 0;
    Dim pivotColumn = 0;
    for (Dim i = 0; i < 16; ++i) {
      for (Dim j = 0; j < 16; ++j) {
        if (std::abs(rows(i, j)) > std::abs(rows(pivotRow, pivotColumn))) {
          pivotRow = i;
          pivotColumn = j;
        }
      }
    }
    ASSERT_GT(std::abs(rows(pivotRow, pivotColumn)), 1e-4) << "the rank is below " << step + 1;
    const Array before = rows;
    for (Dim i = 0; i < 16; ++i) {
      for (Dim j = 0; j < 16; ++j) {
        rows(i, j) -= before(i, pivotColumn) * before(pivotRow, j) / before(pivotRow, pivotColumn);
      }
    }
  }
  for (const double value : rows.values()) EXPECT_NEAR(value, 0.0, 1e-5);
}

TEST(AgentCore, ZeroAgentsGiveTheMeanOfTheValues) {
  Random random(106);
  const Array q(kEven.shape());
  const Array k = random.normal(kEven.shape());
  const Array v = random.normal(kEven.shape());
  Array mean(kEven.shape());
  for (Dim c = 0; c < kEven.c; ++c) {
    double sum = 0.0;
    for (Dim p = 0; p < 64; ++p) sum += v(0, p / 8, p % 8, c);
    for (Dim p = 0; p < 64; ++p) mean(0, p / 8, p % 8, c) = sum / 64.0;
  }
  EXPECT_TRUE(isNear(agentCoreOf({q, k, v}, kEven, withoutBias(kEven)), mean));
}

TEST(AgentCore, OneAgentMakesAllRowsEqual) {
  AgentCase one = kEven;
  one.agents = 1;
  Random random(107);
  const auto qkv = randomQkv(random, one.shape());
  const Array actual = agentCoreOf(qkv, one, withoutBias(one));
  std::vector<Array> heads;
  for (Dim head = 0; head < 2; ++head) {
    const auto tokens = [&](const Array& map) {
      return map.slice(3, head * 6, 6).reshaped({64, 6});
    };
    const Array a = refAdaptiveAveragePool(windowOf(qkv[0], 0), 1).slice(2, head * 6, 6);
    heads.push_back(
        refAttention(a.reshaped({1, 6}), tokens(qkv[1]), tokens(qkv[2]), 1.0 / std::sqrt(6.0)));
  }
  const Array row = concatenate(heads, 1);
  for (Dim p = 0; p < 64; ++p) {
    for (Dim c = 0; c < 12; ++c) EXPECT_NEAR(actual(0, p / 8, p % 8, c), row(0, c), 1e-5);
  }
}

TEST(AgentCore, OrthogonalAgentsGiveSoftmaxAttention) {
  // As many agents as positions, orthogonal and long: the query's own agent takes all the weight.
  constexpr AgentCase kOrthogonal{"orthogonal", 1, 4, 4, 16, 1, 4};
  Random random(108);
  Array q({16, 16});
  for (Dim i = 0; i < 16; ++i) q(i, i) = 30.0;
  const Array k = random.normal({16, 16});
  const Array v = random.normal({16, 16});
  const Shape shape = kOrthogonal.shape();
  const Array actual = agentCoreOf({q.reshaped(shape), k.reshaped(shape), v.reshaped(shape)},
                                   kOrthogonal, withoutBias(kOrthogonal));
  EXPECT_TRUE(isNear(actual.reshaped({16, 16}), refAttention(q, k, v, 0.25)));
}

TEST(AgentCore, PositionsOfOnePoolingBinMayChangePlaces) {
  Random random(109);
  const auto qkv = randomQkv(random, kEven.shape());
  // Bins are 2x2: exchange the pixels of each along its diagonal.
  const auto moved = [](const Array& map) {
    Array result(map.shape());
    for (Dim y = 0; y < 8; ++y) {
      for (Dim x = 0; x < 8; ++x) {
        for (Dim c = 0; c < 12; ++c) result(0, y ^ 1, x ^ 1, c) = map(0, y, x, c);
      }
    }
    return result;
  };
  const Weights weights = withoutBias(kEven);
  EXPECT_TRUE(isNear(agentCoreOf({moved(qkv[0]), moved(qkv[1]), moved(qkv[2])}, kEven, weights),
                     moved(agentCoreOf(qkv, kEven, weights)), {1e-5, 1e-6}));
}

TEST(AgentCore, ResizedBiasIsGolden) {
  // One agent and scores of 0: the query's softmax over it is 1, the agent's is softmax(bias).
  constexpr AgentCase kRow{"row", 1, 1, 14, 14, 1, 1};
  std::map<std::string, Array> arrays{
      {"a.agent_bias", Array({1, 1, 7, 7})}, {"a.agent_row", Array({1, 1, 1})},
      {"a.agent_column", Array({1, 1, 14})}, {"a.query_bias", Array({1, 1, 7, 7})},
      {"a.query_row", Array({1, 1, 1})},     {"a.query_column", Array({1, 14, 1})}};
  for (Dim y = 0; y < 7; ++y) {
    for (Dim x = 0; x < 7; ++x) arrays["a.agent_bias"](0, 0, y, x) = static_cast<double>(x);
  }
  Array unit({14, 14});
  for (Dim i = 0; i < 14; ++i) unit(i, i) = 1.0;
  const Array actual =
      agentCoreOf({Array(kRow.shape()), Array(kRow.shape()), unit.reshaped(kRow.shape())}, kRow,
                  weightsOf(arrays));
  const Array logits({14}, std::vector<double>{0, .25, .75, 1.25, 1.75, 2.25, 2.75, 3.25, 3.75,
                                               4.25, 4.75, 5.25, 5.75, 6});
  EXPECT_TRUE(isNear(actual.slice(2, 0, 1).reshaped({14}), refSoftmax(logits), {1e-6, 1e-5}));
}

/// All weights of agentAttention() for `test`, with a depthwise convolution of this deviation.
std::map<std::string, Array> moduleWeights(Random& random, const AgentCase& test, double local) {
  std::map<std::string, Array> arrays = AgentBiases(random, test, 0.5).arrays;
  for (const char* name : {"a.q", "a.k", "a.v", "a.projection"}) {
    arrays[std::string(name) + ".weight"] =
        random.normal({test.c, test.c}, 0.0, 1.0 / std::sqrt(static_cast<double>(test.c)));
    arrays[std::string(name) + ".bias"] = random.normal({test.c}, 0.0, 0.3);
  }
  arrays["a.local.weight"] = random.normal({test.c, 1, 3, 3}, 0.0, local);
  arrays["a.local.bias"] = random.normal({test.c}, 0.0, local);
  return arrays;
}

Array agentAttentionOf(const Array& src, const AgentCase& test, const Weights& weights,
                       const RunOptions& run = {}) {
  return runGraph(
      [&](GraphBuilder& graph, const std::vector<Tensor>& in) {
        return agentAttention(graph, in[0], "a", {.heads = test.heads, .agents = test.agents});
      },
      {src}, weights, run);
}

Array expectedModule(const Array& src, const AgentCase& test, std::map<std::string, Array>& w) {
  const auto project = [&](const std::string& name, const Array& x) {
    return refLinear(x, w["a." + name + ".weight"], w["a." + name + ".bias"]);
  };
  const Array agent = refAgentBias(w["a.agent_bias"], w["a.agent_row"], w["a.agent_column"]);
  const Array query = refAgentBias(w["a.query_bias"], refTransposed(w["a.query_row"]),
                                   refTransposed(w["a.query_column"]));
  const Array q = project("q", src);
  const Array k = project("k", src);
  const Array v = project("v", src);
  std::vector<Array> windows;
  for (Dim i = 0; i < test.windows; ++i) {
    windows.push_back(refAgentCore(windowOf(q, i), windowOf(k, i), windowOf(v, i), test.heads,
                                   test.agents, agent, query)
                          .reshaped({1, test.h, test.w, test.c}));
  }
  const Array local =
      refConv2d(v, w["a.local.weight"], w["a.local.bias"], {.groups = test.c, .padding = 1});
  return project("projection", concatenate(windows, 0) + local);
}

TEST(AgentAttention, MatchesNaiveLoopInF32) {
  Random random(110);
  for (const AgentCase& test : kCases) {
    SCOPED_TRACE(test.what);
    auto arrays = moduleWeights(random, test, 0.3);
    const Array src = random.normal(test.shape());
    EXPECT_TRUE(
        isNear(agentAttentionOf(src, test, weightsOf(arrays)), expectedModule(src, test, arrays)));
  }
}

TEST(AgentAttention, MatchesNaiveLoopInBf16) {
  SKIP_WITHOUT_BF16();
  Random random(110);
  for (const AgentCase& test : kCases) {
    SCOPED_TRACE(test.what);
    auto arrays = moduleWeights(random, test, 0.3);
    const Array src = random.normal(test.shape());
    EXPECT_TRUE(
        isNear(agentAttentionOf(src, test, weightsOf(arrays), {.precision = Precision::BF16}),
               expectedModule(src, test, arrays), kBf16Tolerance));
  }
}

TEST(AgentAttention, ConvolutionOfTheValuesIsAllThatItAdds) {
  Random random(111);
  auto arrays = moduleWeights(random, kEven, 0.3);
  // A projection that changes nothing shows the difference itself.
  arrays["a.projection.weight"] = Array({12, 12});
  for (Dim i = 0; i < 12; ++i) arrays["a.projection.weight"](i, i) = 1.0;
  arrays["a.projection.bias"] = Array({12});
  auto without = arrays;
  without["a.local.weight"] = Array({12, 1, 3, 3});
  without["a.local.bias"] = Array({12});
  const Array src = random.normal(kEven.shape());
  const Array v = refLinear(src, arrays["a.v.weight"], arrays["a.v.bias"]);
  const Array difference = agentAttentionOf(src, kEven, weightsOf(arrays)) -
                           agentAttentionOf(src, kEven, weightsOf(without));
  EXPECT_TRUE(isNear(difference, refConv2d(v, arrays["a.local.weight"], arrays["a.local.bias"],
                                           {.groups = 12, .padding = 1})));
}

TEST(AgentAttention, ErrorsNameShapes) {
  const auto error = [](const Shape& q, const Shape& k, Dim heads, Dim agents) {
    return messageOf([&] {
      describeOnly(
          [&](GraphBuilder& graph, const std::vector<Tensor>& in) {
            return agentCore(graph, in[0], in[1], in[1], "a", {.heads = heads, .agents = agents});
          },
          {Array(q), Array(k)});
    });
  };
  EXPECT_EQ(
      error({1, 4, 4, 8}, {1, 4, 4, 6}, 2, 2),
      "agent attention 'a': q is [1, 4, 4, 8] f32, k is [1, 4, 4, 6] f32, v is [1, 4, 4, 6] f32");
  EXPECT_EQ(error({1, 4, 4, 8}, {1, 4, 4, 8}, 3, 2), "agent attention 'a': 8 channels in 3 heads");
  EXPECT_EQ(error({1, 4, 3, 8}, {1, 4, 3, 8}, 2, 4),
            "agent attention 'a': 4 agents a side for windows [1, 4, 3, 8]");
  EXPECT_EQ(error({1, 4, 4, 0}, {1, 4, 4, 0}, 2, 2), "agent attention 'a': 0 channels in 2 heads");
  EXPECT_EQ(error({1, 4, 4, 8}, {1, 4, 4, 8}, 2, 2),
            "weight 'a.agent_bias' is missing, expected [2, 4, 7, 7]");
}

TEST(AgentAttention, BiasesBeyondAnyMemoryAreAnError) {
  const Weights none;
  GraphBuilder graph(none, Precision::F32);
  const Tensor q = graph.input("q", {1, 4096, 4096, 8});
  EXPECT_EQ(messageOf([&] { agentCore(graph, q, q, q, "a", {.heads = 8, .agents = 8}); }),
            "agent attention 'a': biases of [8, 64, 16777216] are too large");
}

}  // namespace
}  // namespace va::test
