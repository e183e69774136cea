#pragma once

#include <string>

#include "vision_attention/graph_builder.h"

namespace va {

struct HistogramOptions {
  Dim heads = 8;  ///< divide the channels
  Dim bins = 8;
  bool dynamicRange = true;  ///< sort the first half of the channels first
};

/// The heart of dynamic-range histogram self-attention (DHSA; Sun et al., "Restoring Images in
/// Adverse Weather Conditions via Histogram Transformer", arXiv 2407.10172, ECCV 2024) on windows:
/// per channel, q1, k1, q2, k2 and v are put in the order of v; tokens are runs of ranks (bins) in
/// the first and every bins-th rank in the second branch, normalised q and k; softmax_1; the
/// branches are multiplied and put back. qk [mb, h, w, 4c] holds q1, k1, q2, k2, v [mb, h, w, c] is
/// f32, temperature `scope.temperature` [heads]. Returns [mb, h, w, c].
Tensor histogramCore(GraphBuilder& graph, const Tensor& qk, const Tensor& v,
                     const std::string& scope, const HistogramOptions& options);

/// HistogramAttention of data/training/model.py on windows [mb, h, w, c], f32 or of the activation
/// type; f32 keeps apart what bf16 would make equal before sorting.
Tensor histogramAttention(GraphBuilder& graph, const Tensor& src, const std::string& scope,
                          const HistogramOptions& options);

/// Dual-scale gated feed-forward (DGFF, same paper) on a map [mb, h, w, c], plus `residual`.
Tensor dualScaleGatedFeedForward(GraphBuilder& graph, const Tensor& src, const std::string& scope,
                                 const Tensor& residual);

}  // namespace va
