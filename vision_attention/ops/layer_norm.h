#pragma once

#include <string>

#include "vision_attention/graph_builder.h"

namespace va {

/// Layer normalisation over the innermost dimension without gain or offset:
/// (x - mean) / sqrt(variance + 1e-5), biased variance (Ba et al., arXiv 1607.06450). Any shape.
Tensor layerNorm(GraphBuilder& graph, const std::string& name, const Tensor& src);

}  // namespace va
