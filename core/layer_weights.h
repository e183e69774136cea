#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "vision_attention/weights.h"

namespace pristine {

/// Values of unit variance that depend on nothing but their place and the seed.
void fillPseudoNormal(std::span<float> values, std::uint64_t seed);

/// Collects random parameters of layers whose time is to be measured.
class LayerWeights {
 public:
  LayerWeights& linear(const std::string& name, va::Dim oc, va::Dim ic, bool bias = true);
  /// name.weight of that shape and, unless `bias` is false, name.bias.
  LayerWeights& conv(const std::string& name, const va::Shape& shape, bool bias = true);
  /// Linear layers scope.q, k, v and projection.
  LayerWeights& projections(const std::string& scope, va::Dim c);
  /// What transformerBlock() reads.
  LayerWeights& block(const std::string& scope, va::Dim c);
  LayerWeights& add(const std::string& name, const va::Shape& shape, double deviation);
  std::shared_ptr<const va::Weights> done() const { return weights_; }

 private:
  std::shared_ptr<va::Weights> weights_ = std::make_shared<va::Weights>();
  std::uint64_t count_ = 0;
};

}  // namespace pristine
