#pragma once

#include <string>

#include "vision_attention/attention/partial_rope.h"
#include "vision_attention/graph_builder.h"

namespace va {

struct LatentOptions {
  Dim heads = 8;
  Dim size = 0;            ///< d_h: position-free channels of a query and key
  Dim valueSize = 0;       ///< d_v
  Dim latent = 0;          ///< d_c: channels that keys and values of all heads are made of
  Dim queryLatent = 0;     ///< d_q; 0: queries come from the tokens directly
  Dim rope = 0;            ///< d_R: channels that carry the position, of one key for all heads
  bool normalized = true;  ///< RMS norms on the latents; without, a factorised layer is exact
  RopePositions positions = RopePositions::Axial;  ///< Sequence or Axial
  double base = 0.0;                               ///< as PartialRopeOptions
};

/// Where the tokens lie; the bank and the queries share one origin.
struct LatentPlace {
  Dim width = 0;
  Dim originX = 0;
  Dim originY = 0;
};

enum class LatentEvaluation {
  Naive,  ///< makes keys and values of the bank: m d_c h (d_h + d_v) more multiply-adds, for many
          ///< queries
  Absorbed,  ///< takes queries into the latent space: n m h (2 d_c + d_R), for few queries
};

/// Token bank of multi-head latent attention (MLA; DeepSeek-V2, arXiv 2405.04434): per token
/// [mb, n, c] the normalised latent and the rotated key, [mb, n, d_c + d_R]. Banks of tiles may be
/// joined along n. Weights scope.kv_down [d_c, c], scope.k_rope [d_R, c], scope.kv_norm [d_c].
Tensor latentBank(GraphBuilder& graph, const Tensor& src, const std::string& scope,
                  const LatentOptions& options, const LatentPlace& place);

/// Attention of tokens [mb, n, c] to a bank [mb, m, d_c + d_R], not causal: [mb, n, c]. Both
/// evaluations give the same result. Weights, without bias: scope.q_down [d_q, c] and scope.q_norm
/// [d_q] (only with d_q), scope.q_up [h d_h, d_q or c], scope.q_rope [h d_R, d_q or c],
/// scope.key_up [h d_h, d_c], scope.value_up [h d_v, d_c], scope.projection [c, h d_v].
Tensor latentAttention(GraphBuilder& graph, const Tensor& src, const Tensor& bank,
                       const std::string& scope, const LatentOptions& options,
                       const LatentPlace& place, LatentEvaluation evaluation);

}  // namespace va
