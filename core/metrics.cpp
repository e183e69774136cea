#include "core/metrics.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <opencv2/imgproc.hpp>
#include <string>

#include "core/error.h"

namespace pristine {

namespace {

std::string sizeOf(const cv::Mat& m) {
  return std::to_string(m.cols) + "x" + std::to_string(m.rows);
}

void requireSameSize(const cv::Mat& a, const cv::Mat& b) {
  if (a.size() != b.size() || a.channels() != b.channels() || a.empty()) {
    throw Error(ErrorCode::Usage,
                "pictures are " + sizeOf(a) + " and " + sizeOf(b) + ", expected equal sizes");
  }
}

}  // namespace

double psnr(const cv::Mat& a, const cv::Mat& b) {
  requireSameSize(a, b);
  double sum = 0;
  const int values = a.cols * a.channels();
  for (int y = 0; y < a.rows; ++y) {
    const auto* pa = a.ptr<float>(y);
    const auto* pb = b.ptr<float>(y);
    for (int i = 0; i < values; ++i) {
      const double d = static_cast<double>(pa[i]) - static_cast<double>(pb[i]);
      sum += d * d;
    }
  }
  const double mse = sum / (static_cast<double>(values) * a.rows);
  return mse == 0 ? std::numeric_limits<double>::infinity() : -10.0 * std::log10(mse);
}

double ssim(const cv::Mat& a, const cv::Mat& b) {
  requireSameSize(a, b);
  int side = std::min({11, a.cols, a.rows});
  if (side % 2 == 0) --side;
  const cv::Rect valid(side / 2, side / 2, a.cols - side + 1, a.rows - side + 1);
  const auto mean = [&](const cv::Mat& m) {
    cv::Mat result;
    cv::GaussianBlur(m, result, cv::Size(side, side), 1.5, 1.5, cv::BORDER_REFLECT_101);
    return cv::Mat(result(valid));
  };
  cv::Mat x;
  cv::Mat y;
  a.convertTo(x, CV_64F);
  b.convertTo(y, CV_64F);
  const cv::Mat mx = mean(x);
  const cv::Mat my = mean(y);
  const cv::Mat mxx = mx.mul(mx);
  const cv::Mat myy = my.mul(my);
  const cv::Mat mxy = mx.mul(my);
  const cv::Mat vx = mean(x.mul(x)) - mxx;
  const cv::Mat vy = mean(y.mul(y)) - myy;
  const cv::Mat cxy = mean(x.mul(y)) - mxy;
  constexpr double kC1 = 0.01 * 0.01;
  constexpr double kC2 = 0.03 * 0.03;
  const auto all = [](double v) { return cv::Scalar::all(v); };
  const cv::Mat numerator = (2 * mxy + all(kC1)).mul(2 * cxy + all(kC2));
  const cv::Mat denominator = (mxx + myy + all(kC1)).mul(vx + vy + all(kC2));
  const cv::Scalar means = cv::mean(numerator / denominator);
  double sum = 0;
  for (int c = 0; c < a.channels(); ++c) sum += means[c];
  return sum / a.channels();
}

cv::Mat toEightBits(const cv::Mat& pixels) {
  cv::Mat bytes;
  pixels.convertTo(bytes, CV_8U, 255.0);  // rounds and saturates
  cv::Mat result;
  bytes.convertTo(result, CV_32F, 1.0 / 255.0);
  return result;
}

cv::Mat luma(const cv::Mat& pixels) {
  cv::Mat result;
  cv::transform(pixels, result,
                cv::Matx14f(65.481F / 255, 128.553F / 255, 24.966F / 255, 16.F / 255));
  return result;
}

Comparison compare(const Image& a, const Image& b, const CompareOptions& options) {
  cv::Mat pa = a.pixels;
  cv::Mat pb = b.pixels;
  if (a.depth == SampleDepth::U8 || b.depth == SampleDepth::U8) {
    pa = toEightBits(pa);
    pb = toEightBits(pb);
  }
  if (options.luma) {
    pa = luma(pa);
    pb = luma(pb);
  }
  if (options.border > 0) {
    requireSameSize(pa, pb);
    const int border = options.border;
    if (border > (std::min(pa.cols, pa.rows) - 1) / 2) {
      throw Error(ErrorCode::Usage,
                  "a border of " + std::to_string(border) + " leaves nothing of " + sizeOf(pa));
    }
    const cv::Rect inner(border, border, pa.cols - 2 * border, pa.rows - 2 * border);
    pa = pa(inner);
    pb = pb(inner);
  }
  return {psnr(pa, pb), ssim(pa, pb)};
}

}  // namespace pristine
