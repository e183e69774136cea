#pragma once

#include <atomic>
#include <chrono>
#include <csignal>
#include <optional>
#include <stop_token>
#include <thread>

#include "cli/exit_code.h"

namespace pristine::cli {

/// Turns the first SIGINT, SIGTERM or SIGHUP, or the end of the time, into a stop request. When a
/// second signal comes temporary files are removed and the process ends at once. Construct before
/// any other thread: they inherit the blocked signals.
class Interrupt {
 public:
  explicit Interrupt(std::optional<std::chrono::seconds> timeLimit = std::nullopt);
  ~Interrupt();
  Interrupt(const Interrupt&) = delete;
  Interrupt& operator=(const Interrupt&) = delete;

  std::stop_token token() const { return stop_.get_token(); }
  /// What ends the program if work is left after a stop: Interrupted after SIGINT, WorkLeft after
  /// the other signals and the time limit; Done if nothing of that has come.
  ExitCode cause() const { return cause_; }
  /// Stops as a signal does, without a cause.
  void stop() { stop_.request_stop(); }

 private:
  void wait(const std::stop_token& done, std::optional<std::chrono::seconds> timeLimit);

  std::stop_source stop_;
  std::atomic<ExitCode> cause_{ExitCode::Done};
  sigset_t signals_{};
  std::jthread waiter_;
};

}  // namespace pristine::cli
