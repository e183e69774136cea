#include "vision_attention/shape.h"

#include <stdexcept>

namespace va {

Shape::Shape(std::initializer_list<Dim> dims) : Shape(std::vector<Dim>(dims)) {}

Shape::Shape(std::vector<Dim> dims) : dims_(std::move(dims)) {
  for (const Dim dim : dims_) {
    if (dim < 0) throw std::invalid_argument("shape " + toString() + " has a negative size");
  }
}

Dim Shape::operator[](int index) const {
  const auto rank = static_cast<int>(dims_.size());
  if (index < -rank || index >= rank) {
    throw std::invalid_argument("shape " + toString() + " has no dimension " +
                                std::to_string(index));
  }
  return dims_[static_cast<std::size_t>(index < 0 ? index + rank : index)];
}

Dim Shape::elements() const {
  Dim product = 1;
  for (const Dim dim : dims_) {
    if (__builtin_mul_overflow(product, dim, &product)) {
      throw std::invalid_argument("shape " + toString() + " has too many elements");
    }
  }
  return product;
}

std::string Shape::toString() const {
  std::string text = "[";
  for (std::size_t i = 0; i < dims_.size(); ++i) {
    if (i != 0) text += ", ";
    text += std::to_string(dims_[i]);
  }
  return text + "]";
}

std::size_t byteSize(DataType type) {
  switch (type) {
    case DataType::F32:
    case DataType::S32:
      return 4;
    case DataType::BF16:
      return 2;
    case DataType::U8:
    case DataType::S8:
      return 1;
  }
  throw std::invalid_argument("unknown data type");
}

std::string toString(DataType type) {
  switch (type) {
    case DataType::F32:
      return "f32";
    case DataType::BF16:
      return "bf16";
    case DataType::U8:
      return "u8";
    case DataType::S8:
      return "s8";
    case DataType::S32:
      return "s32";
  }
  return "unknown";
}

}  // namespace va
