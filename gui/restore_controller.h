#pragma once

#include <QObject>
#include <QRect>
#include <memory>
#include <optional>

#include "app/inference_thread.h"

namespace pristine::gui {

/// The inference thread as the interface sees it: calls go to the thread, its news come back as
/// signals in the thread of this object, at most some thirty a second of each kind of progress.
class RestoreController : public QObject {
  Q_OBJECT
 public:
  explicit RestoreController(InferenceSettings settings, QObject* parent = nullptr);
  ~RestoreController() override;

  /// Restores a picture from now on, what is visible first. Null: none. A picture whose
  /// enlargement is too large is restored as none, and pictureFailed() says so.
  void open(std::shared_ptr<const Picture> picture, const LiveView& view);
  const std::shared_ptr<LiveRestoration>& live() const { return live_; }
  bool isComplete() const { return complete_; }
  /// The open picture by another model, to compare it with; empty: none. For all pictures to come.
  void setCompared(const std::optional<ModelChoice>& model);
  const std::shared_ptr<LiveRestoration>& compared() const { return compared_; }
  /// Begins the open picture anew.
  void setSettings(const InferenceSettings& settings);
  void setView(const LiveView& view);
  void setBackground(bool background);
  void setHurry(bool hurry);

  void startJobs(std::vector<Job> jobs, const JobOptions& options);
  void finishJobs();
  void pauseJobs(bool paused);
  void stopJobs();

 signals:
  void modelReady(const pristine::InferenceInfo& info);
  void modelFailed(const QString& reason);
  /// live() is another one.
  void liveChanged();
  /// Pixels of level 0 are restored.
  void restored(const QRect& changed);
  void comparedRestored(const QRect& changed);
  void comparedCompleted();
  void comparedFailed(const QString& reason);
  void progressed(double share);
  void completed();
  void pictureFailed(const QString& reason);
  void jobStarted(std::size_t index, double megapixels);
  void jobProgressed(std::size_t index, double share);
  void jobFinished(std::size_t index, const pristine::JobResult& result);
  void jobsEnded();

 private:
  class Bridge;

  void openCompared();

  int scale_ = 1;  ///< of the network
  std::shared_ptr<const Picture> picture_;
  std::shared_ptr<LiveRestoration> live_;
  std::optional<ModelChoice> comparedModel_;
  std::shared_ptr<LiveRestoration> compared_;
  LiveView view_;
  bool background_ = true;
  bool complete_ = false;
  std::unique_ptr<Bridge> bridge_;
  std::unique_ptr<InferenceThread> thread_;  ///< last: it calls the bridge until it is gone
};

}  // namespace pristine::gui
