#include "cli/status_line.h"

#include <unistd.h>

#include <cstdio>

namespace pristine::cli {

using Clock = std::chrono::steady_clock;

StatusLine::StatusLine() : terminal_(::isatty(STDERR_FILENO) != 0) {}

void StatusLine::begin(const std::string& text) {
  clear();
  text_ = text;
  if (!terminal_) {
    std::fprintf(stderr, "%s\n", text.c_str());
    return;
  }
  lastDraw_ = {};
  progress(0);
}

void StatusLine::progress(double share) {
  const auto now = Clock::now();
  if (!terminal_ || now - lastDraw_ < std::chrono::milliseconds(100)) return;
  lastDraw_ = now;
  drawn_ = true;
  std::fprintf(stderr, "\r\033[K%s %3.0f %%", text_.c_str(), 100.0 * share);
  std::fflush(stderr);
}

void StatusLine::clear() {
  if (drawn_) std::fputs("\r\033[K", stderr);
  drawn_ = false;
}

}  // namespace pristine::cli
