#include "vision_attention/attention/generalized_probabilistic.h"

#include <gtest/gtest.h>

#include <cmath>

#include "tests/support/compare.h"
#include "tests/support/graph_runner.h"
#include "tests/support/random.h"
#include "tests/support/reference.h"
#include "tests/support/reference_systems.h"
#include "vision_attention/ops/streamed_attention.h"

namespace va::test {

namespace {

struct Inputs {
  Array q;
  Array negative;
  Array k;
  Array v;
};

Inputs randomInputs(Dim n, Dim m, Dim c, std::uint64_t seed) {
  Random random(seed);
  return {random.normal({n, c}), random.normal({n, c}), random.normal({m, c}),
          random.normal({m, c})};
}

Array core(const Inputs& in, const std::vector<float>& plus, const std::vector<float>& minus,
           const RunOptions& run = {}) {
  const auto heads = static_cast<Dim>(plus.size());
  return refItem(
      runGraph(
          [&](GraphBuilder& graph, const std::vector<Tensor>& t) {
            return generalizedProbabilisticCore(graph, "core", t[0], t[1], t[2], t[3],
                                                {.heads = heads, .plus = plus, .minus = minus});
          },
          {refBatch(in.q), refBatch(in.negative), refBatch(in.k), refBatch(in.v)}, {}, run),
      0);
}

Array softmaxAttention(const Array& q, const Inputs& in, Dim heads) {
  return refItem(runGraph(
                     [&](GraphBuilder& graph, const std::vector<Tensor>& t) {
                       return streamedAttention(graph, "a", t[0], t[1], t[2], {.heads = heads});
                     },
                     {refBatch(q), refBatch(in.k), refBatch(in.v)}),
                 0);
}

TEST(GeneralizedProbabilistic, GoldenRowLeavesTheUnitInterval) {
  // Maps [1, 0] and [0, 1], lambda 0.5: weights [1.5, -0.5], read off through unit values.
  const double far = 100.0;
  const Inputs in{Array({1, 2}, {far, 0.0}), Array({1, 2}, {0.0, far}),
                  Array({2, 2}, {far, 0.0, 0.0, far}), Array({2, 2}, {1.0, 0.0, 0.0, 1.0})};
  EXPECT_TRUE(isNear(core(in, {0.5F}, {0.5F}), Array({1, 2}, {1.5, -0.5})));
}

TEST(GeneralizedProbabilistic, AgreesWithTheOracleOnAwkwardShapes) {
  const Dim sizes[][3] = {{1, 1, 4}, {130, 7, 8}, {9, 300, 12}, {140, 290, 16}};
  for (const auto& [n, m, c] : sizes) {
    const Inputs in = randomInputs(n, m, c, 1);
    EXPECT_TRUE(isNear(core(in, {0.3F, 0.1F}, {0.2F, 0.4F}),
                       refGeneralized(in.q, in.negative, in.k, in.v, {0.3F, 0.1F}, {0.2F, 0.4F})))
        << n << " " << m;
  }
}

TEST(GeneralizedProbabilistic, AgreesWithTheOracleInBf16) {
  SKIP_WITHOUT_BF16();
  Inputs in = randomInputs(70, 90, 16, 2);
  for (Array* a : {&in.q, &in.negative, &in.k, &in.v}) *a = a->roundedToBf16();
  EXPECT_TRUE(isNear(core(in, {0.25F}, {0.5F}, {.precision = Precision::BF16}),
                     refGeneralized(in.q, in.negative, in.k, in.v, {0.25}, {0.5}), kBf16Tolerance));
}

TEST(GeneralizedProbabilistic, LambdaZeroIsSoftmaxAttentionBitForBit) {
  const Inputs in = randomInputs(100, 200, 16, 3);
  EXPECT_TRUE(isEqual(core(in, {0.0F, 0.0F}, {0.0F, 0.0F}), softmaxAttention(in.q, in, 2)));
}

TEST(GeneralizedProbabilistic, EqualMapsScaleSoftmaxAttention) {
  Inputs in = randomInputs(60, 80, 8, 4);
  in.negative = in.q;
  EXPECT_TRUE(isNear(core(in, {0.7F}, {0.2F}), 1.5 * softmaxAttention(in.q, in, 1)));
}

TEST(GeneralizedProbabilistic, RowsSumToOnePlusTheDifferenceAndStayInRange) {
  // Unit values read the weights themselves.
  Inputs in = randomInputs(40, 16, 16, 5);
  in.v = Array({16, 16});
  for (Dim i = 0; i < 16; ++i) in.v(i, i) = 1.0;
  const double plus = 0.75;
  const double minus = 0.5;
  const Array weights = core(in, {0.75F}, {0.5F});
  for (Dim t = 0; t < 40; ++t) {
    double sum = 0.0;
    for (Dim j = 0; j < 16; ++j) {
      sum += weights(t, j);
      EXPECT_GE(weights(t, j), -minus - 1e-6);
      EXPECT_LE(weights(t, j), 1.0 + plus + 1e-6);
    }
    EXPECT_NEAR(sum, 1.0 + plus - minus, 1e-5);
  }
}

TEST(GeneralizedProbabilistic, ConstantValuesAreScaledByTheRowSum) {
  Inputs in = randomInputs(20, 30, 8, 6);
  in.v = Array({30, 8}, 3.0);
  EXPECT_TRUE(isNear(core(in, {0.5F}, {0.125F}), Array({20, 8}, 3.0 * 1.375)));
}

TEST(GeneralizedProbabilistic, EqualKeysGiveTheScaledMean) {
  Inputs in = randomInputs(20, 30, 8, 7);
  for (Dim j = 0; j < 30; ++j) {
    for (Dim i = 0; i < 8; ++i) in.k(j, i) = in.k(0, i);
  }
  Array expected({20, 8});
  for (Dim t = 0; t < 20; ++t) {
    for (Dim i = 0; i < 8; ++i) {
      for (Dim j = 0; j < 30; ++j) expected(t, i) += 1.25 * in.v(j, i) / 30.0;
    }
  }
  EXPECT_TRUE(isNear(core(in, {0.5F}, {0.25F}), expected));
}

TEST(GeneralizedProbabilistic, SlopesInLambdaAreTheTwoMaps) {
  const Inputs in = randomInputs(30, 40, 8, 8);
  const double step = 0.25;
  const Array base = core(in, {0.5F}, {0.5F});
  const Array positive = (1.0 / step) * (core(in, {0.75F}, {0.5F}) - base);
  const Array negative = (1.0 / step) * (core(in, {0.5F}, {0.75F}) - base);
  EXPECT_TRUE(isNear(positive, softmaxAttention(in.q, in, 1), {1e-4, 1e-4}));
  EXPECT_TRUE(isNear(negative, -1.0 * softmaxAttention(in.negative, in, 1), {1e-4, 1e-4}));
}

TEST(GeneralizedProbabilistic, LayerAgreesWithTheOracleForEveryNegativeQuery) {
  const Dim c = 12;
  const Dim heads = 3;
  const Dim d = c / heads;
  Random random(9);
  RefWeights weights;
  addProjections(weights, "a", c, random);
  weights["a.negative.weight"] = random.normal({c, d}, 0.0, 0.5);
  weights["a.negative0.weight"] = random.normal({c, d}, 0.0, 0.5);
  weights["a.lambda_plus"] = random.normal({heads});
  weights["a.lambda_minus"] = random.normal({heads});
  const Array x = random.normal({50, c});
  const auto perHead = [&](const Array& q, const std::string& name) {
    std::vector<Array> parts;
    for (Dim h = 0; h < heads; ++h) {
      parts.push_back(refLinear(refHead(q, h, heads), weights.at(name).slice(0, h * d, d), {}));
    }
    return concatenate(parts, 1);
  };
  const auto lambdas = [&](const std::string& name) {
    return map(weights.at(name), [](double a) { return 0.5 * refLogistic(a); }).values();
  };
  const Array q = refLayer(weights, "a.q", x);
  const std::pair<NegativeQuery, Array> forms[] = {
      {NegativeQuery::ReluLinear, perHead(map(q, refRelu), "a.negative.weight")},
      {NegativeQuery::Linear, perHead(q, "a.negative.weight")},
      {NegativeQuery::LinearReluLinear,
       perHead(map(perHead(q, "a.negative0.weight"), refRelu), "a.negative.weight")}};
  for (const auto& [form, negative] : forms) {
    const Array attended =
        refGeneralized(q, negative, refLayer(weights, "a.k", x), refLayer(weights, "a.v", x),
                       lambdas("a.lambda_plus"), lambdas("a.lambda_minus"));
    const Array actual = runGraph(
        [&, form = form](GraphBuilder& graph, const std::vector<Tensor>& t) {
          return generalizedProbabilisticAttention(
              graph, t[0], "a",
              {.heads = heads, .negativeQuery = form, .tied = false, .largestLambda = 0.5F});
        },
        {refBatch(x)}, weightsOf(weights));
    EXPECT_TRUE(isNear(refItem(actual, 0), refLayer(weights, "a.projection", attended)));
  }
}

TEST(GeneralizedProbabilistic, ThreadsDoNotChangeTheResult) {
  const Inputs in = randomInputs(300, 310, 16, 10);
  EXPECT_TRUE(isEqual(core(in, {0.1F, 0.2F}, {0.3F, 0.1F}, {.threads = 4}),
                      core(in, {0.1F, 0.2F}, {0.3F, 0.1F})));
}

TEST(GeneralizedProbabilistic, NegativeLambdasAreRefused) {
  const Inputs in = randomInputs(3, 3, 4, 11);
  EXPECT_NE(messageOf([&] { core(in, {0.1F}, {-0.1F}); }).find("lambdas"), std::string::npos);
  EXPECT_NE(messageOf([&] { core(in, {0.1F, 0.1F}, {0.1F}); }).find("lambdas"), std::string::npos);
}

}  // namespace

}  // namespace va::test
