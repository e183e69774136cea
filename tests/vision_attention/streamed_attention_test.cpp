#include "vision_attention/ops/streamed_attention.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "tests/support/compare.h"
#include "tests/support/graph_runner.h"
#include "tests/support/random.h"
#include "tests/support/reference_systems.h"

namespace va::test {

namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

struct Case {
  Dim mb = 1;
  Dim n = 0;
  Dim m = 0;
  Dim heads = 1;
  Dim keyHeads = 1;
  Dim d = 0;
  Dim e = 0;
};

Array attend(const std::vector<Array>& qkv, const StreamedAttentionOptions& options,
             const RunOptions& run = {}) {
  return runGraph(
      [&](GraphBuilder& graph, const std::vector<Tensor>& in) {
        return streamedAttention(graph, "attention", in[0], in[1], in[2], options);
      },
      {qkv[0], qkv[1], qkv[2]}, {}, run);
}

std::vector<Array> randomTokens(const Case& c, std::uint64_t seed) {
  Random random(seed);
  return {random.normal({c.mb, c.n, c.heads * c.d}), random.normal({c.mb, c.m, c.keyHeads * c.d}),
          random.normal({c.mb, c.m, c.keyHeads * c.e})};
}

Array reference(const std::vector<Array>& qkv, const Case& c) {
  std::vector<Array> items;
  for (Dim b = 0; b < c.mb; ++b) {
    const Array item = refMultiHead(refItem(qkv[0], b), refItem(qkv[1], b), refItem(qkv[2], b),
                                    {.heads = c.heads, .keyHeads = c.keyHeads});
    items.push_back(item.reshaped({1, c.n, c.heads * c.e}));
  }
  return concatenate(items, 0);
}

const Case kCases[] = {
    {1, 1, 1, 1, 1, 1, 1},     {1, 1, 300, 2, 2, 8, 8},     {2, 300, 1, 1, 1, 16, 4},
    {1, 49, 49, 3, 3, 5, 7},   {2, 129, 257, 4, 2, 32, 32}, {1, 270, 520, 4, 1, 16, 24},
    {3, 65, 513, 6, 3, 9, 11},
};

TEST(StreamedAttention, AgreesWithTheOracleOnAwkwardShapes) {
  for (const Case& c : kCases) {
    const auto qkv = randomTokens(c, 1);
    EXPECT_TRUE(isNear(attend(qkv, {.heads = c.heads, .keyHeads = c.keyHeads}), reference(qkv, c)))
        << c.n << " queries, " << c.m << " keys, " << c.heads << " heads";
  }
}

TEST(StreamedAttention, AgreesWithTheOracleInBf16) {
  SKIP_WITHOUT_BF16();
  for (const Case& c : kCases) {
    auto qkv = randomTokens(c, 2);
    for (Array& a : qkv) a = a.roundedToBf16();
    EXPECT_TRUE(isNear(
        attend(qkv, {.heads = c.heads, .keyHeads = c.keyHeads}, {.precision = Precision::BF16}),
        reference(qkv, c), kBf16Tolerance));
  }
}

TEST(StreamedAttention, LargeLogitsStayFinite) {
  const Case c{1, 40, 600, 1, 1, 8, 8};
  auto qkv = randomTokens(c, 3);
  qkv[0] = 60.0 * qkv[0];
  EXPECT_TRUE(isNear(attend(qkv, {.heads = 1}), reference(qkv, c), {1e-3, 1e-4}));
}

TEST(StreamedAttention, KeyBiasAndBiasAreAddedToTheLogits) {
  const Case c{1, 70, 530, 2, 2, 8, 8};
  const auto qkv = randomTokens(c, 4);
  Random random(5);
  const Array bias = random.normal({c.n, c.m});
  const Array keyBias = random.normal({1, c.m});
  Array sum = bias;
  for (Dim i = 0; i < c.n; ++i) {
    for (Dim j = 0; j < c.m; ++j) sum(i, j) += keyBias(0, j);
  }
  const Array actual = runGraph(
      [&](GraphBuilder& graph, const std::vector<Tensor>& in) {
        return streamedAttention(graph, "attention", in[0], in[1], in[2],
                                 {.heads = 2, .bias = bias.floats(), .keyBias = in[3]});
      },
      {qkv[0], qkv[1], qkv[2], Feed(keyBias, DataType::F32)});
  const Array expected = refMultiHead(refItem(qkv[0], 0), refItem(qkv[1], 0), refItem(qkv[2], 0),
                                      {.heads = 2}, {}, sum);
  EXPECT_TRUE(isNear(actual.reshaped(expected.shape()), expected));
}

TEST(StreamedAttention, BiasOfEveryHeadReachesItsHead) {
  const Case c{1, 20, 30, 2, 2, 8, 8};
  const auto qkv = randomTokens(c, 6);
  Random random(7);
  const Array bias = random.normal({2, c.n, c.m});
  const Array actual = attend(qkv, {.heads = 2, .bias = bias.floats()});
  for (Dim head = 0; head < 2; ++head) {
    const Array expected = refMultiHead(
        refHead(refItem(qkv[0], 0), head, 2), refHead(refItem(qkv[1], 0), head, 2),
        refHead(refItem(qkv[2], 0), head, 2), {}, {}, bias.slice(0, head, 1).reshaped({c.n, c.m}));
    EXPECT_TRUE(isNear(refHead(refItem(actual, 0), head, 2), expected));
  }
}

TEST(StreamedAttention, HiddenKeysWeighNothingAndARowWithoutKeysIsZero) {
  const Case c{2, 33, 600, 1, 1, 8, 8};
  auto qkv = randomTokens(c, 8);
  Array keyBias({2, c.m});
  Array mask({c.n, c.m}, 1.0);
  for (Dim j = 0; j < c.m; ++j) {
    keyBias(1, j) = -kInfinity;
    // A whole tile of hidden keys comes before the first visible one.
    if (j < 400 || j % 3 == 0) {
      keyBias(0, j) = -kInfinity;
      for (Dim i = 0; i < c.n; ++i) mask(i, j) = 0.0;
      for (Dim i = 0; i < c.e; ++i) qkv[2](0, j, i) = 1e30;
    }
  }
  const Array actual = runGraph(
      [&](GraphBuilder& graph, const std::vector<Tensor>& in) {
        return streamedAttention(graph, "attention", in[0], in[1], in[2], {.keyBias = in[3]});
      },
      {qkv[0], qkv[1], qkv[2], Feed(keyBias, DataType::F32)});
  EXPECT_TRUE(isNear(refItem(actual, 0), refMultiHead(refItem(qkv[0], 0), refItem(qkv[1], 0),
                                                      refItem(qkv[2], 0), {}, mask)));
  EXPECT_TRUE(isEqual(refItem(actual, 1), Array({c.n, c.e})));
}

TEST(StreamedAttention, ValuesMayBeTheFirstChannelsOfTheKeys) {
  Random random(9);
  const Array q = random.normal({1, 30, 2 * 12});
  const Array bank = random.normal({1, 50, 12});
  const Array actual =
      attend({q, bank, bank}, {.heads = 2, .keyHeads = 1, .valueSize = 8, .scale = 0.5F});
  const Array keys = refItem(bank, 0);
  const Array expected = refMultiHead(refItem(q, 0), keys, keys.slice(1, 0, 8),
                                      {.heads = 2, .keyHeads = 1, .scale = 0.5});
  EXPECT_TRUE(isNear(actual.reshaped(expected.shape()), expected));
}

TEST(StreamedAttention, ThreadsDoNotChangeTheResult) {
  const Case c{1, 700, 900, 3, 3, 16, 16};
  const auto qkv = randomTokens(c, 10);
  const Array one = attend(qkv, {.heads = 3});
  for (const int threads : {2, 3, 5}) {
    EXPECT_TRUE(isEqual(attend(qkv, {.heads = 3}, {.threads = threads}), one)) << threads;
  }
}

TEST(StreamedAttention, MemoryIsLinearInTheTokens) {
  const auto scratch = [](Dim n) {
    const Weights weights;
    const Engine engine(1);
    GraphBuilder builder(weights, Precision::F32);
    const Tensor x = builder.input("x", {1, n, 32});
    builder.output("y", streamedAttention(builder, "attention", x, x, x, {.heads = 2}));
    return builder.compile(engine)->arenaBytes() - 2U * static_cast<std::size_t>(n) * 32U * 4U;
  };
  EXPECT_LE(scratch(65536), scratch(4096) + 4096);
}

TEST(StreamedAttention, NoReferencePrimitiveIsUsed) {
  const Weights weights;
  const Engine engine(1);
  GraphBuilder builder(weights, Precision::F32);
  const Tensor x = builder.input("x", {1, 512, 64});
  builder.output("y", streamedAttention(builder, "attention", x, x, x, {.heads = 2}));
  const auto graph = builder.compile(engine);
  for (const OperatorReport& report : graph->report()) {
    EXPECT_EQ(report.implementation.find("ref"), std::string::npos) << report.implementation;
  }
}

TEST(StreamedAttention, SizesThatDoNotFitAreRefusedWithTheSizes) {
  Random random(11);
  const Array q = random.normal({1, 4, 6});
  const auto message = [&](const Array& k, const Array& v,
                           const StreamedAttentionOptions& options) {
    return messageOf([&] { attend({q, k, v}, options); });
  };
  const Array k = random.normal({1, 5, 6});
  EXPECT_NE(message(k, random.normal({1, 6, 6}), {}).find("[1, 6, 6]"), std::string::npos);
  EXPECT_NE(message(k, k, {.heads = 4}).find("4 heads"), std::string::npos);
  EXPECT_NE(message(k, k, {.heads = 2, .keyHeads = 3}).find("3 of keys"), std::string::npos);
  EXPECT_NE(message(random.normal({1, 5, 4}), k, {}).find("[1, 5, 4]"), std::string::npos);
  EXPECT_NE(message(k, k, {.bias = {1.0F}}).find("bias has 1"), std::string::npos);
  EXPECT_NE(message(k, k, {.scale = -1.0F}).find("scale"), std::string::npos);
}

}  // namespace

}  // namespace va::test
