#pragma once

#include "vision_attention/bfloat16.h"
#include "vision_attention/shape.h"

namespace va {

/// Copies `rows` rows of `columns` values between arrays whose rows are `srcStride` and `dstStride`
/// values apart. f32 to bf16 rounds to nearest even.
void copyRows(const float* src, Dim srcStride, Dim rows, Dim columns, float* dst, Dim dstStride);
void copyRows(const float* src, Dim srcStride, Dim rows, Dim columns, BFloat16* dst, Dim dstStride);
void copyRows(const BFloat16* src, Dim srcStride, Dim rows, Dim columns, BFloat16* dst,
              Dim dstStride);
void copyRows(const BFloat16* src, Dim srcStride, Dim rows, Dim columns, float* dst, Dim dstStride);

/// dst[i] += factor * src[i].
void addScaled(const float* src, float factor, Dim count, float* dst);
void addScaled(const BFloat16* src, float factor, Dim count, float* dst);

}  // namespace va
