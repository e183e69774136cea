#pragma once

#include <QObject>
#include <QTimer>
#include <memory>

#include "gui/image_canvas.h"

namespace pristine::gui {

/// PSNR and SSIM of what is visible against a reference, computed beside the interface once the
/// view rests.
class ViewMetrics : public QObject {
  Q_OBJECT
 public:
  explicit ViewMetrics(const ImageCanvas& canvas, QObject* parent = nullptr);

  /// Null: none.
  void setReference(std::shared_ptr<const Picture> reference);
  /// Something that is seen is another than before.
  void schedule();

 signals:
  void changed(const QString& text);

 private:
  void measure();

  const ImageCanvas& canvas_;
  std::shared_ptr<const Picture> reference_;
  QTimer timer_;
  quint64 generation_ = 0;
};

}  // namespace pristine::gui
