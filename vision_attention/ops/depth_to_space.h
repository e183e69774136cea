#pragma once

#include <optional>
#include <string>

#include "vision_attention/graph_builder.h"

namespace va {

/// Depth to space: [mb, h, w, r * r * c] -> [mb, r h, r w, c], channel block (dy * r + dx) going to
/// pixel (r y + dy, r x + dx). `residual` is added: of the result's shape, or [mb, h, w, c], whose
/// pixels are repeated r times in both directions; its type is src's.
Tensor depthToSpace(GraphBuilder& graph, const std::string& name, const Tensor& src, Dim factor,
                    const std::optional<Tensor>& residual = std::nullopt);

}  // namespace va
