#include "vision_attention/reference/array.h"

#include <algorithm>
#include <functional>
#include <numeric>

namespace va::reference {

namespace {

std::size_t axisOf(const Shape& shape, int axis) {
  (void)shape[axis];  // throws if there is none
  return static_cast<std::size_t>(axis < 0 ? axis + static_cast<int>(shape.rank()) : axis);
}

Dim product(const std::vector<Dim>& dims, std::size_t from, std::size_t to) {
  return std::accumulate(dims.begin() + static_cast<std::ptrdiff_t>(from),
                         dims.begin() + static_cast<std::ptrdiff_t>(to), Dim{1},
                         std::multiplies<>());
}

}  // namespace

Array::Array(Shape shape, double fill)
    : shape_(std::move(shape)), values_(static_cast<std::size_t>(shape_.elements()), fill) {}

Array::Array(Shape shape, std::vector<double> values)
    : shape_(std::move(shape)), values_(std::move(values)) {
  if (static_cast<Dim>(values_.size()) != shape_.elements()) {
    throw std::invalid_argument("array: " + std::to_string(values_.size()) + " values for " +
                                shape_.toString());
  }
}

Array::Array(Shape shape, std::span<const float> values)
    : Array(std::move(shape), std::vector<double>(values.begin(), values.end())) {}

std::vector<float> Array::floats() const {
  std::vector<float> result;
  result.reserve(values_.size());
  for (const double value : values_) result.push_back(static_cast<float>(value));
  return result;
}

Array Array::reshaped(Shape shape) const {
  return {std::move(shape), values_};
}

Array Array::slice(int axis, Dim from, Dim count) const {
  const std::size_t a = axisOf(shape_, axis);
  std::vector<Dim> dims = shape_.dims();
  if (from < 0 || count < 0 || from + count > dims[a]) {
    throw std::out_of_range("slice of " + shape_.toString());
  }
  const Dim outer = product(dims, 0, a);
  const Dim inner = product(dims, a + 1, dims.size());
  const Dim whole = dims[a];
  dims[a] = count;
  Array result{Shape(dims)};
  for (Dim o = 0; o < outer; ++o) {
    for (Dim i = 0; i < count * inner; ++i) {
      result.values_[static_cast<std::size_t>(o * count * inner + i)] =
          values_[static_cast<std::size_t>((o * whole + from) * inner + i)];
    }
  }
  return result;
}

Array Array::permuted(const std::vector<int>& order) const {
  if (order.size() != shape_.rank()) throw std::invalid_argument("permuted: wrong axis count");
  std::vector<Dim> dims;
  dims.reserve(order.size());
  for (const int axis : order) dims.push_back(shape_[axis]);
  Array result{Shape(dims)};
  std::vector<Dim> index(dims.size(), 0);  // in the result
  std::vector<Dim> source(dims.size(), 0);
  for (double& value : result.values_) {
    for (std::size_t i = 0; i < order.size(); ++i) {
      source[axisOf(shape_, order[i])] = index[i];
    }
    value = values_[offset(source)];
    for (std::size_t i = dims.size(); i-- > 0;) {
      if (++index[i] < dims[i]) break;
      index[i] = 0;
    }
  }
  return result;
}

Array Array::roundedToBf16() const {
  return map(*this, [](double value) {
    return static_cast<double>(static_cast<float>(BFloat16(static_cast<float>(value))));
  });
}

std::size_t Array::offset(std::span<const Dim> index) const {
  if (index.size() != shape_.rank()) throw std::out_of_range("array: wrong index count");
  Dim at = 0;
  for (std::size_t i = 0; i < index.size(); ++i) {
    const Dim size = shape_.dims()[i];
    if (index[i] < 0 || index[i] >= size) {
      throw std::out_of_range("array " + shape_.toString() + ": index " + std::to_string(index[i]) +
                              " on axis " + std::to_string(i));
    }
    at = at * size + index[i];
  }
  return static_cast<std::size_t>(at);
}

Array operator+(const Array& a, const Array& b) {
  return zip(a, b, std::plus<>());
}
Array operator-(const Array& a, const Array& b) {
  return zip(a, b, std::minus<>());
}
Array operator*(const Array& a, const Array& b) {
  return zip(a, b, std::multiplies<>());
}
Array operator*(double factor, const Array& a) {
  return map(a, [factor](double value) { return factor * value; });
}

Array concatenate(const std::vector<Array>& parts, int axis) {
  const Shape& first = parts.at(0).shape();
  const std::size_t a = axisOf(first, axis);
  std::vector<Dim> dims = first.dims();
  dims[a] = 0;
  for (const Array& part : parts) dims[a] += part.size(axis);
  const Dim outer = product(dims, 0, a);
  Array result{Shape(dims)};
  auto to = result.values().begin();
  for (Dim o = 0; o < outer; ++o) {
    for (const Array& part : parts) {
      const auto run = static_cast<std::ptrdiff_t>(part.elements()) / outer;
      to = std::copy_n(part.values().begin() + o * run, run, to);
    }
  }
  return result;
}

}  // namespace va::reference
