#pragma once

#include <chrono>
#include <string>

namespace pristine::cli {

/// What the program is at, on standard error: one line that is redrawn on a terminal, a line for
/// each new text elsewhere.
class StatusLine {
 public:
  StatusLine();
  ~StatusLine() { clear(); }
  StatusLine(const StatusLine&) = delete;
  StatusLine& operator=(const StatusLine&) = delete;

  /// The beginning of something.
  void begin(const std::string& text);
  /// How much of it is done, 0 to 1; shown on terminals alone.
  void progress(double share);
  /// Makes room for other output.
  void clear();

 private:
  bool terminal_;
  bool drawn_ = false;
  std::string text_;
  std::chrono::steady_clock::time_point lastDraw_;
};

}  // namespace pristine::cli
