#include "gui/view_metrics.h"

#include <QCoreApplication>
#include <QPointer>
#include <QThreadPool>
#include <cmath>
#include <exception>

#include "core/metrics.h"
#include "gui/qt_image.h"
#include "gui/reason_text.h"

namespace pristine::gui {

namespace {

constexpr int kDelay = 200;                      ///< ms that the view must rest
constexpr std::int64_t kMostPixels = 4'000'000;  ///< a larger view is measured in its middle

/// A part of a picture as an image that core's metrics can compare.
Image cropped(const PictureSource& source, const QRect& rect) {
  Image image = source.picture().image;
  image.pixels = source.read(0, toCv(rect));
  image.alpha = cv::Mat();
  return image;
}

QString metricText(const Comparison& c) {
  const QString psnr = std::isinf(c.psnr) ? QStringLiteral("∞") : QString::number(c.psnr, 'f', 2);
  return ViewMetrics::tr("%1 dB, SSIM %2").arg(psnr, QString::number(c.ssim, 'f', 4));
}

QRect measuredPart(QRect rect) {
  const double excess =
      static_cast<double>(rect.width()) * rect.height() / static_cast<double>(kMostPixels);
  if (excess <= 1) return rect;
  const QSize smaller = rect.size() / std::sqrt(excess);
  return {rect.center() - QPoint(smaller.width() / 2, smaller.height() / 2), smaller};
}

}  // namespace

ViewMetrics::ViewMetrics(const ImageCanvas& canvas, QObject* parent)
    : QObject(parent), canvas_(canvas) {
  timer_.setSingleShot(true);
  timer_.setInterval(kDelay);
  connect(&timer_, &QTimer::timeout, this, &ViewMetrics::measure);
}

void ViewMetrics::setReference(std::shared_ptr<const Picture> reference) {
  reference_ = std::move(reference);
  schedule();
}

void ViewMetrics::schedule() {
  timer_.start();
}

void ViewMetrics::measure() {
  const quint64 generation = ++generation_;
  if (!reference_ || canvas_.isEmpty()) {
    emit changed({});
    return;
  }
  const auto& after = canvas_.after();
  if (reference_->sizeAt(0) != after->picture().sizeAt(0)) {
    emit changed(tr("the reference has another size"));
    return;
  }
  const QRect rect = measuredPart(canvas_.view().visible());
  const QPointer<ViewMetrics> self(this);
  const auto target = std::make_shared<StillSource>(reference_, nullptr);
  // What is shown as before; where that is the reference itself or has another size, the original,
  // or what cubic interpolation makes of it.
  std::shared_ptr<const PictureSource> before = canvas_.before();
  if (before->sharedPicture() == reference_ ||
      before->picture().sizeAt(0) != reference_->sizeAt(0)) {
    before = std::make_shared<StillSource>(after->sharedPicture(), nullptr);
  }
  QThreadPool::globalInstance()->start([=] {
    QString text;
    try {
      const Image truth = cropped(*target, rect);
      text = tr("view: %1 → %2")
                 .arg(metricText(compare(cropped(*before, rect), truth)),
                      metricText(compare(cropped(*after, rect), truth)));
    } catch (const std::exception& error) {
      text = reasonText(error);
    }
    QMetaObject::invokeMethod(
        QCoreApplication::instance(),
        [self, generation, text] {
          if (self && self->generation_ == generation) emit self->changed(text);
        },
        Qt::QueuedConnection);
  });
}

}  // namespace pristine::gui
