#pragma once

#include <optional>
#include <string>

#include "vision_attention/graph_builder.h"

namespace va {

/// Softmax over the innermost dimension, any shape; computed in f32.
Tensor softmax(GraphBuilder& graph, const std::string& name, const Tensor& src);

}  // namespace va
