#include "vision_attention/ops/conv.h"

#include <gtest/gtest.h>

#include <cmath>

#include "tests/support/compare.h"
#include "tests/support/graph_runner.h"
#include "tests/support/random.h"
#include "tests/support/reference.h"
#include "vision_attention/ops/elementwise.h"

namespace va::test {
namespace {

struct ConvCase {
  const char* what;
  Shape src;
  ConvOptions options;
};

/// Awkward sizes: one pixel, one channel, odd sides, channels that fill no vector.
std::vector<ConvCase> convCases() {
  return {
      {"one pixel", {1, 1, 1, 1}, {.outputChannels = 1}},
      {"one pixel, many channels", {1, 1, 1, 19}, {.outputChannels = 33}},
      {"colours in", {1, 9, 7, 3}, {.outputChannels = 32, .activation = Activation::Relu}},
      {"colours out", {1, 5, 6, 24}, {.outputChannels = 3}},
      {"one channel out", {2, 6, 5, 8}, {.outputChannels = 1}},
      {"odd channels", {2, 7, 11, 13}, {.outputChannels = 17}},
      {"whole vectors", {1, 8, 16, 32}, {.outputChannels = 64, .activation = Activation::GeluErf}},
      {"pointwise", {1, 5, 9, 20}, {.outputChannels = 12, .kernel = 1}},
      {"pointwise, odd", {1, 3, 3, 5}, {.outputChannels = 7, .kernel = 1, .bias = false}},
      {"down", {1, 6, 10, 12}, {.outputChannels = 20, .kernel = 2, .stride = 2, .padding = 0}},
      {"down, odd sides",
       {1, 5, 7, 9},
       {.outputChannels = 6, .kernel = 2, .stride = 2, .padding = 0}},
      {"stride 2", {1, 8, 9, 16}, {.outputChannels = 8, .stride = 2}},
      {"dilated", {1, 9, 8, 8}, {.outputChannels = 8, .dilation = 2}},
      {"depthwise", {1, 7, 5, 24}, {.outputChannels = 24, .groups = 24}},
      {"depthwise, odd", {2, 6, 6, 13}, {.outputChannels = 13, .groups = 13, .bias = false}},
      {"depthwise, one pixel", {1, 1, 1, 16}, {.outputChannels = 16, .kernel = 5, .groups = 16}},
      {"depthwise 5x5", {1, 9, 6, 11}, {.outputChannels = 11, .kernel = 5, .groups = 11}},
      {"depthwise, dilated",
       {1, 6, 9, 40},
       {.outputChannels = 40, .dilation = 2, .groups = 40, .activation = Activation::Mish}},
      {"grouped", {1, 5, 5, 12}, {.outputChannels = 18, .groups = 3}},
      {"no padding", {1, 5, 4, 6}, {.outputChannels = 5, .padding = 0}},
      {"5x5", {1, 6, 7, 4}, {.outputChannels = 9, .kernel = 5, .activation = Activation::Logistic}},
      {"scaled", {1, 4, 6, 10}, {.outputChannels = 10, .scale = "layer.scale"}},
  };
}

Array activated(const Array& src, Activation activation) {
  switch (activation) {
    case Activation::Relu:
      return map(src, refRelu);
    case Activation::GeluErf:
      return map(src, refGelu);
    case Activation::Logistic:
      return map(src, refLogistic);
    case Activation::Mish:
      return map(src, refMish);
    case Activation::None:
      break;
  }
  return src;
}

struct ConvWeights {
  Array weight;
  Array bias;
  Array scale;

  ConvWeights(Random& random, Dim ic, const ConvOptions& o)
      : weight(random.normal({o.outputChannels, ic / o.groups, o.kernel, o.kernel}, 0.0,
                             1.0 / static_cast<double>(o.kernel))),
        bias(o.bias ? random.normal({o.outputChannels}) : Array()),
        scale(random.normal({o.outputChannels})) {}

  Weights weights(const ConvOptions& o) const {
    std::map<std::string, Array> arrays{{"layer.weight", weight}};
    if (o.bias) arrays["layer.bias"] = bias;
    if (!o.scale.empty()) arrays[o.scale] = scale;
    return weightsOf(arrays);
  }

