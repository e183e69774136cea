#pragma once

#include <sys/types.h>

#include <chrono>
#include <string>
#include <vector>

namespace pristine::test {

/// A finished process: what it wrote and how it ended.
struct ProcessResult {
  int exitCode = -1;  ///< -1 when a signal ended it
  int signal = 0;
  std::string out;
  std::string err;
};

/// A running program whose output is gathered.
class Process {
 public:
  /// arguments[0]: the program's path; environment: NAME=VALUE on top of the caller's; input: all
  /// of its standard input. Throws std::runtime_error.
  explicit Process(std::vector<std::string> arguments, std::vector<std::string> environment = {},
                   const std::string& input = {});
  ~Process();
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;

  void signal(int number);
  /// Waits until the standard error holds `text`; false after the timeout or at the end.
  bool waitForError(const std::string& text, std::chrono::milliseconds timeout);
  /// Waits for the end; kills the process after the timeout.
  ProcessResult finish(std::chrono::milliseconds timeout = std::chrono::seconds(120));

 private:
  bool pump(std::chrono::milliseconds timeout);

  pid_t pid_ = -1;
  int out_ = -1;
  int err_ = -1;
  ProcessResult result_;
};

/// Process(...).finish().
ProcessResult runProcess(std::vector<std::string> arguments,
                         std::vector<std::string> environment = {}, const std::string& input = {});

}  // namespace pristine::test
