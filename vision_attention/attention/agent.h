#pragma once

#include <string>

#include "vision_attention/graph_builder.h"

namespace va {

struct AgentOptions {
  Dim heads = 8;   ///< divide the channels
  Dim agents = 8;  ///< side of the grid of agent tokens
};

/// The heart of agent attention (Han et al., "Agent Attention: On the Integration of Softmax and
/// Linear Attention", arXiv 2312.08874, ECCV 2024) on windows [mb, h, w, c] of queries, keys and
/// values: agents are queries pooled to a grid, they attend to the keys, the queries attend to
/// them. Learned biases scope.agent_bias, agent_row, agent_column, query_bias, query_row,
/// query_column as in data/training/model.py.
Tensor agentCore(GraphBuilder& graph, const Tensor& q, const Tensor& k, const Tensor& v,
                 const std::string& scope, const AgentOptions& options);

/// AgentAttention of data/training/model.py (variant 1 of the paper) on windows [mb, h, w, c].
Tensor agentAttention(GraphBuilder& graph, const Tensor& src, const std::string& scope,
                      const AgentOptions& options);

}  // namespace va
