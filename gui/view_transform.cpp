#include "gui/view_transform.h"

#include <algorithm>
#include <cmath>

namespace pristine::gui {

namespace {

constexpr double kSmallestScale = 1.0 / 256.0;

QPointF middle(const QSize& size) {
  return {size.width() / 2.0, size.height() / 2.0};
}

}  // namespace

void ViewTransform::setViewport(const QSize& size) {
  viewport_ = size.expandedTo({1, 1});
  if (fit_) fit();
  clamp();
}

void ViewTransform::setPicture(const QSize& size) {
  picture_ = size;
  if (fit_) fit();
  clamp();
}

double ViewTransform::fitScale() const {
  if (picture_.isEmpty()) return 1.0;
  const double x = static_cast<double>(viewport_.width()) / picture_.width();
  const double y = static_cast<double>(viewport_.height()) / picture_.height();
  return std::clamp(std::min({x, y, 1.0}), kSmallestScale, kLargestScale);
}

QPoint ViewTransform::origin() const {
  const QPointF corner = middle(viewport_) - centre_ * scale_;
  return {static_cast<int>(std::floor(corner.x() + 0.5)),
          static_cast<int>(std::floor(corner.y() + 0.5))};
}

QPointF ViewTransform::toPicture(const QPointF& device) const {
  return (device - QPointF(origin())) / scale_;
}

QPointF ViewTransform::toDevice(const QPointF& picture) const {
  return picture * scale_ + QPointF(origin());
}

QRect ViewTransform::visible() const {
  const QPointF first = toPicture({0, 0});
  const QPointF last =
      toPicture({static_cast<double>(viewport_.width()), static_cast<double>(viewport_.height())});
  const QPoint corner(static_cast<int>(std::floor(first.x())),
                      static_cast<int>(std::floor(first.y())));
  const QPoint end(static_cast<int>(std::ceil(last.x())) - 1,
                   static_cast<int>(std::ceil(last.y())) - 1);
  return QRect(corner, end) & QRect({0, 0}, picture_);
}

void ViewTransform::fit() {
  fit_ = true;
  scale_ = fitScale();
  centre_ = middle(picture_);
}

void ViewTransform::zoomAt(const QPointF& device, double scale) {
  const QPointF fixed = toPicture(device);
  fit_ = false;
  scale_ = std::clamp(scale, kSmallestScale, kLargestScale);
  centre_ = fixed - (device - middle(viewport_)) / scale_;
  clamp();
}

void ViewTransform::zoomCentre(double scale) {
  zoomAt(middle(viewport_), scale);
}

void ViewTransform::pan(const QPointF& device) {
  fit_ = false;
  centre_ -= device / scale_;
  clamp();
}

void ViewTransform::centreOn(const QPointF& picture) {
  fit_ = false;
  centre_ = picture;
  clamp();
}

void ViewTransform::clamp() {
  // A picture smaller than the viewport rests in its middle; a larger one covers the middle.
  const auto axis = [&](double centre, int length, int room) {
    if (length * scale_ <= room) return length / 2.0;
    return std::clamp(centre, 0.0, static_cast<double>(length));
  };
  centre_ = {axis(centre_.x(), picture_.width(), viewport_.width()),
             axis(centre_.y(), picture_.height(), viewport_.height())};
}

}  // namespace pristine::gui
