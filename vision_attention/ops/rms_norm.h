#pragma once

#include <string>

#include "vision_attention/graph_builder.h"

namespace va {

/// Root-mean-square normalisation over the innermost dimension with a learned gain (Zhang and
/// Sennrich, arXiv 1910.07467): x / sqrt(mean x^2 + 1e-6) times name.weight. Any shape; in f32.
Tensor rmsNorm(GraphBuilder& graph, const Tensor& src, const std::string& name);

}  // namespace va
