#include "core/inspection/inspected_pixels.h"

#include <cmath>
#include <opencv2/core.hpp>

namespace pristine {

InspectedPixels inspectedPixels(const cv::Mat& pixels, const cv::Mat& alpha, bool grey) {
  InspectedPixels result;
  result.grey = grey;
  for (cv::Mat& channel : result.channels) channel.create(pixels.size(), CV_32FC1);
  result.luma.create(pixels.size(), CV_32FC1);
  result.usable.create(pixels.size(), CV_8UC1);
  for (int y = 0; y < pixels.rows; ++y) {
    const auto* rgb = pixels.ptr<float>(y);
    const auto* seen = alpha.empty() ? nullptr : alpha.ptr<float>(y);
    for (int x = 0; x < pixels.cols; ++x) {
      float value[3];
      bool usable = seen == nullptr || seen[x] > 0.0F;
      for (int c = 0; c < 3; ++c) {
        value[c] = 255.0F * rgb[3 * x + c];
        if (!std::isfinite(value[c])) usable = false;
      }
      if (!usable) value[0] = value[1] = value[2] = 0.0F;
      for (int c = 0; c < 3; ++c) result.channels[c].at<float>(y, x) = value[c];
      result.luma.at<float>(y, x) = 0.299F * value[0] + 0.587F * value[1] + 0.114F * value[2];
      result.usable.at<unsigned char>(y, x) = usable ? 1 : 0;
    }
  }
  return result;
}

}  // namespace pristine
