#include "gui/qt_image.h"

#include <QColorSpace>
#include <algorithm>
#include <cmath>

namespace pristine::gui {

namespace {

constexpr int kChequer = 8;  ///< device pixels of a field of the chequerboard

/// Where the device pixels of one axis fall on the pixels of a level.
struct Axis {
  std::vector<int> lower;
  std::vector<int> upper;
  std::vector<float> fraction;  ///< of the upper one
  int first = 0;                ///< range of level pixels that is needed
  int last = 0;
};

Axis axisOf(int start, int count, double scale, int level, int length) {
  Axis axis;
  const double step = 1.0 / (scale * (1 << level));
  const bool nearest = scale >= kNearestScale;
  for (int i = 0; i < count; ++i) {
    const double position = (start + i + 0.5) * step;
    const double shifted = nearest ? std::floor(position) : position - 0.5;
    const double floor = std::floor(shifted);
    const int lower = static_cast<int>(floor);
    axis.lower.push_back(std::clamp(lower, 0, length - 1));
    axis.upper.push_back(nearest ? axis.lower.back() : std::clamp(lower + 1, 0, length - 1));
    axis.fraction.push_back(static_cast<float>(shifted - floor));
  }
  axis.first = axis.lower.front();
  axis.last = axis.upper.back();
  for (int i = 0; i < count; ++i) {
    axis.lower[static_cast<std::size_t>(i)] -= axis.first;
    axis.upper[static_cast<std::size_t>(i)] -= axis.first;
  }
  return axis;
}

struct Plan {
  int level = 0;
  Axis x;
  Axis y;
  cv::Rect rect;  ///< of the level
};

Plan planOf(const PictureSource& source, const Sampling& sampling) {
  Plan plan;
  const Picture& picture = source.picture();
  plan.level = levelFor(std::max(sampling.scale.width(), sampling.scale.height()),
                        static_cast<int>(picture.levels.size()));
  const cv::Size size = picture.sizeAt(static_cast<std::size_t>(plan.level));
  const QRect& device = sampling.device;
  plan.x = axisOf(device.x(), device.width(), sampling.scale.width(), plan.level, size.width);
  plan.y = axisOf(device.y(), device.height(), sampling.scale.height(), plan.level, size.height);
  plan.rect = {plan.x.first, plan.y.first, plan.x.last - plan.x.first + 1,
               plan.y.last - plan.y.first + 1};
  return plan;
}

template <int Channels>
cv::Mat resample(const cv::Mat& pixels, const Plan& plan) {
  const auto width = plan.x.lower.size();
  const auto height = plan.y.lower.size();
  cv::Mat result(static_cast<int>(height), static_cast<int>(width), CV_32FC(Channels));
  for (std::size_t y = 0; y < height; ++y) {
    const auto* upper = pixels.ptr<float>(plan.y.lower[y]);
    const auto* lower = pixels.ptr<float>(plan.y.upper[y]);
    const float fy = plan.y.fraction[y];
    auto* out = result.ptr<float>(static_cast<int>(y));
    for (std::size_t x = 0; x < width; ++x) {
      const int left = plan.x.lower[x] * Channels;
      const int right = plan.x.upper[x] * Channels;
      const float fx = plan.x.fraction[x];
      for (int c = 0; c < Channels; ++c) {
        const float top = upper[left + c] + fx * (upper[right + c] - upper[left + c]);
        const float bottom = lower[left + c] + fx * (lower[right + c] - lower[left + c]);
        *out++ = top + fy * (bottom - top);
      }
    }
  }
  return result;
}

/// Alpha over a chequerboard that stays in place when the picture is scrolled.
void composite(cv::Mat& rgb, const cv::Mat& alpha, const QPoint& corner) {
  for (int y = 0; y < rgb.rows; ++y) {
    auto* p = rgb.ptr<float>(y);
    const auto* a = alpha.ptr<float>(y);
    for (int x = 0; x < rgb.cols; ++x, p += 3) {
      const bool light = (((x + corner.x()) / kChequer + (y + corner.y()) / kChequer) & 1) != 0;
      const float field = light ? 0.8F : 0.6F;
      const float weight = std::clamp(a[x], 0.0F, 1.0F);
      for (int c = 0; c < 3; ++c) p[c] = field + weight * (std::clamp(p[c], 0.0F, 1.0F) - field);
    }
  }
}

}  // namespace

cv::Mat sample(const PictureSource& source, const Sampling& sampling) {
  const Plan plan = planOf(source, sampling);
  return resample<3>(source.read(plan.level, plan.rect), plan);
}

QImage renderPicture(const PictureSource& source, const Sampling& sampling) {
  const Plan plan = planOf(source, sampling);
  cv::Mat rgb = resample<3>(source.read(plan.level, plan.rect), plan);
  if (const DisplayTransform* colours = source.colours()) {
    colours->apply(rgb.ptr<float>(), rgb.cols * rgb.rows);
  }
  if (!source.picture().alpha.empty()) {
    const cv::Mat& alpha = source.picture().alpha[static_cast<std::size_t>(plan.level)];
    composite(rgb, resample<1>(alpha(plan.rect), plan), sampling.device.topLeft());
  }
  return toQImage(rgb);
}

QImage renderDifference(const PictureSource& a, const PictureSource& b, const Sampling& sampling,
                        double gain) {
  const cv::Mat pa = sample(a, matched(sampling, sizeOf(a), sizeOf(b)));
  cv::Mat pb = sample(b, sampling);
  const auto g = static_cast<float>(gain);
  for (int y = 0; y < pb.rows; ++y) {
    const auto* from = pa.ptr<float>(y);
    auto* to = pb.ptr<float>(y);
    for (int i = 0; i < pb.cols * 3; ++i) to[i] = std::abs(to[i] - from[i]) * g;
  }
  return toQImage(pb);
}

Sampling matched(const Sampling& sampling, const QSize& from, const QSize& to) {
  return {sampling.device, QSizeF(sampling.scale.width() * to.width() / from.width(),
                                  sampling.scale.height() * to.height() / from.height())};
}

QSize sizeOf(const PictureSource& source) {
  const cv::Size size = source.picture().sizeAt(0);
  return {size.width, size.height};
}

QImage toQImage(const cv::Mat& rgb) {
  QImage image(rgb.cols, rgb.rows, QImage::Format_RGB32);
  for (int y = 0; y < rgb.rows; ++y) {
    const auto* from = rgb.ptr<float>(y);
    auto* to = reinterpret_cast<QRgb*>(image.scanLine(y));
    for (int x = 0; x < rgb.cols; ++x, from += 3) {
      std::uint32_t value = 0xFF;
      for (int c = 0; c < 3; ++c) {
        // Clamping before the conversion keeps the loop free of branches.
        const float v = std::min(std::max(from[c], 0.0F), 1.0F);
        value = value << 8U | static_cast<std::uint32_t>(v * 255.0F + 0.5F);
      }
      to[x] = value;
    }
  }
  return image;
}

Image fromQImage(const QImage& source) {
  QImage converted = source;
  if (converted.colorSpace().isValid() && converted.colorSpace() != QColorSpace::SRgb) {
    converted = converted.convertToFormat(QImage::Format_RGBA64);
    converted.convertToColorSpace(QColorSpace::SRgb);
  }
  Image image;
  image.format = "png";
  image.grey = source.isGrayscale() && !source.hasAlphaChannel();
  image.depth = source.depth() / std::max(1, source.hasAlphaChannel() ? 4 : 3) > 12 ||
                        source.format() == QImage::Format_Grayscale16
                    ? SampleDepth::U16
                    : SampleDepth::U8;
  const QImage rgba = converted.convertToFormat(QImage::Format_RGBA64);
  image.pixels.create(rgba.height(), rgba.width(), CV_32FC3);
  if (source.hasAlphaChannel()) image.alpha.create(rgba.height(), rgba.width(), CV_32FC1);
  for (int y = 0; y < rgba.height(); ++y) {
    const auto* from = reinterpret_cast<const QRgba64*>(rgba.constScanLine(y));
    auto* to = image.pixels.ptr<float>(y);
    for (int x = 0; x < rgba.width(); ++x, to += 3) {
      to[0] = static_cast<float>(from[x].red()) / 65535.0F;
      to[1] = static_cast<float>(from[x].green()) / 65535.0F;
      to[2] = static_cast<float>(from[x].blue()) / 65535.0F;
      if (!image.alpha.empty()) {
        image.alpha.ptr<float>(y)[x] = static_cast<float>(from[x].alpha()) / 65535.0F;
      }
    }
  }
  return image;
}

}  // namespace pristine::gui
