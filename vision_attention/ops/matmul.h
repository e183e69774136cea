#pragma once

#include <optional>
#include <string>

#include "vision_attention/graph_builder.h"

namespace va {

struct MatmulOptions {
  bool transposeB = false;  ///< b is [..., n, k] instead of [..., k, n]
  float scale = 1.0F;       ///< multiplies the product
  std::optional<DataType> outputType = std::nullopt;
};

/// Batched matrix product of two activations: a [..., m, k] times b [..., k, n] gives [..., m, n].
/// All leading sizes must agree. Sums in f32; their order, so the last bits, may depend on the
/// engine's thread count.
Tensor matmul(GraphBuilder& graph, const std::string& name, const Tensor& a, const Tensor& b,
              const MatmulOptions& options = {});

}  // namespace va
