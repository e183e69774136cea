#pragma once

#include <cstddef>
#include <cstdint>

#include "vision_attention/shape.h"

namespace va {

/// Where argsort() puts the index of the value of rank r of lane l: [r * rankStride +
/// l * laneStride].
struct SortedOrder {
  std::int32_t* indices = nullptr;
  Dim rankStride = 0;
  Dim laneStride = 0;
};

/// Bytes of scratch, 64-byte aligned, that argsort() wants for sequences of `count` values.
std::size_t argsortScratchBytes(Dim count);

/// Stable ascending argsort of `lanes` sequences that lie side by side: value i of lane l is
/// src[i * stride + l]. -0 equals +0, NaN comes last. The order is a function of the values alone.
/// Short sequences go through a bitonic network (Batcher, 1968) on eight lanes at once, long ones
/// through a radix sort.
void argsort(const float* src, Dim stride, Dim count, Dim lanes, const SortedOrder& order,
             std::byte* scratch);

}  // namespace va
