#pragma once

#include <cstdint>
#include <opencv2/core/mat.hpp>

#include "core/image.h"

namespace pristine::test {

/// CV_32FC3 that has what photographs have: smooth light, texture of every scale, sharp edges of
/// objects and sensor noise. Values lie inside [0, 1].
cv::Mat photograph(int width, int height, std::uint32_t seed = 1);

/// photograph() with every value a multiple of 1/peak, as a file of that depth holds it.
Image photographImage(int width, int height, SampleDepth depth = SampleDepth::U8,
                      std::uint32_t seed = 1);

/// The same in grey: three equal planes.
Image greyImage(int width, int height, SampleDepth depth = SampleDepth::U8, std::uint32_t seed = 1);

/// CV_32FC1, a diagonal ramp from 0 to 1 in multiples of 1/255.
cv::Mat alphaRamp(int width, int height);

/// Largest absolute difference; infinity when sizes or types differ.
double largestDifference(const cv::Mat& a, const cv::Mat& b);

}  // namespace pristine::test
