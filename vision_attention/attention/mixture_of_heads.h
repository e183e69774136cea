#pragma once

#include <string>

#include "vision_attention/graph_builder.h"

namespace va {

/// How router probabilities become the gates of heads.
enum class GateForm {
  Paper,  ///< the probabilities themselves: gates of a token sum to 1 over the shared and about as
          ///< much over all routed heads, each times its group's share
  Code,   ///< rescaled as in the authors' code, so that a router without preference gives 1
};

/// What chooses its heads together.
enum class HeadRouting {
  Token,  ///< every token alone
  Tile,   ///< a tile of the grid by its mean routed probabilities: long lists, efficient products
};

struct MixtureOfHeadsOptions {
  Dim heads = 8;   ///< divide the channels
  Dim shared = 2;  ///< the first heads, always on
  Dim active = 4;  ///< routed heads that a token uses, of heads - shared
  GateForm form = GateForm::Code;
  HeadRouting routing = HeadRouting::Token;
  Dim width = 0;  ///< of the grid, for Tile; tokens row-major
  Dim tile = 8;   ///< side of a tile
};

/// Router of mixture-of-head attention: gates [mb, n, heads] f32, 0 for heads that a token does not
/// use, from tokens [mb, n, c] in f32. Of equal probabilities the lower head wins. Weights
/// scope.router_group.weight [2, c], scope.router_shared.weight [shared, c],
/// scope.router_routed.weight [heads - shared, c]; without shared or without routed heads the
/// group's weight is not read and its share is 1.
Tensor headGates(GraphBuilder& graph, const Tensor& src, const std::string& scope,
                 const MixtureOfHeadsOptions& options);

/// Softmax attention of the (token, head) pairs whose gate is not 0, times the gate; 0 elsewhere.
/// Per head the chosen queries are gathered, streamed over all keys and scattered back. q, k, v
/// [mb, n, heads * d], gates [mb, n, heads] f32 -> [mb, n, heads * d].
Tensor mixtureOfHeadsCore(GraphBuilder& graph, const std::string& name, const Tensor& q,
                          const Tensor& k, const Tensor& v, const Tensor& gates, Dim activeHeads);

/// MixtureOfHeads of data/training/attention.py (Jin et al., "MoH: Multi-Head Attention as
/// Mixture-of-Head Attention", arXiv 2410.11842) on tokens [mb, n, c]. With a share a of the heads
/// active: 2 a n^2 c multiply-adds of attention, router n c (heads + 2). Weights scope.q, k, v,
/// projection (linear, with bias) and the router's.
Tensor mixtureOfHeads(GraphBuilder& graph, const Tensor& src, const std::string& scope,
                      const MixtureOfHeadsOptions& options);

}  // namespace va
