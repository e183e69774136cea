#pragma once

#include <condition_variable>
#include <filesystem>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

#include "app/job_runner.h"
#include "app/live_restoration.h"
#include "app/model_catalog.h"
#include "app/output_policy.h"
#include "core/restorer.h"

namespace pristine {

/// Which network, and how it is run.
struct InferenceSettings {
  ModelChoice model;
  RestorerOptions restorer;
  /// How much the thread steps back behind the interface, which must stay smooth on two cores that
  /// both compute. Of the settings that the thread is made with.
  int nice = 10;
};

/// How a list of jobs is run.
struct JobOptions {
  RunOptions run;                ///< journal, settings and memory are filled in
  std::filesystem::path folder;  ///< of the outputs and their journal; empty: none is kept
  IfExists ifExists = IfExists::Auto;
};

/// What the settings became.
struct InferenceInfo {
  ModelInfo model;
  std::string precision;
  int threads = 0;
};

/// Hears of the work. Every call comes from the inference thread; calls must be quick.
class InferenceObserver {
 public:
  virtual ~InferenceObserver() = default;
  virtual void ready(const InferenceInfo& info) = 0;
  /// The model cannot be used; nothing happens until setSettings() is called again.
  virtual void failed(const std::string& reason) = 0;
  /// A part of level 0 has changed.
  virtual void pictureChanged(const LiveRestoration& live, const cv::Rect& changed) = 0;
  virtual void pictureProgressed(const LiveRestoration& live, double share) = 0;
  virtual void pictureCompleted(const LiveRestoration& live) = 0;
  virtual void pictureFailed(const LiveRestoration& live, const std::string& reason) = 0;
  /// As JobObserver; `seconds` of the result leaves out pauses and the pictures looked at
  /// meanwhile.
  virtual void jobStarted(std::size_t index, double megapixels) = 0;
  virtual void jobProgressed(std::size_t index, double share) = 0;
  virtual void jobFinished(std::size_t index, const JobResult& result) = 0;
  /// Every job has ended or was given up.
  virtual void jobsEnded() = 0;
};

/// The one thread that runs the network. It serves the picture that someone looks at, the same by
/// another model to compare it with, and a list of jobs. Drafts of what is visible come first:
/// between two operators of longer work they run on a restorer of their own, with the lightest
/// model for the task, so nothing begun is lost. All functions from one other thread.
class InferenceThread {
 public:
  InferenceThread(InferenceObserver& observer, InferenceSettings settings);
  /// Gives up the work at hand within one operator.
  ~InferenceThread();
  InferenceThread(const InferenceThread&) = delete;
  InferenceThread& operator=(const InferenceThread&) = delete;

  /// Gives up the tile at hand, but no job; jobs that run keep their network. Forgets what was
  /// shown and compared.
  void setSettings(InferenceSettings settings);
  /// The picture to restore from now on, or null. `background`: beyond what is visible.
  void show(std::shared_ptr<LiveRestoration> live, const LiveView& view, bool background);
  /// The picture that is shown by another model, in the same view, or null. What is visible of it
  /// comes after what is visible of the one shown.
  void compare(std::shared_ptr<LiveRestoration> live, const ModelChoice& model);
  void setView(const LiveView& view);
  void setBackground(bool background);
  /// The whole picture is wanted now, before the jobs.
  void setHurry(bool hurry);

  /// By the rules of the command: outputs that are up to date are skipped, foreign ones fail, and
  /// the journal of their folder hears of all. Only after jobsEnded() of those before.
  void startJobs(std::vector<Job> jobs, const JobOptions& options);
  /// No more jobs for now: the journal, which is kept from one list to the next, is closed.
  void finishJobs();
  void pauseJobs(bool paused);
  void stopJobs();

 private:
  struct Networks;
  class JobFollower;
  enum class Within { Nothing, Tile, Jobs };
  struct Task {
    std::shared_ptr<LiveRestoration> live;
    LiveView view;
    bool final = false;
    std::optional<ModelChoice> model;  ///< of a comparison; empty: that of the settings
    std::stop_token stop;              ///< of the picture
    std::stop_token outer;             ///< of the work that it interrupts
  };

  void loop();
  std::optional<Task> nextTask(Within within);
  void attend(Within within, const std::stop_token& stop);
  Networks& networksOf(const Task& task);
  static void prepareTiles(LiveRestoration& live, Networks& networks);
  void restoreTile(const Task& task);
  void runJobList();
  const std::shared_ptr<Journal>& journalIn(const std::filesystem::path& folder);
  void load();
  void fail(const std::string& reason);

  InferenceObserver& observer_;
  std::mutex mutex_;
  std::condition_variable changed_;  ///< of anything guarded
  // Guarded by mutex_.
  bool quit_ = false;
  InferenceSettings settings_;
  bool settingsChanged_ = true;
  bool broken_ = false;
  std::shared_ptr<LiveRestoration> live_;
  std::shared_ptr<LiveRestoration> compared_;
  ModelChoice comparedModel_;
  std::stop_source comparedStop_;
  LiveView view_;
  bool background_ = true;
  bool hurry_ = false;
  std::stop_source pictureStop_;
  std::optional<std::vector<Job>> jobs_;
  JobOptions jobOptions_;
  bool jobsFinished_ = false;
  bool paused_ = false;
  std::stop_source jobsStop_;

  // Touched by the inference thread only.
  std::unique_ptr<Networks> networks_;
  std::unique_ptr<Networks> comparedNetworks_;
  std::shared_ptr<Journal> journal_;
  std::filesystem::path journalFolder_;
  std::jthread thread_;
};

}  // namespace pristine
