#pragma once

#include <QObject>
#include <QString>
#include <functional>
#include <memory>
#include <vector>

#include "app/display_transform.h"
#include "app/picture.h"

namespace pristine::gui {

/// A picture that was read, or why not.
struct LoadedPicture {
  std::shared_ptr<const Picture> picture;  ///< null after a failure
  std::shared_ptr<const DisplayTransform> colours;
  QString reason;
};

/// Reads pictures beside the interface. Only the last request is answered.
class PictureLoader : public QObject {
  Q_OBJECT
 public:
  using QObject::QObject;

  /// ICC file of the screen; empty: sRGB.
  void setScreenProfile(std::vector<std::uint8_t> profile) { profile_ = std::move(profile); }
  void load(const QString& path);
  /// A picture that comes from no file.
  void take(Image image);
  void cancel() { ++generation_; }

 signals:
  void loaded(const pristine::gui::LoadedPicture& result);

 private:
  void start(std::function<Image()> read, const QString& path);

  std::vector<std::uint8_t> profile_;
  quint64 generation_ = 0;
};

}  // namespace pristine::gui
