#include "vision_attention/reference/random.h"

#include <algorithm>
#include <numeric>

namespace va::reference {

namespace {

template <typename Distribution>
Array fill(const Shape& shape, std::mt19937_64& generator, Distribution distribution) {
  Array result(shape);
  for (double& value : result.values()) {
    value = static_cast<double>(static_cast<float>(distribution(generator)));
  }
  return result;
}

}  // namespace

Array Random::normal(const Shape& shape, double mean, double deviation) {
  return fill(shape, generator_, std::normal_distribution<double>(mean, deviation));
}

Array Random::uniform(const Shape& shape, double low, double high) {
  return fill(shape, generator_, std::uniform_real_distribution<double>(low, high));
}

Array Random::ties(const Shape& shape, int count) {
  return fill(shape, generator_, std::uniform_int_distribution<int>(0, count - 1));
}

std::vector<Dim> Random::permutation(Dim count) {
  std::vector<Dim> order(static_cast<std::size_t>(count));
  std::iota(order.begin(), order.end(), Dim{0});
  std::shuffle(order.begin(), order.end(), generator_);
  return order;
}

}  // namespace va::reference
