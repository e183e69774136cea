#include "tests/support/test_image.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <opencv2/core.hpp>
#include <opencv2/imgproc.hpp>
#include <random>

namespace pristine::test {

namespace {

void rounded(cv::Mat& pixels, SampleDepth depth) {
  if (depth == SampleDepth::F32) return;
  const double peak = depth == SampleDepth::U8 ? 255.0 : 65535.0;
  cv::Mat whole;
  pixels.convertTo(whole, depth == SampleDepth::U8 ? CV_8U : CV_16U, peak);
  whole.convertTo(pixels, CV_32F);
  // Divides in f32 as a reader would not: values differ from it by an ulp at most.
  pixels *= 1.0 / peak;
}

}  // namespace

cv::Mat photograph(int width, int height, std::uint32_t seed) {
  cv::RNG random(seed);
  cv::Mat sum(height, width, CV_32FC3, cv::Scalar::all(0.5));
  for (int scale = 4; scale <= 256; scale *= 2) {
    cv::Mat coarse(height / scale + 2, width / scale + 2, CV_32FC3);
    random.fill(coarse, cv::RNG::NORMAL, 0.0, 0.02 * std::sqrt(scale / 16.0));
    cv::Mat layer;
    cv::resize(coarse, layer, sum.size(), 0, 0, cv::INTER_CUBIC);
    sum += layer;
  }
  for (int i = 0; i < 12; ++i) {
    const cv::Point centre(random.uniform(0, width), random.uniform(0, height));
    const cv::Size axes(random.uniform(2, 2 + width / 4), random.uniform(2, 2 + height / 4));
    const cv::Scalar colour(random.uniform(-0.25, 0.25), random.uniform(-0.25, 0.25),
                            random.uniform(-0.25, 0.25));
    cv::Mat object = cv::Mat::zeros(sum.size(), CV_32FC3);
    cv::ellipse(object, centre, axes, random.uniform(0.0, 180.0), 0, 360, colour, cv::FILLED);
    sum += object;
  }
  cv::Mat noise(sum.size(), CV_32FC3);
  random.fill(noise, cv::RNG::NORMAL, 0.0, 0.04);
  sum += noise;
  cv::min(sum, cv::Scalar::all(1.0), sum);
  cv::max(sum, cv::Scalar::all(0.0), sum);
  return sum;
}

Image photographImage(int width, int height, SampleDepth depth, std::uint32_t seed) {
  Image image;
  image.pixels = photograph(width, height, seed);
  rounded(image.pixels, depth);
  image.depth = depth;
  return image;
}

Image greyImage(int width, int height, SampleDepth depth, std::uint32_t seed) {
  Image image = photographImage(width, height, depth, seed);
  cv::Mat plane;
  cv::extractChannel(image.pixels, plane, 1);
  cv::merge(std::vector<cv::Mat>{plane, plane, plane}, image.pixels);
  image.grey = true;
  return image;
}

cv::Mat alphaRamp(int width, int height) {
  cv::Mat alpha(height, width, CV_32FC1);
  const int steps = std::max(1, width + height - 2);
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x) {
      alpha.at<float>(y, x) = static_cast<float>((x + y) * 255 / steps) / 255.0F;
    }
  }
  return alpha;
}

double largestDifference(const cv::Mat& a, const cv::Mat& b) {
  if (a.size() != b.size() || a.type() != b.type()) return std::numeric_limits<double>::infinity();
  return a.empty() ? 0.0 : cv::norm(a, b, cv::NORM_INF);
}

}  // namespace pristine::test
