#pragma once

#include <bit>
#include <cstdint>

#include "vision_attention/multiversion.h"

namespace va {

/// Storage type of bf16 activations: the upper half of an f32. Arithmetic is done in f32.
struct BFloat16 {
  std::uint16_t bits = 0;
};
static_assert(sizeof(BFloat16) == 2);

VA_INLINE float toFloat(float value) {
  return value;
}

VA_INLINE float toFloat(BFloat16 value) {
  return std::bit_cast<float>(static_cast<std::uint32_t>(value.bits) << 16);
}

/// Rounds to nearest, ties to even; every NaN becomes the quiet NaN with the same sign.
VA_INLINE BFloat16 toBFloat16(float value) {
  const std::uint32_t bits = std::bit_cast<std::uint32_t>(value);
  const std::uint32_t rounded = (bits + 0x7fffU + ((bits >> 16) & 1U)) >> 16;
  const std::uint32_t quiet = ((bits >> 16) & 0x8000U) | 0x7fc0U;
  const bool isNan = (bits & 0x7fffffffU) > 0x7f800000U;
  return BFloat16{static_cast<std::uint16_t>(isNan ? quiet : rounded)};
}

/// Storage type chosen by a template parameter: float stays, BFloat16 is rounded.
template <typename T>
VA_INLINE T fromFloat(float value);

template <>
VA_INLINE float fromFloat<float>(float value) {
  return value;
}

template <>
VA_INLINE BFloat16 fromFloat<BFloat16>(float value) {
  return toBFloat16(value);
}

}  // namespace va
