#include "gui/picture_saver.h"

#include <QCoreApplication>
#include <QFileInfo>
#include <QPointer>
#include <QThreadPool>
#include <exception>
#include <new>

#include "app/image_file.h"
#include "gui/reason_text.h"
#include "gui/text.h"

namespace pristine::gui {

PictureSaver::PictureSaver(RestoreController& restore, QObject* parent)
    : QObject(parent), restore_(restore) {
  connect(&restore, &RestoreController::completed, this, [this] {
    if (!pending_.isEmpty()) write();
  });
  connect(&restore, &RestoreController::modelFailed, this, &PictureSaver::cancel);
  connect(&restore, &RestoreController::pictureFailed, this, &PictureSaver::cancel);
}

void PictureSaver::save(const QString& path) {
  if (!restore_.live() || writing_) return;
  if (!isWritableExtension(toPath(path))) {
    emit failed(tr("%1: the name must end with one of %2")
                    .arg(QFileInfo(path).fileName(), QString::fromStdString(writableExtensions())));
    return;
  }
  setPending(path);
  if (restore_.isComplete() || strengthOf(task_) == 0) {
    write();
  } else {
    restore_.setHurry(true);
  }
}

void PictureSaver::cancel() {
  restore_.setHurry(false);
  setPending({});
}

void PictureSaver::setPending(const QString& path) {
  if (path == pending_) return;
  pending_ = path;
  emit waitingChanged();
}

void PictureSaver::write() {
  const QString path = pending_;
  cancel();
  writing_ = true;
  emit writing(path);
  const QPointer<PictureSaver> self(this);
  QThreadPool::globalInstance()->start([self, live = restore_.live(), task = task_, path] {
    QString reason;
    try {
      writeImage(live->blended(strengthOf(task)), toPath(path), writeOptions(task));
    } catch (const std::bad_alloc&) {
      reason = tr("%1: does not fit into memory").arg(path);
    } catch (const std::exception& error) {
      reason = reasonText(error);
    }
    QMetaObject::invokeMethod(
        QCoreApplication::instance(),
        [self, path, reason] {
          if (!self) return;
          self->writing_ = false;
          if (reason.isEmpty()) {
            emit self->saved(path);
          } else {
            emit self->failed(reason);
          }
        },
        Qt::QueuedConnection);
  });
}

}  // namespace pristine::gui
