#include "cli/console_observer.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <numeric>
#include <utility>

namespace pristine::cli {

namespace {

using Clock = std::chrono::steady_clock;

/// Columns of the terminal.
std::size_t terminalWidth() {
  winsize size{};
  const bool known = ::ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0;
  return known ? size.ws_col : 80;
}

}  // namespace

std::string durationText(double seconds) {
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

std::string printable(std::string name) {
  for (char& c : name) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F) c = '?';
  }
  return name;
}

ConsoleObserver::ConsoleObserver(std::vector<double> weights, std::optional<double> expected,
                                 bool quiet)
    : weights_(std::move(weights)),
      weight_(std::max(1e-9, std::accumulate(weights_.begin(), weights_.end(), 0.0))),
      expected_(expected),
      quiet_(quiet),
      terminal_(::isatty(STDERR_FILENO) != 0),
      begin_(Clock::now()),
      lastDraw_(begin_) {}

void ConsoleObserver::started(std::size_t index, const Job& job, double megapixels) {
  name_ = job.input.filename().string();
  megapixelsNow_ = megapixels;
  draw(index, 0, true);
}

void ConsoleObserver::progressed(std::size_t index, double share) {
  draw(index, share, false);
}

void ConsoleObserver::finished(std::size_t index, const JobResult& result) {
  ++ended_;
  weightEnded_ += weights_[index];
  clear();
  if (result.status == JobStatus::Failed) {
    std::fprintf(stderr, "failed: %s: %s\n", printable(result.job.input.string()).c_str(),
                 result.reason.c_str());
    return;
  }
  if (!quiet_) {
    const std::string name = printable(result.job.input.string());
    if (result.status == JobStatus::Skipped) {
      std::fprintf(stderr, "skipped: %s: %s\n", name.c_str(), result.reason.c_str());
      return;
    }
    if (!result.task.empty()) {
      std::fprintf(stderr, "%s: %s: %s\n", result.task.c_str(), name.c_str(),
                   result.finding.c_str());
    }
    for (const std::string& note : result.notes) {
      std::fprintf(stderr, "note: %s: %s\n", name.c_str(), note.c_str());
    }
  }
  megapixelsDone_ += result.megapixels;
  if (quiet_ || terminal_) return;
  std::fprintf(stderr, "%zu/%zu %s %.2f MP %.2f s, %.1f MP in all, %s\n", ended_, weights_.size(),
               printable(result.job.input.string()).c_str(), result.megapixels, result.seconds,
               megapixelsDone_, timeLeft(weightEnded_).c_str());
}

std::string ConsoleObserver::timeLeft(double weightDone) const {
  const double elapsed = std::chrono::duration<double>(Clock::now() - begin_).count();
  if (weightDone < 0.02 * weight_) {
    return expected_ ? durationText(std::max(0.0, *expected_ - elapsed)) + " left" : "...";
  }
  return durationText(elapsed * (weight_ - weightDone) / weightDone) + " left";
}

void ConsoleObserver::draw(std::size_t index, double share, bool force) {
  if (quiet_ || !terminal_) return;
  const auto now = Clock::now();
  if (!force && now - lastDraw_ < std::chrono::milliseconds(100)) return;
  lastDraw_ = now;
  const double done = weightEnded_ + share * weights_[index];
  char text[128];
  std::snprintf(text, sizeof(text), "%3.0f %%  %zu/%zu  %.1f MP  %s  ", 100.0 * done / weight_,
                ended_ + 1, weights_.size(), megapixelsDone_ + share * megapixelsNow_,
                timeLeft(done).c_str());
  // A line that wraps could not be redrawn.
  const std::string line = (text + printable(name_)).substr(0, terminalWidth() - 1);
  std::fprintf(stderr, "\r\033[K%s", line.c_str());
  std::fflush(stderr);
}

void ConsoleObserver::clear() {
  if (terminal_ && !quiet_) std::fputs("\r\033[K", stderr);
}

}  // namespace pristine::cli
