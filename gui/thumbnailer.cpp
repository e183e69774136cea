#include "gui/thumbnailer.h"

#include <exception>

#include "app/image_file.h"
#include "gui/qt_image.h"
#include "gui/text.h"

namespace pristine::gui {

namespace {

/// Requests that scrolled out of sight long ago are forgotten.
constexpr int kMostWanted = 400;

QImage thumbnailOf(const QString& path) {
  try {
    return toQImage(readThumbnail(toPath(path), Thumbnailer::kSide).pixels);
  } catch (const std::exception&) {
    return {};  // the job itself will say what is wrong with the file
  }
}

}  // namespace

Thumbnailer::Thumbnailer(QObject* parent) : QObject(parent) {
  pool_.setMaxThreadCount(1);
}

Thumbnailer::~Thumbnailer() {
  wanted_.clear();
  pool_.waitForDone();
}

void Thumbnailer::request(const QString& path) {
  wanted_.append(path);
  if (wanted_.size() > kMostWanted) wanted_.removeFirst();
  next();
}

void Thumbnailer::next() {
  if (busy_ || wanted_.isEmpty()) return;
  busy_ = true;
  const QString path = wanted_.takeLast();
  pool_.start([this, path] {
    const QImage image = thumbnailOf(path);
    QMetaObject::invokeMethod(
        this,
        [this, path, image] {
          busy_ = false;
          emit made(path, image);
          next();
        },
        Qt::QueuedConnection);
  });
}

}  // namespace pristine::gui
