#include "gui/pixel_text.h"

#include <QStringList>
#include <algorithm>
#include <cmath>

#include "gui/qt_image.h"

namespace pristine::gui {

namespace {

QString valuesAt(const PictureSource& source, int x, int y) {
  const cv::Mat value = source.read(0, {x, y, 1, 1});
  const SampleDepth depth = source.picture().image.depth;
  const double peak = depth == SampleDepth::U16 ? 65535.0 : 255.0;
  QStringList parts;
  for (int c = 0; c < 3; ++c) {
    const auto v = static_cast<double>(value.ptr<float>()[c]);
    parts << (depth == SampleDepth::F32
                  ? QString::number(v, 'f', 4)
                  : QString::number(std::lround(std::clamp(v, 0.0, 1.0) * peak)));
  }
  return parts.join(QLatin1Char(' '));
}

}  // namespace

QString pixelText(const PictureSource& before, const PictureSource& after, const QPoint& pixel) {
  const QSize size = sizeOf(before);
  const QSize full = sizeOf(after);
  const auto matched = [](int position, int length, int of) {
    return static_cast<int>(std::min<qint64>(qint64{position} * length / of, length - 1));
  };
  const int x = matched(pixel.x(), size.width(), full.width());
  const int y = matched(pixel.y(), size.height(), full.height());
  return QStringLiteral("%1, %2   %3 → %4")
      .arg(pixel.x())
      .arg(pixel.y())
      .arg(valuesAt(before, x, y), valuesAt(after, pixel.x(), pixel.y()));
}

}  // namespace pristine::gui
