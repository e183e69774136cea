#pragma once

#include <cstddef>

#include "vision_attention/shape.h"

namespace va {

/// Offsets of arrays that follow each other in one block of scratch, each 64-byte aligned.
class ScratchLayout {
 public:
  /// Offset of `count` elements of type T.
  template <typename T>
  std::size_t reserve(Dim count) {
    const std::size_t at = bytes_;
    bytes_ += (static_cast<std::size_t>(count) * sizeof(T) + 63) / 64 * 64;
    return at;
  }
  std::size_t bytes() const { return bytes_; }

 private:
  std::size_t bytes_ = 0;
};

}  // namespace va
