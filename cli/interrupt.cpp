#include "cli/interrupt.h"

#include <unistd.h>

#include "cli/exit_code.h"

namespace pristine::cli {

Interrupt::Interrupt() {
  sigemptyset(&signals_);
  sigaddset(&signals_, SIGINT);
  sigaddset(&signals_, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &signals_, nullptr);
  waiter_ = std::jthread([this](const std::stop_token& done) {
    const timespec pause{0, 50'000'000};
    while (!done.stop_requested()) {
      if (sigtimedwait(&signals_, nullptr, &pause) < 0) continue;
      if (stop_.stop_requested()) ::_exit(static_cast<int>(ExitCode::Interrupted));
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
