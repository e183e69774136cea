#pragma once

#include <QPoint>
#include <QPointF>
#include <QRect>
#include <QSize>

namespace pristine::gui {

/// How a picture lies in a viewport. Positions on the screen are device pixels; the scale is device
/// pixels per picture pixel. The picture's corner always falls on a whole device pixel.
class ViewTransform {
 public:
  static constexpr double kLargestScale = 32.0;

  void setViewport(const QSize& size);
  void setPicture(const QSize& size);

  QSize viewport() const { return viewport_; }
  QSize picture() const { return picture_; }
  double scale() const { return scale_; }
  /// The scale follows the viewport until somebody zooms.
  bool isFit() const { return fit_; }
  double fitScale() const;

  /// Device pixel of the picture's upper left corner.
  QPoint origin() const;
  QPointF toPicture(const QPointF& device) const;
  QPointF toDevice(const QPointF& picture) const;
  /// The picture pixels that are at least partly inside the viewport.
  QRect visible() const;

  void fit();
  /// Keeps what is under `device` there, as far as the picture stays in reach.
  void zoomAt(const QPointF& device, double scale);
  void zoomCentre(double scale);
  void pan(const QPointF& device);
  void centreOn(const QPointF& picture);
  QPointF centre() const { return centre_; }

 private:
  void clamp();

  QSize viewport_{1, 1};
  QSize picture_;
  double scale_ = 1.0;
  bool fit_ = true;
  QPointF centre_;  ///< picture position in the middle of the viewport
};

}  // namespace pristine::gui
