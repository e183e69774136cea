#pragma once

#include <string>

#include "vision_attention/graph_builder.h"

namespace va {

/// Row i of the result is row indices[i] of src: [mb, n, c] by [mb, k] s32 gives [mb, k, c].
/// Indices outside of [0, n) are a defect of their operator and give zeros.
Tensor gatherRows(GraphBuilder& graph, const std::string& name, const Tensor& src,
                  const Tensor& indices);

/// base [mb, n, c] with row indices[i] replaced by row i of rows [mb, k, c]; of several equal
/// indices the last counts. The inverse of gatherRows() on the rows it names.
Tensor scatterRows(GraphBuilder& graph, const std::string& name, const Tensor& base,
                   const Tensor& rows, const Tensor& indices);

}  // namespace va
