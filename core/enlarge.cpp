#include "core/enlarge.h"

#include <opencv2/core.hpp>
#include <opencv2/imgproc.hpp>
#include <string>

#include "core/error.h"

namespace pristine {

cv::Mat enlarged(const cv::Mat& pixels, int scale) {
  try {
    cv::Mat result;
    cv::resize(pixels, result, {}, scale, scale, cv::INTER_CUBIC);
    return result;
  } catch (const cv::Exception&) {
    throw Error(ErrorCode::Memory, "a picture of " + std::to_string(pixels.cols) + "x" +
                                       std::to_string(pixels.rows) + " times " +
                                       std::to_string(scale) + " does not fit into memory");
  }
}

Image enlarged(const Image& image, int scale) {
  Image result = image;
  result.pixels = enlarged(image.pixels, scale);
  if (!image.alpha.empty()) {
    result.alpha = cv::min(cv::max(enlarged(image.alpha, scale), 0.0), 1.0);
  }
  return result;
}

}  // namespace pristine
