#pragma once

#include <string>

#include "vision_attention/graph_builder.h"

namespace va {

/// Adaptive average pooling (torch.nn.functional.adaptive_avg_pool2d) of maps [mb, h, w, c] to a
/// grid of side * side tokens [mb, side * side, c]: bin i takes rows floor(i h / side) to
/// ceil((i + 1) h / side) - 1. Sums in f32.
Tensor adaptivePool(GraphBuilder& graph, const std::string& name, const Tensor& src, Dim side);

}  // namespace va
