#include "vision_attention/ops/int8_weights.h"

#include <algorithm>
#include <cmath>

namespace va {

namespace {

constexpr float kSmallestLargest = 1e-12F;  ///< of channels that are zero

}  // namespace

Int8Weights quantizeWeights(const std::vector<float>& weights, Dim outputChannels, DataType srcType,
                            bool dotProducts) {
  const float largestLevel = dotProducts ? 127.0F : 63.0F;
  const float step = !dotProducts && srcType == DataType::S8 ? 2.0F : 1.0F;
  const auto perChannel = weights.size() / static_cast<std::size_t>(outputChannels);
  Int8Weights result;
  result.values.reserve(weights.size());
  for (auto row = weights.begin(); row != weights.end();
       row += static_cast<std::ptrdiff_t>(perChannel)) {
    const auto end = row + static_cast<std::ptrdiff_t>(perChannel);
    float largest = kSmallestLargest;
    for (auto w = row; w != end; ++w) largest = std::max(largest, std::abs(*w));
    const float level = largest / largestLevel;
    for (auto w = row; w != end; ++w) {
      const float nearest = std::clamp(std::nearbyint(*w / level), -largestLevel, largestLevel);
      result.values.push_back(static_cast<std::int8_t>(step * nearest));
    }
    result.levels.push_back(level / step);
  }
  return result;
}

}  // namespace va
