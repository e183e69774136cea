#pragma once

#include <cstdint>
#include <random>
#include <vector>

#include "vision_attention/reference/array.h"

namespace va::reference {

/// Random data that depends on the seed alone. Values are exact in f32.
class Random {
 public:
  explicit Random(std::uint64_t seed) : generator_(seed) {}

  Array normal(const Shape& shape, double mean = 0.0, double deviation = 1.0);
  Array uniform(const Shape& shape, double low, double high);
  /// Integers of [0, count), so that many values are equal.
  Array ties(const Shape& shape, int count);
  /// [0, count) in random order.
  std::vector<Dim> permutation(Dim count);

 private:
  std::mt19937_64 generator_;
};

}  // namespace va::reference
