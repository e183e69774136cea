#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace va {
class Engine;
class GraphBuilder;
class Weights;
}  // namespace va

namespace pristine {

/// One comparison of attentionCases(): how to describe both sides.
struct AttentionCase {
  std::string system;
  std::string variant;
  std::int64_t tokens = 0;
  std::shared_ptr<const va::Weights> weights;
  std::function<void(va::GraphBuilder&)> describe;
  std::function<void(va::GraphBuilder&)> baseline;
  double baselineShare = 1;
  double stateBytes = 0;
  double baselineStateBytes = 0;
};

/// The plan of measurements, small or full sizes.
std::vector<AttentionCase> attentionCases(bool quick);

/// Largest difference of a system to its definition in f64, on a small problem of unit variance;
/// NaN where only the tests know the definition.
double attentionError(const std::string& system, const va::Engine& engine);

/// Fills every input of a graph's description with values that depend on nothing but their place.
void fillPseudoNormal(std::span<float> values, std::uint64_t seed);

}  // namespace pristine
