#include "vision_attention/blocks.h"

#include <stdexcept>

#include "vision_attention/ops/conv.h"
#include "vision_attention/ops/depth_to_space.h"
#include "vision_attention/ops/layer_norm.h"

namespace va {

Tensor convPair(GraphBuilder& graph, const Tensor& src, const std::string& scope) {
  const Dim c = src.shape[-1];
  const Tensor hidden =
      conv(graph, src, scope + ".conv0", {.outputChannels = c, .activation = Activation::Relu});
  return conv(graph, hidden, scope + ".conv1",
              {.outputChannels = c, .residual = src, .scale = scope + ".scale"});
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
