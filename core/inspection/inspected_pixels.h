#pragma once

#include <opencv2/core/mat.hpp>

namespace pristine {

/// A picture on the scale of 0 to 255 for inspection.
struct InspectedPixels {
  cv::Mat channels[3];  ///< CV_32FC1, R G B
  cv::Mat luma;         ///< CV_32FC1, Y of BT.601 in full range, as JPEG (JFIF) has it
  cv::Mat usable;       ///< CV_8UC1: 0 where a value is no number or hidden by transparency
  bool grey = false;    ///< the channels are equal

  int width() const { return luma.cols; }
  int height() const { return luma.rows; }
};

/// pixels: CV_32FC3, R G B from 0 to 1; alpha: CV_32FC1 or empty.
InspectedPixels inspectedPixels(const cv::Mat& pixels, const cv::Mat& alpha, bool grey);

}  // namespace pristine
