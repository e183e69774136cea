#pragma once

#include <cstdint>

#include "vision_attention/network.h"
#include "vision_attention/weights.h"

namespace va::test {

/// The configuration of data/training/model.py's DEFAULT_CONFIG.
NetworkConfig defaultNetworkConfig();
/// A small one with every kind of block on two levels, for tests that run it.
NetworkConfig smallNetworkConfig();

/// Random values for every weight that RestorationNet of data/training/model.py has under this
/// configuration; variances are such that activations neither grow nor vanish.
Weights randomWeights(const NetworkConfig& config, std::uint64_t seed = 1);

}  // namespace va::test
