#pragma once

#include <cstdint>
#include <functional>
#include <memory>
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
  std::shared_ptr<const va::Weights> baselineWeights = nullptr;  ///< null: those of the system
};

/// The plan of measurements, small or full sizes.
std::vector<AttentionCase> attentionCases(bool quick);

/// Largest difference of a system to its definition in f64 (vision_attention/reference), on a small
/// problem of unit variance; NaN for the networks, which have none.
double attentionError(const std::string& system, const va::Engine& engine);

}  // namespace pristine
