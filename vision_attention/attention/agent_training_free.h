#pragma once

#include <string>

#include "vision_attention/attention/token_merging.h"
#include "vision_attention/graph_builder.h"

namespace va {

/// Where the agent tokens come from.
enum class AgentSource {
  Pool,   ///< queries pooled to a grid of side * side
  Merge,  ///< queries merged as matchTokens() merges the layer's input
};

struct AgentTrainingFreeOptions {
  Dim heads = 8;  ///< divide the channels
  AgentSource source = AgentSource::Pool;
  Dim side = 7;                  ///< of the pooled grid
  TokenMatchOptions match = {};  ///< of merged agents
  float queryScalePower = 0.3F;  ///< broadcast logits are scaled by d^(-power / 2)
  float shortcut = 0.075F;       ///< share of the values added to the result
};

/// softmax(d^(-power / 2) q a^T) softmax(d^-1/2 a k^T) v + shortcut v per head, both products
/// streamed. q, k, v [mb, n, heads * d], agents [mb, a, heads * d] -> [mb, n, heads * d];
/// 4 n a c multiply-adds. Softmax attention unless 2 a < n, as in the authors' code.
Tensor agentTrainingFreeCore(GraphBuilder& graph, const std::string& name, const Tensor& agents,
                             const Tensor& q, const Tensor& k, const Tensor& v,
                             const AgentTrainingFreeOptions& options);

/// Agent attention as a drop-in for a trained multiHeadAttention(), no weights of its own (AgentSD
/// of Han et al., arXiv 2312.08874) on maps [mb, h, w, c].
Tensor agentTrainingFree(GraphBuilder& graph, const Tensor& src, const std::string& scope,
                         const AgentTrainingFreeOptions& options);

}  // namespace va
