#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>

namespace va {
class Shape;
class Weights;
}  // namespace va

namespace pristine {

/// Values of unit variance that depend on nothing but their place and the seed.
void fillPseudoNormal(std::span<float> values, std::uint64_t seed);

/// Collects random parameters of layers whose time is to be measured.
class LayerWeights {
 public:
  LayerWeights();

  LayerWeights& linear(const std::string& name, std::int64_t oc, std::int64_t ic, bool bias = true);
  /// name.weight of that shape and, unless `bias` is false, name.bias.
  LayerWeights& conv(const std::string& name, const va::Shape& shape, bool bias = true);
  /// Linear layers scope.q, k, v and projection.
  LayerWeights& projections(const std::string& scope, std::int64_t c);
  /// What transformerBlock() reads.
  LayerWeights& block(const std::string& scope, std::int64_t c);
  LayerWeights& add(const std::string& name, const va::Shape& shape, double deviation);
  std::shared_ptr<const va::Weights> done() const;

 private:
  std::shared_ptr<va::Weights> weights_;
  std::uint64_t count_ = 0;
};

}  // namespace pristine
