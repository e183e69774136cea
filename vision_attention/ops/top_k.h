#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "vision_attention/graph_builder.h"

namespace va {

/// What the k places of a result are ordered by.
enum class TopKOrder {
  Score,  ///< descending
  Index,  ///< ascending: keeps neighbours together
};

/// Indices [mb, k] s32 of the k largest f32 scores of every row [mb, n]. Of equal scores the lower
/// index comes first; NaN counts as the smallest.
Tensor topK(GraphBuilder& graph, const std::string& name, const Tensor& scores, Dim k,
            TopKOrder order = TopKOrder::Score);

/// The row kernel: writes indices.size() indices, uses order (as long as scores) as scratch.
void topKRow(std::span<const float> scores, TopKOrder order, std::span<std::int32_t> scratch,
             std::span<std::int32_t> indices);

}  // namespace va
