#pragma once

#include <optional>

#include "core/inspection/inspected_pixels.h"

namespace pristine {

/// Standard deviation in pixels of the Gaussian blur of the picture's edges, their median; 0 is a
/// step between two pixels. Empty without edges that stand out of noise of `sigma`.
///
/// Each edge is blurred once more by a known amount; the ratio of its gradients before and after
/// tells how wide it was (Zhuo and Sim, "Defocus map estimation from a single image", Pattern
/// Recognition 2011).
std::optional<double> estimateBlur(const InspectedPixels& picture, double sigma);

}  // namespace pristine
