#include "app/files/vips_turn.h"

#include <vips/vips.h>

#include <condition_variable>
#include <mutex>

namespace pristine {

namespace {

/// Many steps or one thread alone, which goes first: decoders never leave a gap of their own.
class Turn {
 public:
  void beginStep() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return waiting_ == 0 && !alone_; });
    ++steps_;
  }

  void endStep() {
    const std::lock_guard lock(mutex_);
    if (--steps_ == 0) changed_.notify_all();
  }

  void beginAlone() {
    std::unique_lock lock(mutex_);
    ++waiting_;
    changed_.wait(lock, [&] { return steps_ == 0 && !alone_; });
    --waiting_;
    alone_ = true;
  }

  void endAlone() {
    const std::lock_guard lock(mutex_);
    alone_ = false;
    changed_.notify_all();
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  int steps_ = 0;
  int waiting_ = 0;
  bool alone_ = false;
};

Turn& turn() {
  static Turn instance;
  return instance;
}

thread_local bool aloneHere = false;

}  // namespace

VipsStep::VipsStep() : counted_(!aloneHere) {
  if (counted_) turn().beginStep();
}

VipsStep::~VipsStep() {
  if (counted_) turn().endStep();
}

VipsAlone::VipsAlone() {
  turn().beginAlone();
  aloneHere = true;
  vips_error_clear();
}

VipsAlone::~VipsAlone() {
  vips_error_clear();
  aloneHere = false;
  turn().endAlone();
}

bool VipsAlone::isHere() {
  return aloneHere;
}

}  // namespace pristine
