#include "core/inspection/blur_estimate.h"

#include <algorithm>
#include <cmath>
#include <opencv2/imgproc.hpp>
#include <vector>

namespace pristine {

namespace {

constexpr double kAgain = 1.0;  ///< sigma of the second blur
/// Variance of the box that central differences are: two pixels wide.
constexpr double kDifference = 1.0 / 3.0;
constexpr std::size_t kFewestEdges = 20;
constexpr double kMostPixels = 1e6;  ///< of the middle of the picture are looked at

struct Gradient {
  float x = 0;
  float y = 0;
  float size() const { return std::hypot(x, y); }
};

Gradient gradientAt(const cv::Mat& plane, int x, int y) {
  const auto* row = plane.ptr<float>(y);
  return {(row[x + 1] - row[x - 1]) / 2,
          (plane.ptr<float>(y + 1)[x] - plane.ptr<float>(y - 1)[x]) / 2};
}

/// No weaker than its neighbours across the edge.
bool isRidge(const cv::Mat& plane, int x, int y, const Gradient& gradient) {
  const bool across = std::abs(gradient.x) >= std::abs(gradient.y);
  const int dx = across ? 1 : 0;
  const int dy = across ? 0 : 1;
  const float size = gradient.size();
  return size >= gradientAt(plane, x - dx, y - dy).size() &&
         size >= gradientAt(plane, x + dx, y + dy).size();
}

cv::Mat middleOf(const cv::Mat& plane) {
  cv::Rect whole(0, 0, plane.cols, plane.rows);
  const double share =
      std::sqrt(kMostPixels / std::max(static_cast<double>(plane.total()), kMostPixels));
  const int width = static_cast<int>(plane.cols * share);
  const int height = static_cast<int>(plane.rows * share);
  return plane({(plane.cols - width) / 2, (plane.rows - height) / 2, width, height});
}

}  // namespace

std::optional<double> estimateBlur(const InspectedPixels& picture, double sigma) {
  const cv::Mat plane = middleOf(picture.luma);
  if (plane.cols < 16 || plane.rows < 16) return std::nullopt;
  cv::Mat blurred;
  cv::GaussianBlur(plane, blurred, {}, kAgain);
  // Central differences have half of the noise's variance; edges must stand out of it by far.
  const double least = std::max(8.0, 6 * sigma);
  std::vector<double> widths;
  constexpr int kEdge = 4;  // where the second blur sees beyond the picture
  for (int y = kEdge; y < plane.rows - kEdge; ++y) {
    for (int x = kEdge; x < plane.cols - kEdge; ++x) {
      const Gradient gradient = gradientAt(plane, x, y);
      const double before = gradient.size();
      if (before < least || !isRidge(plane, x, y, gradient)) continue;
      const double after = gradientAt(blurred, x, y).size();
      const double ratio = before / std::max(after, 1e-6);
      // Thin lines lose more than any edge does, blurred corners may gain.
      if (ratio <= 1.01) continue;
      const double variance = kAgain * kAgain / (ratio * ratio - 1) - kDifference;
      widths.push_back(std::sqrt(std::max(variance, 0.0)));
    }
  }
  if (widths.size() < kFewestEdges) return std::nullopt;
  const auto middle = widths.begin() + static_cast<std::ptrdiff_t>(widths.size() / 2);
  std::nth_element(widths.begin(), middle, widths.end());
  return *middle;
}

}  // namespace pristine
