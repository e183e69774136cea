#include "cli/console_observer.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
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

std::string megapixelsText(double megapixels) {
  char text[32];
  if (megapixels >= 0.05) {
    std::snprintf(text, sizeof(text), "%.1f MP", megapixels);
  } else {
    std::snprintf(text, sizeof(text), "%.0f px", 1e6 * megapixels);
  }
  return text;
}

std::string printable(std::string name) {
  for (char& c : name) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F) c = '?';
  }
  return name;
}

std::string inputName(const Job& job) {
  return job.input == "-" ? "standard input" : printable(job.input.string());
}

ConsoleObserver::ConsoleObserver(RunProgress progress, bool quiet)
    : progress_(std::move(progress)),
      quiet_(quiet),
      terminal_(::isatty(STDERR_FILENO) != 0),
      begin_(Clock::now()),
      lastDraw_(begin_) {}

void ConsoleObserver::started(std::size_t index, const Job& job, double megapixels) {
  name_ = job.input == "-" ? inputName(job) : printable(job.input.filename().string());
  megapixelsNow_ = megapixels;
  share_ = 0;
  progress_.started(index);
  draw(true);
}

void ConsoleObserver::progressed(std::size_t /*index*/, double share) {
  share_ = share;
  progress_.progressed(share);
  draw(false);
}

void ConsoleObserver::finished(std::size_t index, const JobResult& result) {
  ++ended_;
  progress_.finished(index);
  clear();
  if (result.status == JobStatus::Failed) {
    std::fprintf(stderr, "failed: %s: %s\n", inputName(result.job).c_str(), result.reason.c_str());
    return;
  }
  if (!quiet_) {
    const std::string name = inputName(result.job);
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
  std::fprintf(stderr, "%zu/%zu %s %s %.2f s, %s in all, %s\n", ended_, progress_.jobs(),
               inputName(result.job).c_str(), megapixelsText(result.megapixels).c_str(),
               result.seconds, megapixelsText(megapixelsDone_).c_str(), timeLeft().c_str());
}

std::string ConsoleObserver::timeLeft() const {
  const double elapsed = std::chrono::duration<double>(Clock::now() - begin_).count();
  const auto seconds = progress_.secondsLeft(elapsed);
  return seconds ? durationText(*seconds) + " left" : "...";
}

void ConsoleObserver::draw(bool force) {
  if (quiet_ || !terminal_) return;
  const auto now = Clock::now();
  if (!force && now - lastDraw_ < std::chrono::milliseconds(100)) return;
  lastDraw_ = now;
  char text[128];
  std::snprintf(text, sizeof(text), "%3.0f %%  %zu/%zu  %.1f MP  %s  ",
                100.0 * progress_.shareDone(), std::min(ended_ + 1, progress_.jobs()),
                progress_.jobs(), megapixelsDone_ + share_ * megapixelsNow_, timeLeft().c_str());
  // A line that wraps could not be redrawn.
  const std::string line = (text + name_).substr(0, terminalWidth() - 1);
  std::fprintf(stderr, "\r\033[K%s", line.c_str());
  std::fflush(stderr);
}

void ConsoleObserver::clear() {
  if (terminal_ && !quiet_) std::fputs("\r\033[K", stderr);
}

}  // namespace pristine::cli
