#pragma once

#include <bit>
#include <cstdint>

namespace va {

/// Storage type with the upper half of an f32: 8 exponent and 7 fraction bits. Arithmetic is done
/// in f32; conversion rounds to nearest even and keeps NaN a NaN.
class BFloat16 {
 public:
  BFloat16() = default;
  explicit BFloat16(float value) : bits_(round(std::bit_cast<std::uint32_t>(value))) {}
  explicit operator float() const {
    return std::bit_cast<float>(static_cast<std::uint32_t>(bits_) << 16U);
  }

  static BFloat16 fromBits(std::uint16_t bits) {
    BFloat16 value;
    value.bits_ = bits;
    return value;
  }
  std::uint16_t bits() const { return bits_; }

 private:
  static std::uint16_t round(std::uint32_t bits) {
    const std::uint32_t rounded = (bits + 0x7FFFU + ((bits >> 16U) & 1U)) >> 16U;
    const std::uint32_t quietNan = (bits >> 16U) | 0x40U;
    const bool nan = (bits & 0x7FFFFFFFU) > 0x7F800000U;
    return static_cast<std::uint16_t>(nan ? quietNan : rounded);
  }

  std::uint16_t bits_ = 0;
};

}  // namespace va
