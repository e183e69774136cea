#include "core/layer_weights.h"

#include <cmath>
#include <vector>

namespace pristine {

using va::Dim;
using va::Shape;

void fillPseudoNormal(std::span<float> values, std::uint64_t seed) {
  std::uint64_t state = seed * 0x9E3779B97F4A7C15ULL + 1;
  for (float& value : values) {
    // Sum of four uniform numbers (SplitMix64), scaled to unit variance.
    state += 0x9E3779B97F4A7C15ULL;
    std::uint64_t z = state;
    z = (z ^ (z >> 30U)) * 0xBF58476D1CE4E5B9ULL;
    z = (z ^ (z >> 27U)) * 0x94D049BB133111EBULL;
    z ^= z >> 31U;
    int sum = 0;
    for (unsigned i = 0; i < 4; ++i) sum += static_cast<int>((z >> (16 * i)) & 0xFFFFU);
    value = static_cast<float>(sum - 131070) / 37837.0F;
  }
}

LayerWeights& LayerWeights::linear(const std::string& name, Dim oc, Dim ic, bool bias) {
  add(name + ".weight", {oc, ic}, 1.0 / std::sqrt(static_cast<double>(ic)));
  if (bias) add(name + ".bias", {oc}, 0.1);
  return *this;
}

LayerWeights& LayerWeights::conv(const std::string& name, const Shape& shape, bool bias) {
  const double inputs = static_cast<double>(shape.elements() / shape[0]);
  add(name + ".weight", shape, 1.0 / std::sqrt(inputs));
  if (bias) add(name + ".bias", {shape[0]}, 0.1);
  return *this;
}

LayerWeights& LayerWeights::projections(const std::string& scope, Dim c) {
  for (const char* name : {".q", ".k", ".v", ".projection"}) linear(scope + name, c, c);
  return *this;
}

LayerWeights& LayerWeights::block(const std::string& scope, Dim c) {
  return projections(scope + ".attention", c)
      .linear(scope + ".expand", 4 * c, c)
      .linear(scope + ".reduce", c, 4 * c);
}

LayerWeights& LayerWeights::add(const std::string& name, const Shape& shape, double deviation) {
  std::vector<float> values(static_cast<std::size_t>(shape.elements()));
  fillPseudoNormal(values, ++count_);
  for (float& value : values) value *= static_cast<float>(deviation);
  weights_->add(name, shape, std::move(values));
  return *this;
}

}  // namespace pristine
