#pragma once

#include <opencv2/core/mat.hpp>

namespace pristine {

/// Sets the colour of wholly transparent pixels to that of what is visible around them, smoothly,
/// so that a network sees no edge between a picture and what a program left under its transparency.
/// pixels CV_32FC3, alpha CV_32FC1 of the same size. A picture without a visible pixel is left
/// alone. Any thread.
void bleedUnderTransparency(cv::Mat& pixels, const cv::Mat& alpha);

/// Whether a pixel is wholly transparent.
bool hasTransparentPixels(const cv::Mat& alpha);

}  // namespace pristine
