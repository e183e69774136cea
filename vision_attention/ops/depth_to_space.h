#pragma once

#include <optional>
#include <string>

#include "vision_attention/graph_builder.h"

namespace va {

/// Depth to space: [mb, h, w, r * r * c] -> [mb, r h, r w, c], channel block (dy * r + dx) going to
/// pixel (r y + dy, r x + dx); `residual` of the result's shape and type is added.
Tensor depthToSpace(GraphBuilder& graph, const std::string& name, const Tensor& src, Dim factor,
                    const std::optional<Tensor>& residual = std::nullopt);

}  // namespace va
