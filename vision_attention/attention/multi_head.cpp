#include "vision_attention/attention/multi_head.h"

#include <stdexcept>

#include "vision_attention/ops/conv.h"
#include "vision_attention/ops/elementwise.h"
#include "vision_attention/ops/layer_norm.h"
#include "vision_attention/ops/streamed_attention.h"

namespace va {

Tensor multiHeadAttention(GraphBuilder& graph, const Tensor& src, const std::string& scope,
                          const MultiHeadOptions& options) {
  const Dim c = src.shape[-1];
  const Dim keyHeads = options.keyHeads == 0 ? options.heads : options.keyHeads;
  if (options.heads < 1 || keyHeads < 1 || c % options.heads != 0) {
    throw std::invalid_argument("attention '" + scope + "': " + std::to_string(c) +
                                " channels in " + std::to_string(options.heads) + " heads");
  }
  const Dim keyChannels = c / options.heads * keyHeads;
  const Tensor q = linear(graph, src, scope + ".q", {.outputChannels = c});
  const Tensor k = linear(graph, src, scope + ".k", {.outputChannels = keyChannels});
  const Tensor v = linear(graph, src, scope + ".v", {.outputChannels = keyChannels});
  const Tensor attended =
      streamedAttention(graph, scope + ".core", q, k, v,
                        {.heads = options.heads, .keyHeads = keyHeads, .keyBias = options.keyBias});
  return linear(graph, attended, scope + ".projection", {.outputChannels = c});
}

Tensor transformerBlock(GraphBuilder& graph, const Tensor& src, const std::string& scope,
                        const MultiHeadOptions& options) {
  const Dim c = src.shape[-1];
  const Tensor attended = multiHeadAttention(
      graph, layerNorm(graph, scope + ".attention.norm", src), scope + ".attention", options);
  const Tensor x = add(graph, scope + ".attention.add", attended, src);
  const Tensor hidden = linear(graph, layerNorm(graph, scope + ".norm", x), scope + ".expand",
                               {.outputChannels = 4 * c, .activation = Activation::GeluErf});
  return linear(graph, hidden, scope + ".reduce", {.outputChannels = c, .residual = x});
}

}  // namespace va
