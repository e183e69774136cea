#include "vision_attention/attention/reuse.h"

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

void addConv(RefWeights& weights, const std::string& name, const Shape& shape, Random& random) {
  const double inputs = static_cast<double>(shape.elements()) / static_cast<double>(shape[0]);
  weights[name + ".weight"] = random.normal(shape, 0.0, 1.0 / std::sqrt(inputs));
  weights[name + ".bias"] = random.normal({shape[0]}, 0.0, 0.2);
}

RefWeights randomWeights(Dim h, Dim w, Dim c, const ReuseOptions& o, std::uint64_t seed) {
  Random random(seed);
  RefWeights weights;
  addConv(weights, "a.qk", {c / 2, c, 1, 1}, random);
  addConv(weights, "a.local_q", {c / 4, 1, o.queryKernel, o.queryKernel}, random);
  const Dim d = c / static_cast<Dim>(o.kernels.size());
  for (std::size_t i = 0; i < o.kernels.size(); ++i) {
    addConv(weights, "a.local_v." + std::to_string(i), {d, 1, o.kernels[i], o.kernels[i]}, random);
  }
  addConv(weights, "a.projection", {c, c, 1, 1}, random);
  weights["a.bias"] = random.normal({h, w});
  return weights;
}

Array attend(const RefWeights& weights, const Array& windows, const ReuseOptions& options,
             const RunOptions& run = {}) {
  return runGraph(
      [&](GraphBuilder& graph, const std::vector<Tensor>& in) {
        return reuseAttention(graph, in[0], "a", options);
      },
      {windows}, weightsOf(weights), run);
}

Array window(const Array& windows, Dim i) {
  return windows.slice(0, i, 1).reshaped({windows.size(1), windows.size(2), windows.size(3)});
}

/// Every weight 0, projection the identity: what is left passes through.
RefWeights plainWeights(Dim h, Dim w, Dim c, Dim heads) {
  RefWeights weights;
  weights["a.qk.weight"] = Array({c / 2, c, 1, 1});
  weights["a.qk.bias"] = Array({c / 2});
  weights["a.local_q.weight"] = Array({c / 4, 1, 1, 1}, 1.0);
  weights["a.local_q.bias"] = Array({c / 4});
  for (Dim i = 0; i < heads; ++i) {
    weights["a.local_v." + std::to_string(i) + ".weight"] = Array({c / heads, 1, 1, 1}, 1.0);
    weights["a.local_v." + std::to_string(i) + ".bias"] = Array({c / heads});
  }
  Array identity({c, c, 1, 1});
  for (Dim i = 0; i < c; ++i) identity(i, i, 0, 0) = 1.0;
  weights["a.projection.weight"] = identity;
  weights["a.projection.bias"] = Array({c});
  weights["a.bias"] = Array({h, w});
  return weights;
}

TEST(ReuseAttention, AgreesWithTheOracleOnAwkwardShapes) {
  struct Case {
    Dim mb, h, w, c;
    std::vector<Dim> kernels;
  };
  const Case cases[] = {{3, 7, 7, 16, {1, 3, 5, 7}}, {1, 1, 1, 8, {3}}, {2, 5, 9, 24, {5, 3, 1}}};
  for (const Case& c : cases) {
    const ReuseOptions options{.kernels = c.kernels, .queryKernel = 5};
    const RefWeights weights = randomWeights(c.h, c.w, c.c, options, 1);
    Random random(2);
    const Array src = random.normal({c.mb, c.h, c.w, c.c});
    const Array actual = attend(weights, src, options);
    for (Dim i = 0; i < c.mb; ++i) {
      EXPECT_TRUE(
          isNear(window(actual, i), refReuse(weights, "a", window(src, i), c.kernels,
                                             1.0 / std::sqrt(static_cast<double>(c.c / 4)))));
    }
  }
}

TEST(ReuseAttention, AgreesWithTheOracleInBf16) {
  SKIP_WITHOUT_BF16();
  const RefWeights weights = randomWeights(7, 7, 16, {}, 3);
  Random random(4);
  const Array src = random.normal({1, 7, 7, 16}).roundedToBf16();
  EXPECT_TRUE(isNear(window(attend(weights, src, {}, {.precision = Precision::BF16}), 0),
                     refReuse(weights, "a", window(src, 0), {1, 3, 5, 7}, 0.5), kBf16Tolerance));
}

