#include "gui/restore_controller.h"

#include <QMetaObject>
#include <chrono>
#include <utility>

#include "gui/qt_image.h"
#include "gui/reason_text.h"

namespace pristine::gui {

namespace {

constexpr std::chrono::milliseconds kInterval{33};  ///< between two signals of progress

/// Says no more often than the interval allows.
class Throttle {
 public:
  bool pass() {
    const auto now = std::chrono::steady_clock::now();
    if (now - last_ < kInterval) return false;
    last_ = now;
    return true;
  }

 private:
  std::chrono::steady_clock::time_point last_;
};

}  // namespace

/// Lives on the inference thread and posts to the controller's.
class RestoreController::Bridge : public InferenceObserver {
 public:
  explicit Bridge(RestoreController& owner) : owner_(owner) {}

  void ready(const InferenceInfo& info) override {
    post([info](RestoreController& c) { emit c.modelReady(info); });
  }
  void failed(const std::string& reason) override {
    post([text = reasonText(reason, ErrorCode::Model)](RestoreController& c) {
      emit c.modelFailed(text);
    });
  }
  void pictureChanged(const LiveRestoration& live, const cv::Rect& changed) override {
    post([id = live.id(), rect = toQt(changed)](RestoreController& c) {
      if (c.live_ && c.live_->id() == id) emit c.restored(rect);
      if (c.compared_ && c.compared_->id() == id) emit c.comparedRestored(rect);
    });
  }
  void pictureProgressed(const LiveRestoration& live, double share) override {
    if (!pictureThrottle_.pass()) return;
    postFor(live, [share](RestoreController& c) { emit c.progressed(share); });
  }
  void pictureCompleted(const LiveRestoration& live) override {
    post([id = live.id()](RestoreController& c) {
      if (c.live_ && c.live_->id() == id) {
        c.complete_ = true;
        emit c.completed();
      }
      if (c.compared_ && c.compared_->id() == id) emit c.comparedCompleted();
    });
  }
  void pictureFailed(const LiveRestoration& live, const std::string& reason) override {
    post([id = live.id(), text = reasonText(reason)](RestoreController& c) {
      if (c.live_ && c.live_->id() == id) emit c.pictureFailed(text);
      if (c.compared_ && c.compared_->id() == id) emit c.comparedFailed(text);
    });
  }
  void jobStarted(std::size_t index, double megapixels) override {
    post([=](RestoreController& c) { emit c.jobStarted(index, megapixels); });
  }
  void jobProgressed(std::size_t index, double share) override {
    if (!jobThrottle_.pass()) return;
    post([=](RestoreController& c) { emit c.jobProgressed(index, share); });
  }
  void jobFinished(std::size_t index, const JobResult& result) override {
    post([index, result](RestoreController& c) { emit c.jobFinished(index, result); });
  }
  void jobsEnded() override {
    post([](RestoreController& c) { emit c.jobsEnded(); });
  }

 private:
  template <typename Action>
  void post(Action action) {
    QMetaObject::invokeMethod(
        &owner_, [&owner = owner_, action] { action(owner); }, Qt::QueuedConnection);
  }
  /// News of a picture that is not open any more are dropped.
  template <typename Action>
  void postFor(const LiveRestoration& live, Action action) {
    post([id = live.id(), action](RestoreController& c) {
      if (c.live_ && c.live_->id() == id) action(c);
    });
  }

  RestoreController& owner_;
  Throttle pictureThrottle_;
  Throttle jobThrottle_;
};

RestoreController::RestoreController(InferenceSettings settings, QObject* parent)
    : QObject(parent),
      scale_(settings.model.scale),
      bridge_(std::make_unique<Bridge>(*this)),
      thread_(std::make_unique<InferenceThread>(*bridge_, std::move(settings))) {}

RestoreController::~RestoreController() = default;

void RestoreController::open(std::shared_ptr<const Picture> picture, const LiveView& view) {
  QString reason;
  try {
    live_ = picture ? std::make_shared<LiveRestoration>(picture, scale_) : nullptr;
  } catch (const std::exception& error) {
    live_.reset();
    reason = reasonText(error);
  }
  picture_ = std::move(picture);
  view_ = view;
  complete_ = false;
  thread_->show(live_, view_, background_);
  openCompared();
  emit liveChanged();
  if (!reason.isEmpty()) emit pictureFailed(reason);
}

void RestoreController::setCompared(const std::optional<ModelChoice>& model) {
  if (model == comparedModel_) return;
  comparedModel_ = model;
  openCompared();
}

/// Nothing where the picture itself cannot be restored: that has been said.
void RestoreController::openCompared() {
  compared_.reset();
  try {
    if (comparedModel_ && live_) {
      compared_ = std::make_shared<LiveRestoration>(picture_, comparedModel_->scale);
    }
  } catch (const std::exception& error) {
    emit comparedFailed(reasonText(error));
  }
  thread_->compare(compared_, comparedModel_.value_or(ModelChoice()));
}

void RestoreController::setSettings(const InferenceSettings& settings) {
  scale_ = settings.model.scale;
  thread_->setSettings(settings);
  open(picture_, view_);
}

void RestoreController::setView(const LiveView& view) {
  view_ = view;
  thread_->setView(view);
}

void RestoreController::setBackground(bool background) {
  background_ = background;
  thread_->setBackground(background);
}

void RestoreController::setHurry(bool hurry) {
  thread_->setHurry(hurry);
}

void RestoreController::startJobs(std::vector<Job> jobs, const JobOptions& options) {
  thread_->startJobs(std::move(jobs), options);
}

void RestoreController::finishJobs() {
  thread_->finishJobs();
}

void RestoreController::pauseJobs(bool paused) {
  thread_->pauseJobs(paused);
}

void RestoreController::stopJobs() {
  thread_->stopJobs();
}

}  // namespace pristine::gui
