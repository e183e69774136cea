#include "app/inference_thread.h"

#include <sys/resource.h>
#include <unistd.h>

#include <chrono>
#include <exception>
#include <utility>

#include "app/machine_limits.h"
#include "app/picture_restoration.h"
#include "core/error.h"

namespace pristine {

namespace {

using Clock = std::chrono::steady_clock;

double secondsSince(Clock::time_point begin) {
  return std::chrono::duration<double>(Clock::now() - begin).count();
}

/// The lightest installed model for the same task, where that saves a third of the work or more.
std::shared_ptr<const Model> draftModelFor(const std::shared_ptr<const Model>& model) {
  std::shared_ptr<const Model> best = model;
  for (const auto& path : listModels()) {
    try {
      auto other = loadModel(path.string());
      const bool light = 3 * other->info().macsPerPixel <= 2 * model->info().macsPerPixel;
      if (other->info().task == model->info().task && other->info().scale == model->info().scale &&
          light && other->info().macsPerPixel < best->info().macsPerPixel) {
        best = std::move(other);
      }
    } catch (const Error&) {
      continue;  // it is only a model that nobody asked for
    }
  }
  return best;
}

}  // namespace

/// One restorer a purpose: each is compiled for one tile shape at a time.
struct InferenceThread::Networks {
  Networks(const ModelChoice& wanted, const RestorerOptions& arithmetic)
      : choice(wanted), model(loadModel(wanted)), options(arithmetic) {}

  /// Frees the memory of tiles that nobody waits for: it is large.
  void freeTilesOf(const std::shared_ptr<LiveRestoration>& live) {
    if (!live || live->complete()) tiles.reset();
  }

  ModelChoice choice;
  std::shared_ptr<const Model> model;
  RestorerOptions options;
  std::unique_ptr<Restorer> draft;
  std::unique_ptr<Restorer> tiles;
  std::uint64_t tilesOf = 0;  ///< id of the picture that `tiles` is for
};

/// Forwards a run of jobs and lets the picture that is looked at go first. `indices`: what the jobs
/// that are run have in the list that was given.
class InferenceThread::JobFollower : public JobObserver {
 public:
  JobFollower(InferenceThread& owner, std::stop_token stop, std::vector<std::size_t> indices)
      : owner_(owner), stop_(std::move(stop)), indices_(std::move(indices)) {}

  void started(std::size_t index, const Job& /*job*/, double megapixels) override {
    owner_.observer_.jobStarted(indices_[index], megapixels);
    away_.resize(std::max(away_.size(), index + 1), 0.0);
  }
  void progressed(std::size_t index, double share) override {
    owner_.observer_.jobProgressed(indices_[index], share);
    const auto begin = Clock::now();
    owner_.attend(Within::Jobs, stop_);
    away_[index] += secondsSince(begin);
  }
  void finished(std::size_t index, const JobResult& result) override {
    JobResult net = result;
    if (index < away_.size()) net.seconds -= away_[index];
    owner_.observer_.jobFinished(indices_[index], net);
  }