TEST(ReuseAttention, ImportScaleIsAQuarter) {
  const ReuseOptions options{.kernels = {1, 3}, .queryKernel = 3, .importScale = true};
  const RefWeights weights = randomWeights(4, 4, 8, options, 5);
  Random random(6);
  const Array src = random.normal({1, 4, 4, 8});
  EXPECT_TRUE(isNear(window(attend(weights, src, options), 0),
                     refReuse(weights, "a", window(src, 0), {1, 3}, 0.25)));
}

TEST(ReuseAttention, OneHeadWithTheUnitKernelIsAttentionWithTheInputAsValues) {
  RefWeights weights = plainWeights(4, 5, 8, 1);
  Random random(7);
  weights["a.qk.weight"] = random.normal({4, 8, 1, 1}, 0.0, 0.5);
  const Array src = random.uniform({1, 4, 5, 8}, 0.0, 1.0);  // the rectifier keeps it
  const Array x = src.reshaped({20, 8});
  const Array qk = refLinear(x, weights["a.qk.weight"].reshaped({4, 8}), {});
  const Array expected =
      refAttention(qk.slice(1, 0, 2), qk.slice(1, 2, 2), x, 1.0 / std::sqrt(2.0));
  EXPECT_TRUE(
      isNear(attend(weights, src, {.kernels = {1}, .queryKernel = 1}).reshaped({20, 8}), expected));
}

TEST(ReuseAttention, EqualKernelsMakeHeadsChunksOfOneProduct) {
  RefWeights weights = plainWeights(4, 4, 8, 4);
  Random random(8);
  weights["a.qk.weight"] = random.normal({4, 8, 1, 1}, 0.0, 0.5);
  const Array src = random.uniform({1, 4, 4, 8}, 0.0, 1.0);
  const Array four = attend(weights, src, {.kernels = {1, 1, 1, 1}, .queryKernel = 1});
  RefWeights single = plainWeights(4, 4, 8, 1);
  single["a.qk.weight"] = weights["a.qk.weight"];
  EXPECT_TRUE(isNear(four, attend(single, src, {.kernels = {1}, .queryKernel = 1})));
}

TEST(ReuseAttention, UniformLogitsGiveTheMeanOfTheValues) {
  Random random(9);
  const Array src = random.uniform({1, 3, 6, 8}, 0.0, 1.0);
  Array expected({1, 3, 6, 8});
  for (Dim t = 0; t < 18; ++t) {
    for (Dim u = 0; u < 18; ++u) {
      for (Dim i = 0; i < 8; ++i) expected(0, t / 6, t % 6, i) += src(0, u / 6, u % 6, i) / 18.0;
    }
  }
  EXPECT_TRUE(isNear(attend(plainWeights(3, 6, 8, 2), src, {.kernels = {1, 1}, .queryKernel = 1}),
                     expected));
}

TEST(ReuseAttention, FoldedBatchNormEqualsTheUnfoldedOne) {
  Random random(10);
  const Dim oc = 6;
  const Array src = random.normal({1, 5, 5, 3});
  const Array weights = random.normal({oc, 3, 3, 3});
  const Array bias = random.normal({oc});
  const Array gain = random.normal({oc});
  const Array offset = random.normal({oc});
  const Array mean = random.normal({oc});
  const Array variance = random.uniform({oc}, 0.1, 2.0);
  Array expected = refConv2d(src, weights, bias, {.padding = 1});
  for (Dim t = 0; t < 25; ++t) {
    for (Dim i = 0; i < oc; ++i) {
      double& value = expected(0, t / 5, t % 5, i);
      value = (value - mean(i)) / std::sqrt(variance(i) + 1e-5) * gain(i) + offset(i);
    }
  }
  auto folded = weights.floats();
  auto foldedBias = bias.floats();
  const BatchNorm norm{gain.floats(), offset.floats(), mean.floats(), variance.floats()};
  foldBatchNorm(norm, folded, foldedBias);
  EXPECT_TRUE(isNear(
      refConv2d(src, Array(weights.shape(), folded), Array({oc}, foldedBias), {.padding = 1}),
      expected, {1e-4, 1e-5}));
  std::vector<float> none;
  folded = weights.floats();
  foldBatchNorm(norm, folded, none);
  EXPECT_EQ(none.size(), 6U);
  EXPECT_NE(messageOf([&] { foldBatchNorm({}, folded, none); }).find("0 channels"),
            std::string::npos);
}

/// Two layers of mapAttention on [n, c]; the second reuses `reused` maps of the first.
struct TwoLayers {
  Array first;
  Array second;
  Array map0;
  Array map1;
};

