#pragma once

#include <optional>
#include <string>
#include <vector>

#include "vision_attention/bfloat16.h"
#include "vision_attention/graph_builder.h"

namespace va {

struct RowSoftmaxOptions {
  float scale = 1.0F;            ///< multiplies src
  std::vector<float> bias = {};  ///< added after scaling; the innermost sizes of src, or empty
  bool plusOne = false;          ///< softmax_1: one more zero logit in the denominator
  std::optional<DataType> outputType = std::nullopt;
};

/// Softmax over the innermost dimension of f32 scores with scale and additive bias. A logit of
/// -infinity has weight 0; a row of nothing else gives zeros. softmax_1 (Miller, "Attention is off
/// by one", 2023) lets a row weigh less than 1.
Tensor rowSoftmax(GraphBuilder& graph, const std::string& name, const Tensor& src,
                  const RowSoftmaxOptions& options = {});

/// The row kernel, for operators that keep their scores to themselves: dst[j] = e^(scale src[j] +
/// bias[j] - m) with m such that nothing overflows; returns the factor that makes dst the softmax.
/// bias may be null; dst may be src.
float exponentialRow(const float* src, const float* bias, float scale, bool plusOne, Dim columns,
                     float* dst);
float exponentialRow(const float* src, const float* bias, float scale, bool plusOne, Dim columns,
                     BFloat16* dst);

}  // namespace va
