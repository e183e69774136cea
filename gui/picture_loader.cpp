#include "gui/picture_loader.h"

#include <QCoreApplication>
#include <QPointer>
#include <QThreadPool>
#include <exception>
#include <new>

#include "app/image_file.h"
#include "gui/reason_text.h"
#include "gui/text.h"

namespace pristine::gui {

void PictureLoader::load(const QString& path) {
  start([path] { return readImage(toPath(path)); }, path);
}

void PictureLoader::take(Image image) {
  start([image = std::move(image)] { return image; }, {});
}

void PictureLoader::start(std::function<Image()> read, const QString& path) {
  const quint64 generation = ++generation_;
  const QPointer<PictureLoader> self(this);
  QThreadPool::globalInstance()->start(
      [self, generation, read = std::move(read), path, screen = profile_] {
        LoadedPicture result;
        try {
          result.picture = makePicture(read(), toPath(path));
          result.colours = DisplayTransform::make(iccProfile(result.picture->image), screen);
        } catch (const std::bad_alloc&) {
          result.reason = tr("%1: does not fit into memory").arg(path);
        } catch (const std::exception& error) {
          result.reason = reasonText(error);
        }
        QMetaObject::invokeMethod(
            QCoreApplication::instance(),
            [self, generation, result = std::move(result)] {
              if (self && self->generation_ == generation) emit self->loaded(result);
            },
            Qt::QueuedConnection);
      });
}

}  // namespace pristine::gui