RefWeights mapWeights(Dim c, Dim heads, Dim reused, std::uint64_t seed) {
  Random random(seed);
  RefWeights weights;
  addProjections(weights, "l0", c, random);
  addProjections(weights, "l1", c, random);
  const Dim own = (heads - reused) * c / heads;
  for (const char* name : {"l1.q", "l1.k"}) {
    weights.erase(std::string(name) + ".weight");
    weights.erase(std::string(name) + ".bias");
    if (own > 0) addLinear(weights, name, own, c, random);
  }
  return weights;
}

TwoLayers runTwo(const RefWeights& weights, const Array& x, Dim heads, Dim reused) {
  const auto results = runGraphs(
      [&](GraphBuilder& graph, const std::vector<Tensor>& in) {
        const MappedLayer a = mapAttention(graph, in[0], "l0", {.heads = heads});
        const MappedLayer b =
            mapAttention(graph, a.dst, "l1", {.heads = heads, .reusedHeads = reused}, a.map);
        return std::vector<Tensor>{a.dst, b.dst, a.map, b.map};
      },
      {refBatch(x)}, weightsOf(weights));
  return {refItem(results[0], 0), refItem(results[1], 0), results[2], results[3]};
}

TEST(ReuseAttention, LayersWithoutReuseAreIndependentAttention) {
  const RefWeights weights = mapWeights(12, 3, 0, 11);
  Random random(12);
  const Array x = random.normal({21, 12});
  const TwoLayers actual = runTwo(weights, x, 3, 0);
  const Array first = refMultiHeadLayer(weights, "l0", x, 3);
  EXPECT_TRUE(isNear(actual.first, first));
  EXPECT_TRUE(isNear(actual.second, refMultiHeadLayer(weights, "l1", first, 3)));
}

TEST(ReuseAttention, ReusedHeadsTakeThePreviousMaps) {
  const Dim c = 12;
  const Dim d = 4;
  const RefWeights weights = mapWeights(c, 3, 2, 13);
  Random random(14);
  const Array x = random.normal({21, c});
  const TwoLayers actual = runTwo(weights, x, 3, 2);
  const Array first = refMultiHeadLayer(weights, "l0", x, 3);
  const Array v = refLayer(weights, "l1.v", first);
  const Array q0 = refLayer(weights, "l0.q", x);
  const Array k0 = refLayer(weights, "l0.k", x);
  std::vector<Array> heads;
  for (Dim h = 0; h < 2; ++h) {
    heads.push_back(refAttention(refHead(q0, h, 3), refHead(k0, h, 3), refHead(v, h, 3),
                                 1.0 / std::sqrt(static_cast<double>(d))));
  }
  heads.push_back(refAttention(refLayer(weights, "l1.q", first), refLayer(weights, "l1.k", first),
                               refHead(v, 2, 3), 1.0 / std::sqrt(static_cast<double>(d))));
  EXPECT_TRUE(isNear(actual.second, refLayer(weights, "l1.projection", concatenate(heads, 1))));
  EXPECT_TRUE(isEqual(actual.map1.slice(1, 0, 2), actual.map0.slice(1, 0, 2)));
}

TEST(ReuseAttention, ALayerThatReusesAllHeadsHasTheSameMapObject) {
  const RefWeights weights = mapWeights(12, 3, 3, 15);
  const Weights stored = weightsOf(weights);
  GraphBuilder builder(stored, Precision::F32);
  const Tensor x = builder.input("x", {1, 9, 12});
  const MappedLayer a = mapAttention(builder, x, "l0", {.heads = 3});
  const MappedLayer b = mapAttention(builder, x, "l1", {.heads = 3, .reusedHeads = 3}, a.map);
  EXPECT_EQ(b.map.id, a.map.id);
}

TEST(ReuseAttention, ThreadsDoNotChangeTheResult) {
  const RefWeights weights = randomWeights(14, 14, 16, {}, 16);
  Random random(17);
  const Array src = random.normal({2, 14, 14, 16});
  EXPECT_TRUE(isEqual(attend(weights, src, {}, {.threads = 3}), attend(weights, src, {})));
}

TEST(ReuseAttention, SizesThatDoNotFitAreRefused) {
  const Array src({1, 4, 4, 6});
  EXPECT_NE(messageOf([&] { attend({}, src, {}); }).find("[1, 4, 4, 6]"), std::string::npos);
  EXPECT_NE(messageOf([&] {
              attend({}, Array({1, 4, 4, 8}), {.kernels = {2, 2}});
            }).find("odd kernels"),
            std::string::npos);
}

}  // namespace

}  // namespace va::test