  Array expected(const Array& src, const ConvOptions& o) const {
    const Dim padding = o.padding >= 0 ? o.padding : o.dilation * (o.kernel - 1) / 2;
    const Array raw = refConv2d(src, weight, bias, {o.stride, o.dilation, o.groups, padding});
    if (o.scale.empty()) return activated(raw, o.activation);
    Array scaled = raw;
    const auto oc = static_cast<std::size_t>(o.outputChannels);
    for (std::size_t i = 0; i < scaled.elements(); ++i) {
      scaled.values()[i] *= scale.values()[i % oc];
    }
    return scaled;
  }
};

void expectConvolutionsMatch(Precision precision) {
  Random random(1);
  for (const ConvCase& test : convCases()) {
    SCOPED_TRACE(test.what);
    // Unit variance of the result: the tolerances are absolute.
    const Dim groupChannels = test.src[3] / test.options.groups;
    const Array src =
        random.normal(test.src, 0.0, 1.0 / std::sqrt(static_cast<double>(groupChannels)));
    const ConvWeights weights(random, test.src[3], test.options);
    const auto describe = [&](GraphBuilder& graph, const std::vector<Tensor>& in) {
      return conv(graph, in[0], "layer", test.options);
    };
    const Array actual =
        runGraph(describe, {src}, weights.weights(test.options), {.precision = precision});
    EXPECT_TRUE(isNear(actual, weights.expected(src, test.options), toleranceOf(precision)));
  }
}

TEST(Conv, MatchesNaiveLoopInF32) {
  expectConvolutionsMatch(Precision::F32);
}

TEST(Conv, MatchesNaiveLoopInBf16) {
  SKIP_WITHOUT_BF16();
  expectConvolutionsMatch(Precision::BF16);
}

/// Residual that the graph keeps (an input) and one that the result may overwrite.
void expectResidualsMatch(Precision precision) {
  Random random(2);
  for (const ConvCase& test : convCases()) {
    if (!test.options.scale.empty()) continue;
    SCOPED_TRACE(test.what);
    const Dim groupChannels = test.src[3] / test.options.groups;
    const Array src =
        random.normal(test.src, 0.0, 1.0 / std::sqrt(static_cast<double>(groupChannels)));
    const ConvWeights weights(random, test.src[3], test.options);
    const Array branch = weights.expected(src, test.options);
    const Array other = random.normal(branch.shape());
    const Weights values = weights.weights(test.options);
    for (const bool keep : {true, false}) {
      const Array actual = runGraph(
          [&](GraphBuilder& graph, const std::vector<Tensor>& in) {
            ConvOptions options = test.options;
            options.residual = keep ? in[1] : add(graph, "twice", in[1], in[1]);
            return conv(graph, in[0], "layer", options);
          },
          {src, other}, values, {.precision = precision});
      EXPECT_TRUE(isNear(actual, branch + (keep ? 1.0 : 2.0) * other, toleranceOf(precision)))
          << (keep ? "kept" : "overwritten");
    }
  }
}

TEST(Conv, AddsItsOwnSource) {
  Random random(6);
  const ConvOptions plain{.outputChannels = 13};
  const Array src = random.uniform({1, 5, 6, 13}, 0.1, 1.0);
  const ConvWeights weights(random, 13, plain);
  const Array actual = runGraph(
      [&](GraphBuilder& graph, const std::vector<Tensor>& in) {
        const Tensor copy = activate(graph, "copy", in[0], Activation::Relu);
        return conv(graph, copy, "layer", {.outputChannels = 13, .residual = copy});
      },
      {src}, weights.weights(plain));
  EXPECT_TRUE(isNear(actual, weights.expected(src, plain) + src));
}

TEST(Conv, AddsResidualInF32) {
  expectResidualsMatch(Precision::F32);
}

TEST(Conv, AddsResidualInBf16) {
  SKIP_WITHOUT_BF16();
  expectResidualsMatch(Precision::BF16);
}

TEST(Conv, ResultInF32AfterBf16Input) {
  SKIP_WITHOUT_BF16();
  Random random(3);
  const ConvOptions options{.outputChannels = 3, .outputType = DataType::F32};
  const Array src = random.normal({1, 6, 5, 16}).roundedToBf16();
  ConvWeights weights(random, 16, options);
  weights.weight = weights.weight.roundedToBf16();
  const Array actual =
      runGraph([&](GraphBuilder& graph,
                   const std::vector<Tensor>& in) { return conv(graph, in[0], "layer", options); },
               {src}, weights.weights(options), {.precision = Precision::BF16});
  EXPECT_TRUE(isNear(actual, weights.expected(src, options), {1e-3, 1e-5}));
}

TEST(Conv, ThreadsDoNotChangeTheResult) {
  Random random(4);
  for (const ConvCase& test : convCases()) {
    SCOPED_TRACE(test.what);
    const Dim groups = test.options.groups;
    // oneDNN computes dense groups with its GEMM, whose partition depends on the threads.
    const bool usesGemm = groups > 1 && groups != test.src[3];
    const Array src = random.normal(test.src);
    const ConvWeights weights(random, test.src[3], test.options);
    const auto describe = [&](GraphBuilder& graph, const std::vector<Tensor>& in) {
      return conv(graph, in[0], "layer", test.options);
    };
    const Weights values = weights.weights(test.options);
    const Tolerance tolerance = usesGemm ? Tolerance{1e-5, 1e-6} : Tolerance{};
    EXPECT_TRUE(isNear(runGraph(describe, {src}, values, {.threads = 2}),
                       runGraph(describe, {src}, values, {.threads = 1}), tolerance));
  }
}

std::string convError(const Shape& src, const ConvOptions& options, const Weights& weights = {}) {
  return messageOf([&] {
    describeOnly(
        [&](GraphBuilder& graph, const std::vector<Tensor>& in) {
          return conv(graph, in[0], "layer", options);
        },
        {Array(src)}, weights);
  });
}

TEST(Conv, ErrorsNameBothShapes) {
  const Weights weights =
      weightsOf({{"layer.weight", Array({4, 3, 3, 3})}, {"layer.bias", Array({4})}});
  EXPECT_EQ(convError({1, 4, 4, 5}, {.outputChannels = 4}, weights),
            "weight 'layer.weight' is [4, 3, 3, 3], expected [4, 5, 3, 3]");
  EXPECT_EQ(convError({1, 4, 4, 3}, {.outputChannels = 6}, weights),
            "weight 'layer.bias' is [4], expected [6]");
  EXPECT_EQ(convError({4, 4, 3}, {.outputChannels = 4}, weights),
            "conv 'layer': src is [4, 4, 3], expected [mb, h, w, c]");
  EXPECT_EQ(convError({1, 4, 4, 3}, {.outputChannels = 4, .groups = 2}, weights),
            "conv 'layer': src is [1, 4, 4, 3], 2 groups");
  EXPECT_EQ(convError({1, 4, 2, 3}, {.outputChannels = 4, .padding = 0}, weights),
            "conv 'layer': src [1, 4, 2, 3] is smaller than the kernel");
}

TEST(Conv, SourceSmallerThanAStridedKernelIsAnError) {
  const Weights weights =
      weightsOf({{"layer.weight", Array({4, 3, 2, 2})}, {"layer.bias", Array({4})}});
  EXPECT_EQ(convError({1, 1, 4, 3}, {.outputChannels = 4, .kernel = 2, .stride = 2, .padding = 0},
                      weights),
            "conv 'layer': src [1, 1, 4, 3] is smaller than the kernel");
}

TEST(Conv, EmptySourceIsAnError) {
  const Weights weights =
      weightsOf({{"layer.weight", Array({4, 3, 3, 3})}, {"layer.bias", Array({4})}});
  EXPECT_EQ(convError({0, 4, 4, 3}, {.outputChannels = 4}, weights),
            "conv 'layer': src is [0, 4, 4, 3], which holds nothing");
}

TEST(Conv, ResidualOfAnotherShapeOrTypeIsAnError) {
  const Weights weights =
      weightsOf({{"layer.weight", Array({4, 3, 3, 3})}, {"layer.bias", Array({4})}});
  const auto error = [&](const Feed& residual) {
    return messageOf([&] {
      describeOnly(
          [&](GraphBuilder& graph, const std::vector<Tensor>& in) {
            return conv(graph, in[0], "layer", {.outputChannels = 4, .residual = in[1]});
          },
          {Array({1, 4, 4, 3}), residual}, weights);
    });
  };
  EXPECT_EQ(error(Array({1, 4, 5, 4})),
            "conv 'layer': residual is [1, 4, 5, 4], expected [1, 4, 4, 4]");
  EXPECT_EQ(error({Array({1, 4, 4, 4}), DataType::BF16}),
            "conv 'layer': residual is bf16, expected f32");
}

void expectLinearMatches(Precision precision) {
  struct Case {
    const char* what;
    Shape src;
    Dim oc;
    Activation activation;
  };
  Random random(5);
  for (const auto& [what, shape, oc, activation] : std::vector<Case>{
           {"one value", {1, 1}, 1, Activation::None},
           {"vector", {1, 19}, 7, Activation::Relu},
           {"tokens", {5, 24}, 33, Activation::None},
           {"windows", {3, 4, 6, 10}, 20, Activation::GeluErf},
           {"batch", {2, 7, 16}, 32, Activation::None},
       }) {
    SCOPED_TRACE(what);
    const Dim ic = shape[-1];
    const Array src = random.normal(shape, 0.0, 1.0 / std::sqrt(static_cast<double>(ic)));
    const Array weight = random.normal({oc, ic});
    const Array bias = random.normal({oc});
    std::vector<Dim> dims = shape.dims();
    dims.back() = oc;
    const Array residual = random.normal(Shape(dims));
    const Array expected = activated(refLinear(src, weight, bias), activation);
    const Weights weights = weightsOf({{"layer.weight", weight}, {"layer.bias", bias}});
    const RunOptions run{.precision = precision};
    const Activation after = activation;
    const Dim outputs = oc;
    const Array plain = runGraph(
        [&](GraphBuilder& graph, const std::vector<Tensor>& in) {
          return linear(graph, in[0], "layer", {.outputChannels = outputs, .activation = after});
        },
        {src}, weights, run);
    EXPECT_TRUE(isNear(plain, expected, toleranceOf(precision)));
    const Array summed = runGraph(
        [&](GraphBuilder& graph, const std::vector<Tensor>& in) {
          return linear(graph, in[0], "layer",
                        {.outputChannels = outputs, .activation = after, .residual = in[1]});
        },
        {src, residual}, weights, run);
    EXPECT_TRUE(isNear(summed, expected + residual, toleranceOf(precision)));
  }
}

TEST(Linear, MatchesNaiveLoopInF32) {
  expectLinearMatches(Precision::F32);
}

TEST(Linear, MatchesNaiveLoopInBf16) {
  SKIP_WITHOUT_BF16();
  expectLinearMatches(Precision::BF16);
}

TEST(Linear, ErrorsNameBothShapes) {
  const Weights weights = weightsOf({{"layer.weight", Array({4, 3})}, {"layer.bias", Array({4})}});
  const auto error = [&](const Shape& src, const Shape& residual, Dim oc) {
    return messageOf([&] {
      describeOnly(
          [&](GraphBuilder& graph, const std::vector<Tensor>& in) {
            return linear(graph, in[0], "layer", {.outputChannels = oc, .residual = in[1]});
          },
          {Array(src), Array(residual)}, weights);
    });
  };
  EXPECT_EQ(error({2, 5}, {2, 4}, 4), "weight 'layer.weight' is [4, 3], expected [4, 5]");
  EXPECT_EQ(error({2, 3}, {2, 5}, 4),
            "linear 'layer': residual is [2, 5] f32, expected [2, 4] f32");
  EXPECT_EQ(error({3}, {4}, 4), "linear 'layer': src is [3], expected [..., ic]");
  EXPECT_EQ(error({0, 3}, {0, 4}, 4), "linear 'layer': src is [0, 3], which holds nothing");
  EXPECT_EQ(error({2, 3}, {2, 0}, 0), "linear 'layer': 3 -> 0 channels");
}

}  // namespace
}  // namespace va::test