 private:
  InferenceThread& owner_;
  std::stop_token stop_;
  std::vector<std::size_t> indices_;
  std::vector<double> away_;  ///< seconds spent on other things, of every job
};

InferenceThread::InferenceThread(InferenceObserver& observer, InferenceSettings settings)
    : observer_(observer), settings_(std::move(settings)), thread_([this] { loop(); }) {}

InferenceThread::~InferenceThread() {
  {
    const std::lock_guard lock(mutex_);
    quit_ = true;
    pictureStop_.request_stop();
    comparedStop_.request_stop();
    jobsStop_.request_stop();
  }
  changed_.notify_all();
  thread_.join();
}

void InferenceThread::setSettings(InferenceSettings settings) {
  const std::lock_guard lock(mutex_);
  settings_ = std::move(settings);
  settingsChanged_ = true;
  broken_ = false;
  live_.reset();
  compared_.reset();
  pictureStop_.request_stop();
  pictureStop_ = {};
  comparedStop_.request_stop();
  comparedStop_ = {};
  changed_.notify_all();
}

void InferenceThread::show(std::shared_ptr<LiveRestoration> live, const LiveView& view,
                           bool background) {
  const std::lock_guard lock(mutex_);
  live_ = std::move(live);
  view_ = view;
  background_ = background;
  hurry_ = false;
  pictureStop_.request_stop();
  pictureStop_ = {};
  changed_.notify_all();
}

void InferenceThread::compare(std::shared_ptr<LiveRestoration> live, const ModelChoice& model) {
  const std::lock_guard lock(mutex_);
  compared_ = std::move(live);
  comparedModel_ = model;
  comparedStop_.request_stop();
  comparedStop_ = {};
  changed_.notify_all();
}

void InferenceThread::setView(const LiveView& view) {
  const std::lock_guard lock(mutex_);
  view_ = view;
  changed_.notify_all();
}

void InferenceThread::setBackground(bool background) {
  const std::lock_guard lock(mutex_);
  background_ = background;
  changed_.notify_all();
}

void InferenceThread::setHurry(bool hurry) {
  const std::lock_guard lock(mutex_);
  hurry_ = hurry;
  changed_.notify_all();
}

void InferenceThread::startJobs(std::vector<Job> jobs, const JobOptions& options) {
  const std::lock_guard lock(mutex_);
  jobs_ = std::move(jobs);
  jobOptions_ = options;
  jobsStop_ = {};
  changed_.notify_all();
}

void InferenceThread::finishJobs() {
  const std::lock_guard lock(mutex_);
  jobsFinished_ = true;
  changed_.notify_all();
}

void InferenceThread::pauseJobs(bool paused) {
  const std::lock_guard lock(mutex_);
  paused_ = paused;
  changed_.notify_all();
}

void InferenceThread::stopJobs() {
  const std::lock_guard lock(mutex_);
  jobsStop_.request_stop();
  changed_.notify_all();
}

void InferenceThread::loop() {
  {
    const std::lock_guard lock(mutex_);
    if (settings_.nice != 0) {
      ::setpriority(PRIO_PROCESS, static_cast<id_t>(::gettid()), settings_.nice);
    }
  }
  while (true) {
    bool reload = false;
    bool refuse = false;
    bool run = false;
    bool finish = false;
    std::optional<Task> task;
    {
      std::unique_lock lock(mutex_);
      changed_.wait(lock, [&] {
        reload = settingsChanged_;
        refuse = broken_ && jobs_;
        run = jobs_ && (!paused_ || jobsStop_.stop_requested());
        task = nextTask(run ? Within::Jobs : Within::Nothing);
        if (!task && !reload && networks_) networks_->freeTilesOf(live_);
        if (!compared_) comparedNetworks_.reset();
        if (!task && comparedNetworks_) comparedNetworks_->freeTilesOf(compared_);
        finish = std::exchange(jobsFinished_, false);
        return quit_ || reload || refuse || run || task || finish;
      });
      if (quit_) return;
      if (refuse && !reload) jobs_.reset();
    }
    if (finish) journal_.reset();
    if (reload) {
      load();
    } else if (refuse) {
      observer_.jobsEnded();
    } else if (task) {
      restoreTile(*task);
    } else if (run) {
      runJobList();
    }
  }
}

void InferenceThread::fail(const std::string& reason) {
  {
    const std::lock_guard lock(mutex_);
    broken_ = true;
  }
  observer_.failed(reason);
}

/// Follows changed settings. Only while no restorer is at work, but that of the jobs.
void InferenceThread::load() {
  InferenceSettings settings;
  std::stop_token stop;
  bool warmUp = false;
  {
    const std::lock_guard lock(mutex_);
    settingsChanged_ = false;
    settings = settings_;
    stop = pictureStop_.get_token();
    warmUp = !live_ && !jobs_;
  }
  try {
    auto networks = std::make_unique<Networks>(settings.model, settings.restorer);
    networks_.reset();  // its memory goes first
    comparedNetworks_.reset();
    networks->draft = std::make_unique<Restorer>(draftModelFor(networks->model), networks->options);
    networks_ = std::move(networks);
    observer_.ready(
        {networks_->model->info(), networks_->draft->precision(), networks_->draft->threads()});
    if (warmUp) {
      // Compiles the network and touches its memory before somebody waits for the first draft.
      Image blank;
      blank.pixels =
          cv::Mat::zeros(LiveRestoration::kDraftSide, LiveRestoration::kDraftSide, CV_32FC3);
      networks_->draft->restore(blank, 1.0, {stop, {}});
    }
  } catch (const std::bad_alloc&) {
    fail("model '" + settings.model.model + "' does not fit into memory");
  } catch (const std::exception& error) {
    fail(error.what());
  }
}

/// What to do next for the pictures; mutex_ is held. Within a tile only drafts are worth an
/// interruption, within jobs also the tiles that someone waits for.
std::optional<InferenceThread::Task> InferenceThread::nextTask(Within within) {
  if (broken_ || settingsChanged_ || quit_) return std::nullopt;
  const auto ofShown = [&](bool final) {
    return Task{live_, view_, final, std::nullopt, pictureStop_.get_token(), {}};
  };
  const auto ofCompared = [&](bool final) {
    return Task{compared_, view_, final, comparedModel_, comparedStop_.get_token(), {}};
  };
  if (live_ && live_->nextDraft(view_)) return ofShown(false);
  if (compared_ && compared_->nextDraft(view_)) return ofCompared(false);
  const bool tiles = within == Within::Nothing ? background_ || hurry_
                                               : within == Within::Jobs && (hurry_ || paused_);
  if (!tiles) return std::nullopt;
  const auto isVisibleLeft = [&](const LiveRestoration& live) {
    return !live.complete() && !live.isRestored(view_.visible);
  };
  if (live_ && (isVisibleLeft(*live_) || (hurry_ && !live_->complete()))) return ofShown(true);
  if (compared_ && isVisibleLeft(*compared_)) return ofCompared(true);
  if (live_ && !live_->complete()) return ofShown(true);
  if (compared_ && !compared_->complete()) return ofCompared(true);
  return std::nullopt;
}

/// Loads those of a comparison when they are needed first.
InferenceThread::Networks& InferenceThread::networksOf(const Task& task) {
  if (!task.model) return *networks_;
  if (!comparedNetworks_ || comparedNetworks_->choice != *task.model) {
    comparedNetworks_.reset();  // its memory goes first
    auto networks = std::make_unique<Networks>(*task.model, networks_->options);
    // Its own drafts: those of the lightest model would look the same on both sides.
    networks->draft = std::make_unique<Restorer>(networks->model, networks->options);
    comparedNetworks_ = std::move(networks);
  }
  return *comparedNetworks_;
}

/// Between two operators of `within`: what is more urgent, and pauses.
void InferenceThread::attend(Within within, const std::stop_token& stop) {
  while (true) {
    std::optional<Task> task;
    bool reload = false;
    {
      std::unique_lock lock(mutex_);
      while (true) {
        if (quit_ || stop.stop_requested()) return;
        // The networks are in use within a tile; it has been told to stop if they shall change.
        reload = within == Within::Jobs && settingsChanged_;
        task = nextTask(within);
        if (task) task->outer = stop;
        if (reload || task) break;
        if (within != Within::Jobs || !paused_) return;
        changed_.wait(lock);
      }
    }
    if (reload) {
      load();
    } else {
      restoreTile(*task);
    }
  }
}

/// A restorer of its own for every picture: one that has seen others may cut it differently.
void InferenceThread::prepareTiles(LiveRestoration& live, Networks& networks) {
  if (!networks.tiles || networks.tilesOf != live.id()) {
    networks.tiles.reset();  // its memory goes first
    networks.tiles = std::make_unique<Restorer>(networks.model, networks.options);
    networks.tilesOf = live.id();
  }
  if (live.prepared()) return;
  const cv::Size size = live.source().sizeAt(0);
  live.prepare(networks.tiles->gridFor(size.width, size.height), networks.tiles->feather());
}

/// One tile or draft. A picture that cannot be restored is let go.
void InferenceThread::restoreTile(const Task& task) {
  LiveRestoration& live = *task.live;
  try {
    Networks& networks = networksOf(task);
    if (task.final) prepareTiles(live, networks);
    const auto tile = task.final ? live.nextTile(task.view) : live.nextDraft(task.view);
    if (!tile) return;
    std::stop_source either;
    const auto end = [&either] { either.request_stop(); };
    const std::stop_callback pictureEnds(task.stop, end);
    const std::stop_callback outerEnds(task.outer, end);
    RestoreControl control;
    control.stop = either.get_token();
    if (task.final) {
      control.progress = [&](double share) {
        const auto done = static_cast<double>(live.tilesDone());
        observer_.pictureProgressed(live, (done + share) / static_cast<double>(live.tiles()));
        attend(Within::Tile, control.stop);
      };
    }
    Restorer& restorer = task.final ? *networks.tiles : *networks.draft;
    const auto restored = restorePicture(restorer, live.inputOf(*tile), 1.0, control);
    if (!restored || control.stop.stop_requested()) return;
    observer_.pictureChanged(live, live.put(*tile, restored->pixels));
    if (live.complete()) observer_.pictureCompleted(live);
    return;
  } catch (const std::bad_alloc&) {
    observer_.pictureFailed(live, "does not fit into memory");
  } catch (const std::exception& error) {
    observer_.pictureFailed(live, error.what());
  }
  const std::lock_guard lock(mutex_);
  if (live_ == task.live) live_.reset();
  if (compared_ == task.live) compared_.reset();
}

/// A journal reads its folder when it is made, so lists for one folder share it.
const std::shared_ptr<Journal>& InferenceThread::journalIn(const std::filesystem::path& folder) {
  if (!journal_ || folder != journalFolder_) {
    journal_.reset();  // ends the other before its folder may be read again
    journal_ = std::make_shared<Journal>(folder.empty() ? folder : journalFolderIn(folder), folder);
    journalFolder_ = folder;
  }
  return journal_;
}

void InferenceThread::runJobList() {
  std::vector<Job> jobs;
  JobOptions options;
  std::stop_token stop;
  {
    const std::lock_guard lock(mutex_);
    jobs = std::move(*jobs_);
    jobs_.reset();
    options = jobOptions_;
    stop = jobsStop_.get_token();
  }
  try {
    Restorer restorer(networks_->model, networks_->options);
    RunOptions& run = options.run;
    run.journal = journalIn(options.folder);
    run.settings = settingsDigest(restorer.info(), restorer.precision(), 0, run);
    run.pictureMemory =
        memoryForPictures(residentMemory() + standardMemory(), networks_->options.activations);
    std::vector<Job> chosen;
    std::vector<std::size_t> indices;
    for (std::size_t i = 0; i < jobs.size() && !stop.stop_requested(); ++i) {
      const Decision decision = decide(jobs[i], run.settings, options.ifExists, *run.journal);
      if (const auto result = resultOf(decision)) {
        observer_.jobFinished(i, *result);
      } else {
        chosen.push_back(decision.job);
        indices.push_back(i);
      }
    }
    JobFollower follower(*this, stop, std::move(indices));
    runJobs(chosen, restorer, run, stop, follower);
  } catch (const std::exception& error) {
    fail(error.what());
  }
  observer_.jobsEnded();
}

}  // namespace pristine
