#include "vision_attention/ops/token_rows.h"

#include "vision_attention/multiversion.h"
#include "vision_attention/ops/vector_math.h"

namespace va {

namespace {

template <typename S, typename D>
VA_INLINE void copy(const S* src, Dim srcStride, Dim rows, Dim columns, D* dst, Dim dstStride) {
  for (Dim i = 0; i < rows; ++i) {
    const S* const from = src + i * srcStride;
    D* const to = dst + i * dstStride;
    for (Dim j = 0; j < columns; ++j) store(to + j, static_cast<float>(from[j]));
  }
}

template <typename S>
VA_INLINE void accumulate(const S* src, float factor, Dim count, float* dst) {
  for (Dim i = 0; i < count; ++i) dst[i] += factor * static_cast<float>(src[i]);
}

}  // namespace

VA_MULTIVERSION void copyRows(const float* src, Dim srcStride, Dim rows, Dim columns, float* dst,
                              Dim dstStride) {
  copy(src, srcStride, rows, columns, dst, dstStride);
}
VA_MULTIVERSION void copyRows(const float* src, Dim srcStride, Dim rows, Dim columns, BFloat16* dst,
                              Dim dstStride) {
  copy(src, srcStride, rows, columns, dst, dstStride);
}
VA_MULTIVERSION void copyRows(const BFloat16* src, Dim srcStride, Dim rows, Dim columns,
                              BFloat16* dst, Dim dstStride) {
  copy(src, srcStride, rows, columns, dst, dstStride);
}
VA_MULTIVERSION void copyRows(const BFloat16* src, Dim srcStride, Dim rows, Dim columns, float* dst,
                              Dim dstStride) {
  copy(src, srcStride, rows, columns, dst, dstStride);
}

VA_MULTIVERSION void addScaled(const float* src, float factor, Dim count, float* dst) {
  accumulate(src, factor, count, dst);
}
VA_MULTIVERSION void addScaled(const BFloat16* src, float factor, Dim count, float* dst) {
  accumulate(src, factor, count, dst);
}

}  // namespace va
