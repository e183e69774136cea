#pragma once

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <string>
#include <vector>

namespace va {

using Dim = std::int64_t;

/// Sizes of a tensor, outermost first. Image tensors are [mb, h, w, c] (channels innermost in
/// memory), token tensors [mb, n, c], per-head tensors [mb, heads, n, d].
class Shape {
 public:
  Shape() = default;
  Shape(std::initializer_list<Dim> dims);
  explicit Shape(std::vector<Dim> dims);

  std::size_t rank() const { return dims_.size(); }
  /// Negative indices count from the innermost dimension: shape[-1] is the channel count.
  Dim operator[](int index) const;
  /// Product of all sizes; throws std::invalid_argument on overflow.
  Dim elements() const;
  const std::vector<Dim>& dims() const { return dims_; }
  /// "[1, 64, 64, 32]"
  std::string toString() const;

  friend bool operator==(const Shape&, const Shape&) = default;

 private:
  std::vector<Dim> dims_;
};

enum class DataType { F32, BF16, U8, S8, S32 };

std::size_t byteSize(DataType type);
std::string toString(DataType type);

}  // namespace va
