#pragma once

#include <QObject>
#include <QString>

#include "gui/restore_controller.h"
#include "gui/task_settings.h"

namespace pristine::gui {

/// Writes the picture that is open, beside the interface. What is not wholly restored is restored
/// first, before anything else.
class PictureSaver : public QObject {
  Q_OBJECT
 public:
  explicit PictureSaver(RestoreController& restore, QObject* parent = nullptr);

  /// Decides about the strength and what the file is like.
  void setTask(const TaskSettings& task) { task_ = task; }
  /// Replaces an existing file.
  void save(const QString& path);
  /// Gives up a file that waits; one that is being written is finished.
  void cancel();
  /// The file that waits for its picture; empty: none.
  const QString& waitingFor() const { return pending_; }

 signals:
  /// A file begins to wait, or waits no longer.
  void waitingChanged();
  void writing(const QString& path);
  void saved(const QString& path);
  void failed(const QString& reason);

 private:
  void write();
  void setPending(const QString& path);

  RestoreController& restore_;
  TaskSettings task_;
  QString pending_;
  bool writing_ = false;
};

}  // namespace pristine::gui
