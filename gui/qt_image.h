#pragma once

#include <QImage>
#include <QRect>
#include <QSize>
#include <QSizeF>

#include "core/image.h"
#include "gui/picture_source.h"

namespace pristine::gui {

/// A rectangle of the device pixels that a picture has when it is drawn at a scale.
struct Sampling {
  QRect device;  ///< counted from the picture's upper left corner
  QSizeF scale;  ///< device pixels per picture pixel
};

/// Nearest from this scale on, so that pixels can be seen; bilinear on the mip level below.
constexpr double kNearestScale = 2.0;

/// CV_32FC3 of the size of the rectangle; device pixels beyond the picture repeat its edge.
cv::Mat sample(const PictureSource& source, const Sampling& sampling);

/// A part of a picture for the screen: through its colour transform, alpha over a chequerboard.
QImage renderPicture(const PictureSource& source, const Sampling& sampling);

/// |b - a| * gain. `a` is scaled to the size of `b`, to which the sampling refers.
QImage renderDifference(const PictureSource& a, const PictureSource& b, const Sampling& sampling,
                        double gain);

/// `from` scaled to the size of `to`: the sampling of the one that matches the other's.
Sampling matched(const Sampling& sampling, const QSize& from, const QSize& to);

QSize sizeOf(const PictureSource& source);
inline cv::Rect toCv(const QRect& r) {
  return {r.x(), r.y(), r.width(), r.height()};
}
inline QRect toQt(const cv::Rect& r) {
  return {r.x, r.y, r.width, r.height};
}

/// CV_32FC3 in [0, 1] after clipping, as RGB32.
QImage toQImage(const cv::Mat& rgb);
/// A picture from the clipboard: 16 bit where it has more than 8, its profile left behind as sRGB.
Image fromQImage(const QImage& image);

}  // namespace pristine::gui
