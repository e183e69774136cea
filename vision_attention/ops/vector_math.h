#pragma once

#include <algorithm>
#include <bit>
#include <cstdint>

#include "vision_attention/bfloat16.h"
#include "vision_attention/multiversion.h"

namespace va {

/// Rounds a value to its storage type. A call where `*dst = BFloat16(value)` would do: inside an
/// OpenMP simd loop the temporary of that expression keeps the compiler from vectorising.
VA_INLINE void store(float* dst, float value) {
  *dst = value;
}
VA_INLINE void store(BFloat16* dst, float value) {
  *dst = BFloat16(value);
}

/// e^x = mantissa * 2^exponent for |x| <= 89.
struct ReducedExponential {
  float mantissa;
  std::int32_t exponent;
};

VA_INLINE ReducedExponential reduceExponential(float x) {
  constexpr float kLog2E = 1.44269504F;
  // ln 2 in two parts: the first has trailing zero bits, so that its product with n is exact.
  constexpr float kLn2High = 0.693359375F;
  constexpr float kLn2Low = -2.12194440e-4F;
  constexpr float kRound = 12582912.0F;  // 1.5 * 2^23: adding it rounds to an integer

  const float shifted = x * kLog2E + kRound;
  const float n = shifted - kRound;
  const float r = (x - n * kLn2High) - n * kLn2Low;
  // Minimax polynomial of (e^r - 1 - r) / r^2 on |r| <= ln 2 / 2 (Moshier, Cephes expf).
  float p = 1.9875691500e-4F;
  p = p * r + 1.3981999507e-3F;
  p = p * r + 8.3334519073e-3F;
  p = p * r + 4.1665795894e-2F;
  p = p * r + 1.6666665459e-1F;
  p = p * r + 5.0000001201e-1F;
  return {p * r * r + r + 1.0F,
          std::bit_cast<std::int32_t>(shifted) - std::bit_cast<std::int32_t>(kRound)};
}

/// e^x within 2 ulp, branch-free so that loops over it vectorise. Below -87.33 (where f32 would
/// become subnormal) the result is exactly 0; above 88.72 it is +inf; NaN stays NaN.
VA_INLINE float exponential(float x) {
  constexpr float kLowest = -87.33F;
  constexpr float kHighest = 88.722F;
  const auto [mantissa, exponent] = reduceExponential(std::min(std::max(x, kLowest), kHighest));
  // 2^n in two factors: n reaches 128, which has no f32 of its own.
  const std::int32_t half = exponent >> 1;
  const float scale0 = std::bit_cast<float>((half + 127) << 23);
  const float scale1 = std::bit_cast<float>((exponent - half + 127) << 23);
  float result = mantissa * scale0 * scale1;
  result = x < kLowest ? 0.0F : result;
  result = x > kHighest ? std::bit_cast<float>(0x7F800000) : result;
  return x != x ? x : result;
}

/// The same for |x| <= 87 or NaN in half the instructions; anything else gives any value.
VA_INLINE float boundedExponential(float x) {
  const auto [mantissa, exponent] = reduceExponential(x);
  return mantissa * std::bit_cast<float>((exponent + 127) << 23);
}

VA_INLINE float logistic(float x) {
  return 1.0F / (1.0F + exponential(-x));
}

/// x tanh(ln(1 + e^x)) (Misra, arXiv 1908.08681).
VA_INLINE float mish(float x) {
  // tanh(ln(1 + e)) = (e^2 + 2e) / (e^2 + 2e + 2), equal to 1 in f32 from x = 20 on.
  const float e = exponential(std::min(x, 20.0F));
  const float t = e * (e + 2.0F);
  return x * (t / (t + 2.0F));
}

}  // namespace va
