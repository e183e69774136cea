#pragma once

#include <csignal>
#include <stop_token>
#include <thread>

namespace pristine::cli {

/// Turns the first SIGINT, SIGTERM or SIGHUP into a stop request. When a second comes, or the
/// process has not ended 0.7 seconds later (one operator on a large tile may take longer),
/// temporary files are removed and the process ends. Construct before any other thread: they
/// inherit the blocked signals.
class Interrupt {
 public:
  Interrupt();
  ~Interrupt();
  Interrupt(const Interrupt&) = delete;
  Interrupt& operator=(const Interrupt&) = delete;

  std::stop_token token() const { return stop_.get_token(); }

 private:
  std::stop_source stop_;
  sigset_t signals_{};
  std::jthread waiter_;
};

}  // namespace pristine::cli
