#pragma once

#include <chrono>
#include <cstddef>
#include <string>

#include "app/job_observer.h"
#include "app/run_progress.h"

namespace pristine::cli {

/// Progress on stderr: one line that is redrawn on a terminal, a line per picture elsewhere.
class ConsoleObserver final : public JobObserver {
 public:
  ConsoleObserver(RunProgress progress, bool quiet);

  void started(std::size_t index, const Job& job, double megapixels) override;
  void progressed(std::size_t index, double share) override;
  void finished(std::size_t index, const JobResult& result) override;

 private:
  void draw(bool force);
  void clear();
  std::string timeLeft() const;

  RunProgress progress_;
  bool quiet_;
  bool terminal_;
  std::size_t ended_ = 0;
  double megapixelsDone_ = 0;
  double megapixelsNow_ = 0;
  double share_ = 0;  ///< of the picture at hand
  std::string name_;
  std::chrono::steady_clock::time_point begin_;
  std::chrono::steady_clock::time_point lastDraw_;
};

/// "40 s", "3 min 20 s", "2 h 05 min".
std::string durationText(double seconds);
/// In a unit that tells something: "24.0 MP", "1200 px".
std::string megapixelsText(double megapixels);
/// A name without the control characters that would change the terminal.
std::string printable(std::string name);
/// Of a job's input; "standard input" for "-".
std::string inputName(const Job& job);

}  // namespace pristine::cli
