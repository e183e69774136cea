#pragma once

#include <opencv2/core/mat.hpp>

#include "core/image.h"

namespace pristine {

/// Cubic interpolation to `scale` times the sides, CV_32F; edge pixels are repeated beyond the
/// edge. Throws Error(Memory) if the result has no room.
cv::Mat enlarged(const cv::Mat& pixels, int scale);

/// The picture with its pixels and its alpha, kept in [0, 1], enlarged; everything else as it is.
Image enlarged(const Image& image, int scale);

}  // namespace pristine
