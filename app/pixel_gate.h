#pragma once

#include <condition_variable>
#include <cstdint>
#include <mutex>

namespace pristine {

/// Bounds the pixels of the pictures in memory between two threads: enter() waits while they would
/// exceed the limit. A picture beyond the limit passes alone.
class PixelGate {
 public:
  explicit PixelGate(std::int64_t limit) : limit_(limit) {}

  /// Returns false once the gate is closed.
  bool enter(std::int64_t pixels) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return closed_ || inside_ == 0 || inside_ + pixels <= limit_; });
    if (closed_) return false;
    inside_ += pixels;
    return true;
  }

  void leave(std::int64_t pixels) {
    const std::lock_guard lock(mutex_);
    inside_ -= pixels;
    changed_.notify_all();
  }

  void close() {
    const std::lock_guard lock(mutex_);
    closed_ = true;
    changed_.notify_all();
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::int64_t limit_;
  std::int64_t inside_ = 0;
  bool closed_ = false;
};

}  // namespace pristine
