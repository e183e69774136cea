#pragma once

#include <map>
#include <string>
#include <vector>

#include "vision_attention/shape.h"

namespace va {

/// Named f32 parameters of a network, row-major in the shape that PyTorch gives them
/// (convolutions [oc, ic, kh, kw], linear layers [oc, ic]). Immutable once a network is built.
class Weights {
 public:
  /// Throws std::invalid_argument if the name is taken or the value count does not fit the shape.
  void add(const std::string& name, Shape shape, std::vector<float> values);

  bool contains(const std::string& name) const { return entries_.count(name) != 0; }
  /// Throws std::invalid_argument naming the tensor if it is missing or has another shape.
  const std::vector<float>& get(const std::string& name, const Shape& expected) const;
  /// Throws std::invalid_argument if the tensor is missing.
  const Shape& shape(const std::string& name) const;
  std::vector<std::string> names() const;
  std::size_t parameterCount() const;

 private:
  struct Entry {
    Shape shape;
    std::vector<float> values;
  };
  std::map<std::string, Entry> entries_;
};

}  // namespace va
