#include "cli/interrupt.h"

#include <unistd.h>

#include <cstdio>

#include "app/image_file.h"

namespace pristine::cli {

namespace {

using Clock = std::chrono::steady_clock;

ExitCode causeOf(int signal) {
  return signal == SIGINT ? ExitCode::Interrupted : ExitCode::WorkLeft;
}

[[noreturn]] void endNow(ExitCode code) {
  removeTemporaryFiles();
  std::fputs("\ninterrupted\n", stderr);
  ::_exit(static_cast<int>(code));
}

}  // namespace

Interrupt::Interrupt(std::optional<std::chrono::seconds> timeLimit) {
  sigemptyset(&signals_);
  for (const int signal : {SIGINT, SIGTERM, SIGHUP}) {
    struct sigaction action {};
    // Whoever started the process may have it ignore a signal, as nohup does.
    if (::sigaction(signal, nullptr, &action) == 0 && action.sa_handler != SIG_IGN) {
      sigaddset(&signals_, signal);
    }
  }
  pthread_sigmask(SIG_BLOCK, &signals_, nullptr);
  waiter_ = std::jthread([this, timeLimit](const std::stop_token& done) { wait(done, timeLimit); });
}

void Interrupt::wait(const std::stop_token& done, std::optional<std::chrono::seconds> timeLimit) {
  const timespec pause{0, 50'000'000};
  const Clock::time_point begin = Clock::now();
  bool signalled = false;
  while (!done.stop_requested()) {
    const int signal = sigtimedwait(&signals_, nullptr, &pause);
    if (signal > 0) {
      if (signalled) endNow(causeOf(signal));
      signalled = true;
      cause_ = causeOf(signal);
      stop_.request_stop();
    } else if (timeLimit && !stop_.stop_requested() && Clock::now() - begin >= *timeLimit) {
      cause_ = ExitCode::WorkLeft;
      stop_.request_stop();
    }
  }
}

Interrupt::~Interrupt() {
  waiter_.request_stop();
  waiter_.join();
  pthread_sigmask(SIG_UNBLOCK, &signals_, nullptr);
}

}  // namespace pristine::cli
