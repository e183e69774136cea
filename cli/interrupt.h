#pragma once

#include <csignal>
#include <stop_token>
#include <thread>

namespace pristine::cli {

/// Turns the first SIGINT or SIGTERM into a stop request and lets the second end the process.
/// Construct before any other thread: they inherit the blocked signals.
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
