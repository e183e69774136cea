#pragma once

#include <string>

#include "vision_attention/graph_builder.h"
#include "vision_attention/ops/conv.h"

namespace va {

/// a + b of equal shapes and types.
Tensor add(GraphBuilder& graph, const std::string& name, const Tensor& a, const Tensor& b);

/// a * b of equal shapes and types.
Tensor multiply(GraphBuilder& graph, const std::string& name, const Tensor& a, const Tensor& b);

Tensor activate(GraphBuilder& graph, const std::string& name, const Tensor& src,
                Activation activation);

/// The same values in another storage type; bf16 rounds to nearest even.
Tensor convert(GraphBuilder& graph, const std::string& name, const Tensor& src, DataType type);

}  // namespace va
