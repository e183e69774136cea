#include "vision_attention/blocks.h"

#include <stdexcept>

#include "vision_attention/attention/agent.h"
#include "vision_attention/attention/histogram.h"
#include "vision_attention/attention/se_cbam.h"
#include "vision_attention/ops/conv.h"
#include "vision_attention/ops/depth_to_space.h"
#include "vision_attention/ops/layer_norm.h"
#include "vision_attention/ops/quantize.h"
#include "vision_attention/ops/window.h"

namespace va {

namespace {

/// conv1(relu(conv0(src))), in int8 where the graph has scales for the inputs of both.
Tensor pairBranch(GraphBuilder& graph, const Tensor& src, const std::string& scope,
                  ConvOptions last) {
  const std::string name0 = scope + ".conv0";
  const std::string name1 = scope + ".conv1";
  const auto level0 = graph.inputScale(name0);
  const auto level1 = graph.inputScale(name1);
  if (level0.has_value() != level1.has_value()) {
    throw std::invalid_argument("pair '" + scope + "': int8 scale of one convolution only");
  }
  ConvOptions first{.outputChannels = src.shape[-1], .activation = Activation::Relu};
  last.outputChannels = src.shape[-1];
  if (!level0) return conv(graph, conv(graph, src, name0, first), name1, last);
  first.srcLevel = *level0;
  first.dstLevel = last.srcLevel = *level1;
  first.outputType = DataType::U8;
  const Tensor levels = quantize(graph, scope + ".quantize", src, *level0);
  return conv(graph, conv(graph, levels, name0, first), name1, last);
}

}  // namespace

Tensor convPair(GraphBuilder& graph, const Tensor& src, const std::string& scope) {
  return pairBranch(graph, src, scope, {.residual = src, .scale = scope + ".scale"});
}

Tensor seCbamPair(GraphBuilder& graph, const Tensor& src, const std::string& scope,
                  const BlockOptions& options) {
  const Tensor branch = pairBranch(graph, src, scope, {});
  return seCbam(graph, branch, scope + ".fusion",
                {.window = options.window, .residual = src, .scale = scope + ".scale"});
}

Tensor agentBlock(GraphBuilder& graph, const Tensor& src, const std::string& scope,
                  const BlockOptions& options) {
  const Dim c = src.shape[-1];
  const Tensor windows = windowPartition(graph, scope + ".attention.windows", src,
                                         {.window = options.window, .normalize = true});
  const Tensor attended = agentAttention(graph, windows, scope + ".attention",
                                         {.heads = options.heads, .agents = options.agents});
  const Tensor x = windowMerge(graph, scope + ".attention.merge", attended, src);
  const Tensor hidden = linear(graph, layerNorm(graph, scope + ".feed_forward.norm", x),
                               scope + ".feed_forward.expand",
                               {.outputChannels = 2 * c, .activation = Activation::GeluErf});
  return linear(graph, hidden, scope + ".feed_forward.reduce",
                {.outputChannels = c, .residual = x});
}

Tensor histogramBlock(GraphBuilder& graph, const Tensor& src, const std::string& scope,
                      const BlockOptions& options) {
  // Sorting wants the normalised values in f32: rounding would make many of them equal.
  const Tensor windows =
      windowPartition(graph, scope + ".attention.windows", src,
                      {.window = options.window, .normalize = true, .outputType = DataType::F32});
  const Tensor attended = histogramAttention(
      graph, windows, scope + ".attention",
      {.heads = options.heads, .bins = options.bins, .dynamicRange = options.dynamicRange});
  const Tensor x = windowMerge(graph, scope + ".attention.merge", attended, src);
  return dualScaleGatedFeedForward(graph, layerNorm(graph, scope + ".feed_forward.norm", x),
                                   scope + ".feed_forward", x);
}

Tensor downsample(GraphBuilder& graph, const Tensor& src, const std::string& scope,
                  Dim outputChannels) {
  return conv(graph, src, scope,
              {.outputChannels = outputChannels, .kernel = 2, .stride = 2, .padding = 0});
}

Tensor upsample(GraphBuilder& graph, const Tensor& src, const Tensor& skip,
                const std::string& scope) {
  const Tensor expanded =
      conv(graph, src, scope, {.outputChannels = 4 * skip.shape[-1], .kernel = 1});
  return depthToSpace(graph, scope + ".shuffle", expanded, 2, skip);
}

Tensor block(GraphBuilder& graph, const std::string& kind, const Tensor& src,
             const std::string& scope, const BlockOptions& options) {
  if (kind == "pair") return convPair(graph, src, scope);
  if (kind == "se_cbam") return seCbamPair(graph, src, scope, options);
  if (kind == "agent") return agentBlock(graph, src, scope, options);
  if (kind == "histogram") return histogramBlock(graph, src, scope, options);
  throw std::invalid_argument("block '" + scope + "' is of unknown kind '" + kind + "'");
}

}  // namespace va
