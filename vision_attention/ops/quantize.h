#pragma once

#include <string>

#include "vision_attention/graph_builder.h"

namespace va {

/// src, f32 or bf16, as s8: src / level rounded to nearest even and limited to -127 ... 127. NaN
/// becomes some level.
Tensor quantize(GraphBuilder& graph, const std::string& name, const Tensor& src, float level);

}  // namespace va
