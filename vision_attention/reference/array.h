#pragma once

#include <array>
#include <span>
#include <stdexcept>
#include <vector>

#include "vision_attention/bfloat16.h"
#include "vision_attention/shape.h"

namespace va::reference {

/// A dense row-major tensor of doubles: what references compute with and tests compare.
class Array {
 public:
  Array() = default;
  explicit Array(Shape shape, double fill = 0.0);
  /// Throws std::invalid_argument if the values do not fill the shape.
  Array(Shape shape, std::vector<double> values);
  Array(Shape shape, std::span<const float> values);

  const Shape& shape() const { return shape_; }
  Dim size(int axis) const { return shape_[axis]; }
  std::size_t elements() const { return values_.size(); }
  std::vector<double>& values() { return values_; }
  const std::vector<double>& values() const { return values_; }
  std::vector<float> floats() const;

  /// Element by its full index; throws std::out_of_range.
  template <typename... Index>
  double& operator()(Index... index) {
    return values_[offset(std::array<Dim, sizeof...(Index)>{static_cast<Dim>(index)...})];
  }
  template <typename... Index>
  double operator()(Index... index) const {
    return values_[offset(std::array<Dim, sizeof...(Index)>{static_cast<Dim>(index)...})];
  }

  /// The same values under another shape with as many elements.
  Array reshaped(Shape shape) const;
  /// Slice [from, from + count) of one axis.
  Array slice(int axis, Dim from, Dim count) const;
  /// The axis order of the result: axis i of it is axis order[i] of this.
  Array permuted(const std::vector<int>& order) const;
  /// Every value rounded to bf16.
  Array roundedToBf16() const;

  friend bool operator==(const Array&, const Array&) = default;

 private:
  std::size_t offset(std::span<const Dim> index) const;

  Shape shape_;
  std::vector<double> values_;
};

/// f(a) per element.
template <typename Function>
Array map(const Array& a, Function function) {
  Array result = a;
  for (double& value : result.values()) value = function(value);
  return result;
}

/// f(a, b) per element; throws std::invalid_argument unless the shapes agree.
template <typename Function>
Array zip(const Array& a, const Array& b, Function function) {
  if (a.shape() != b.shape()) {
    throw std::invalid_argument("zip: " + a.shape().toString() + " and " + b.shape().toString());
  }
  Array result = a;
  for (std::size_t i = 0; i < result.elements(); ++i) {
    result.values()[i] = function(a.values()[i], b.values()[i]);
  }
  return result;
}

Array operator+(const Array& a, const Array& b);
Array operator-(const Array& a, const Array& b);
/// Element by element.
Array operator*(const Array& a, const Array& b);
Array operator*(double factor, const Array& a);

/// Joins arrays along an axis; their other sizes agree.
Array concatenate(const std::vector<Array>& parts, int axis);

}  // namespace va::reference
