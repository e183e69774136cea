#pragma once

#include <optional>
#include <string>

#include "vision_attention/graph_builder.h"

namespace va {

struct MultiHeadOptions {
  Dim heads = 8;                                 ///< divide the channels
  Dim keyHeads = 0;                              ///< divide heads; 0: as many
  std::optional<Tensor> keyBias = std::nullopt;  ///< as in StreamedAttentionOptions
};

/// Multi-head softmax attention (Vaswani et al., arXiv 1706.03762) on tokens [mb, n, c], streamed:
/// the layer that every other system replaces. Projections 4 n c^2, attention 2 n^2 c
/// multiply-adds. Weights scope.q, scope.k, scope.v, scope.projection (linear, with bias).
Tensor multiHeadAttention(GraphBuilder& graph, const Tensor& src, const std::string& scope,
                          const MultiHeadOptions& options);

/// Pre-norm transformer block on tokens [mb, n, c]: x + attention(norm x), then x + MLP(norm x)
/// with four times the channels inside and GELU; norms without gain. Weights scope.attention.* as
/// above, scope.expand, scope.reduce.
Tensor transformerBlock(GraphBuilder& graph, const Tensor& src, const std::string& scope,
                        const MultiHeadOptions& options);

}  // namespace va
