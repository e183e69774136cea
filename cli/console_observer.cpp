#include "cli/console_observer.h"

#include <unistd.h>

#include <cmath>
#include <cstdio>

namespace pristine::cli {

namespace {

using Clock = std::chrono::steady_clock;

std::string duration(double seconds) {
  char text[32];
  const long s = std::lround(seconds);
  if (s < 60) {
    std::snprintf(text, sizeof(text), "%ld s", s);
  } else if (s < 3600) {
    std::snprintf(text, sizeof(text), "%ld min %02ld s", s / 60, s % 60);
  } else {
    std::snprintf(text, sizeof(text), "%ld h %02ld min", s / 3600, s / 60 % 60);
  }
  return text;
}

}  // namespace

ConsoleObserver::ConsoleObserver(std::size_t jobs, bool quiet)
    : jobs_(jobs),
      quiet_(quiet),
      terminal_(::isatty(STDERR_FILENO) != 0),
      begin_(Clock::now()),
      lastDraw_(begin_) {}

void ConsoleObserver::started(std::size_t /*index*/, const Job& job, double megapixels) {
  name_ = job.input.filename().string();
  megapixelsNow_ = megapixels;
  draw(0, true);
}

void ConsoleObserver::progressed(std::size_t /*index*/, double share) {
  draw(share, false);
}

void ConsoleObserver::finished(std::size_t /*index*/, const JobResult& result) {
  ++ended_;
  clear();
  if (result.status == JobStatus::Failed) {
    std::fprintf(stderr, "failed: %s: %s\n", result.job.input.c_str(), result.reason.c_str());
    return;
  }
  megapixelsDone_ += result.megapixels;
  if (quiet_ || terminal_) return;
  const double elapsed = std::chrono::duration<double>(Clock::now() - begin_).count();
  const double left = elapsed / static_cast<double>(ended_) * static_cast<double>(jobs_ - ended_);
  std::fprintf(stderr, "%zu/%zu %s %.2f MP %.2f s, %.1f MP in all, %s left\n", ended_, jobs_,
               result.job.input.c_str(), result.megapixels, result.seconds, megapixelsDone_,
               duration(left).c_str());
}

void ConsoleObserver::draw(double share, bool force) {
  if (quiet_ || !terminal_) return;
  const auto now = Clock::now();
  if (!force && now - lastDraw_ < std::chrono::milliseconds(100)) return;
  lastDraw_ = now;
  const double elapsed = std::chrono::duration<double>(now - begin_).count();
  const double done = static_cast<double>(ended_) + share;
  const double all = static_cast<double>(jobs_);
  std::string left = "...";
  if (done > 0.02) left = duration(elapsed * (all - done) / done) + " left";
  std::fprintf(stderr, "\r\033[K%3.0f %%  %zu/%zu  %.1f MP  %s  %s", 100.0 * done / all, ended_ + 1,
               jobs_, megapixelsDone_ + share * megapixelsNow_, left.c_str(), name_.c_str());
  std::fflush(stderr);
}

void ConsoleObserver::clear() {
  if (terminal_ && !quiet_) std::fputs("\r\033[K", stderr);
}

}  // namespace pristine::cli
