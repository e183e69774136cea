#pragma once

#include <QObject>
#include <map>
#include <optional>
#include <vector>

#include "gui/queue_model.h"
#include "gui/restore_controller.h"
#include "gui/task_settings.h"

namespace pristine::gui {

/// Runs the queue on the inference thread, a few pictures at a time so that pictures can be added,
/// removed and set up differently meanwhile.
class QueueController : public QObject {
  Q_OBJECT
 public:
  QueueController(QueueModel& model, RestoreController& restore, QObject* parent = nullptr);

  bool isRunning() const { return running_; }
  bool isPaused() const { return paused_; }
  /// start() was called since the queue last came to its end.
  bool isUnfinished() const { return unfinished_; }
  void setTask(const TaskSettings& task) { task_ = task; }

  /// Files and folders (with all below them). Folders are searched beside the interface; added()
  /// follows.
  void addPaths(const std::vector<std::filesystem::path>& paths);
  void start();
  void setPaused(bool paused);
  /// What runs waits again. At once; start() may follow at once too.
  void stop();
  void remove(const std::vector<int>& rows);

  /// 0 to 1 over all pictures of the queue.
  double share() const;
  /// Of what is left, from what was measured in this run; empty before the first is done.
  std::optional<double> secondsLeft() const;

  /// What is not done, for the next time.
  void savePending(const QString& file) const;
  /// Returns how many pictures wait again.
  int loadPending(const QString& file);

 signals:
  void stateChanged();
  /// Numbers of states or progress.
  void progressed();
  /// `first`: the first picture of the request, also if it was there before.
  void added(int count, const QString& first);
  /// Paths that cannot be added, with reasons, one a line.
  void refused(const QString& reasons);
  void finished();

 private:
  void addFound(std::vector<QueueItem> items, const QStringList& problems);
  void startNext();
  QString problemOf(const QueueItem& item, const std::filesystem::path& output) const;
  void waitAgain();
  void halt();
  std::uint64_t idAt(std::size_t index) const;
  void jobStarted(std::size_t index, double megapixels);
  void jobProgressed(std::size_t index, double share);
  void jobFinished(std::size_t index, const JobResult& result);
  void jobsEnded();

  QueueModel& model_;
  RestoreController& restore_;
  TaskSettings task_;
  bool running_ = false;
  bool paused_ = false;
  bool unfinished_ = false;
  bool atWork_ = false;      ///< jobs are with the inference thread
  bool ending_ = false;      ///< the jobs at work are given up, whether more follow or not
  bool beginAgain_ = false;  ///< the jobs at work were stopped to be laid out anew
  int endedInBatch_ = 0;
  std::map<std::filesystem::path, std::filesystem::path> writers_;  ///< input of every output
  std::vector<std::uint64_t> batch_;
  double doneSeconds_ = 0;  ///< of this run
  int doneCount_ = 0;
};

}  // namespace pristine::gui
