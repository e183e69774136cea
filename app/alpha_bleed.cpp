#include "app/alpha_bleed.h"

#include <algorithm>
#include <vector>

namespace pristine {

namespace {

/// Colours times weight, and weight: CV_32FC4.
cv::Mat weighted(const cv::Mat& pixels, const cv::Mat& alpha) {
  cv::Mat sums(pixels.size(), CV_32FC4);
  for (int y = 0; y < pixels.rows; ++y) {
    const auto* rgb = pixels.ptr<float>(y);
    const auto* a = alpha.ptr<float>(y);
    auto* out = sums.ptr<float>(y);
    for (int x = 0; x < pixels.cols; ++x, rgb += 3, out += 4) {
      const float weight = std::clamp(a[x], 0.0F, 1.0F);
      for (int c = 0; c < 3; ++c) out[c] = rgb[c] * weight;
      out[3] = weight;
    }
  }
  return sums;
}

/// Sums of 2x2 pixels, with the weight brought back to at most 1.
cv::Mat halved(const cv::Mat& fine) {
  cv::Mat coarse((fine.rows + 1) / 2, (fine.cols + 1) / 2, CV_32FC4, cv::Scalar::all(0));
  for (int y = 0; y < fine.rows; ++y) {
    const auto* in = fine.ptr<float>(y);
    auto* out = coarse.ptr<float>(y / 2);
    for (int x = 0; x < fine.cols; ++x) {
      for (int c = 0; c < 4; ++c) out[4 * (x / 2) + c] += in[4 * x + c];
    }
  }
  for (int y = 0; y < coarse.rows; ++y) {
    auto* p = coarse.ptr<float>(y);
    for (int x = 0; x < coarse.cols; ++x, p += 4) {
      if (p[3] <= 1.0F) continue;
      for (int c = 0; c < 3; ++c) p[c] /= p[3];
      p[3] = 1.0F;
    }
  }
  return coarse;
}

/// Fills what weight is missing from the level below, linearly between the centres of its pixels.
void fillFrom(const cv::Mat& coarse, cv::Mat& fine) {
  for (int y = 0; y < fine.rows; ++y) {
    auto* p = fine.ptr<float>(y);
    const int y0 = y / 2;
    const int y1 = std::clamp(y0 + (y % 2 != 0 ? 1 : -1), 0, coarse.rows - 1);
    for (int x = 0; x < fine.cols; ++x, p += 4) {
      if (p[3] >= 1.0F) continue;
      const int x0 = x / 2;
      const int x1 = std::clamp(x0 + (x % 2 != 0 ? 1 : -1), 0, coarse.cols - 1);
      const float missing = 1.0F - p[3];
      for (int c = 0; c < 3; ++c) {
        const auto at = [&](int row, int column) { return coarse.ptr<float>(row)[4 * column + c]; };
        const float near = 0.75F * at(y0, x0) + 0.25F * at(y0, x1);
        const float far = 0.75F * at(y1, x0) + 0.25F * at(y1, x1);
        p[c] += missing * (0.75F * near + 0.25F * far);
      }
      p[3] = 1.0F;
    }
  }
}

}  // namespace

bool hasTransparentPixels(const cv::Mat& alpha) {
  for (int y = 0; y < alpha.rows; ++y) {
    const auto* row = alpha.ptr<float>(y);
    if (std::any_of(row, row + alpha.cols, [](float a) { return a <= 0.0F; })) return true;
  }
  return false;
}

void bleedUnderTransparency(cv::Mat& pixels, const cv::Mat& alpha) {
  std::vector<cv::Mat> levels{weighted(pixels, alpha)};
  while (levels.back().cols > 1 || levels.back().rows > 1) levels.push_back(halved(levels.back()));
  auto* top = levels.back().ptr<float>(0);
  if (top[3] <= 0.0F) return;
  for (int c = 0; c < 3; ++c) top[c] /= top[3];
  top[3] = 1.0F;
  for (std::size_t i = levels.size() - 1; i > 0; --i) fillFrom(levels[i], levels[i - 1]);
  for (int y = 0; y < pixels.rows; ++y) {
    auto* rgb = pixels.ptr<float>(y);
    const auto* a = alpha.ptr<float>(y);
    const auto* filled = levels.front().ptr<float>(y);
    for (int x = 0; x < pixels.cols; ++x) {
      if (a[x] > 0.0F) continue;
      for (int c = 0; c < 3; ++c) rgb[3 * x + c] = filled[4 * x + c];
    }
  }
}

}  // namespace pristine
