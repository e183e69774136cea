#include "cli/interrupt.h"

#include <unistd.h>

#include <chrono>
#include <cstdio>

#include "app/image_file.h"
#include "cli/exit_code.h"

namespace pristine::cli {

namespace {

constexpr std::chrono::milliseconds kGrace{700};

[[noreturn]] void endNow() {
  removeTemporaryFiles();
  std::fputs("\ninterrupted\n", stderr);
  ::_exit(static_cast<int>(ExitCode::Interrupted));
}

}  // namespace

Interrupt::Interrupt() {
  sigemptyset(&signals_);
  for (const int signal : {SIGINT, SIGTERM, SIGHUP}) {
    struct sigaction action {};
    // Whoever started the process may have it ignore a signal, as nohup does.
    if (::sigaction(signal, nullptr, &action) == 0 && action.sa_handler != SIG_IGN) {
      sigaddset(&signals_, signal);
    }
  }
  pthread_sigmask(SIG_BLOCK, &signals_, nullptr);
  waiter_ = std::jthread([this](const std::stop_token& done) {
    using Clock = std::chrono::steady_clock;
    const timespec pause{0, 50'000'000};
    Clock::time_point deadline = Clock::time_point::max();
    while (!done.stop_requested()) {
      const bool signalled = sigtimedwait(&signals_, nullptr, &pause) > 0;
      if (Clock::now() >= deadline || (signalled && stop_.stop_requested())) endNow();
      if (!signalled) continue;
      deadline = Clock::now() + kGrace;
      stop_.request_stop();
    }
  });
}

Interrupt::~Interrupt() {
  waiter_.request_stop();
  waiter_.join();
  pthread_sigmask(SIG_UNBLOCK, &signals_, nullptr);
}

}  // namespace pristine::cli
