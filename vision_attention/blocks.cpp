#include "vision_attention/blocks.h"

#include <stdexcept>

#include "vision_attention/attention/agent.h"
#include "vision_attention/attention/histogram.h"
#include "vision_attention/attention/se_cbam.h"
#include "vision_attention/ops/conv.h"
#include "vision_attention/ops/depth_to_space.h"
#include "vision_attention/ops/layer_norm.h"
#include "vision_attention/ops/window.h"

namespace va {

Tensor convPair(GraphBuilder& graph, const Tensor& src, const std::string& scope) {
  const Dim c = src.shape[-1];
  const Tensor hidden =
      conv(graph, src, scope + ".conv0", {.outputChannels = c, .activation = Activation::Relu});
  return conv(graph, hidden, scope + ".conv1",
              {.outputChannels = c, .residual = src, .scale = scope + ".scale"});
}

Tensor seCbamPair(GraphBuilder& graph, const Tensor& src, const std::string& scope,
                  const BlockOptions& options) {
  const Dim c = src.shape[-1];
  const Tensor hidden =
      conv(graph, src, scope + ".conv0", {.outputChannels = c, .activation = Activation::Relu});
  const Tensor branch = conv(graph, hidden, scope + ".conv1", {.outputChannels = c});
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
