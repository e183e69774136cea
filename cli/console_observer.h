#pragma once

#include <chrono>
#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "app/job_observer.h"

namespace pristine::cli {

/// Progress on stderr: one line that is redrawn on a terminal, a line per picture elsewhere.
class ConsoleObserver final : public JobObserver {
 public:
  /// weights: of the jobs, in any unit of time or work; expected: seconds of all, if known.
  ConsoleObserver(std::vector<double> weights, std::optional<double> expected, bool quiet);

  void started(std::size_t index, const Job& job, double megapixels) override;
  void progressed(std::size_t index, double share) override;
  void finished(std::size_t index, const JobResult& result) override;

 private:
  void draw(std::size_t index, double share, bool force);
  void clear();
  std::string timeLeft(double weightDone) const;

  std::vector<double> weights_;
  double weight_;  ///< their sum
  std::optional<double> expected_;
  double weightEnded_ = 0;
  bool quiet_;
  bool terminal_;
  std::size_t ended_ = 0;
  double megapixelsDone_ = 0;
  double megapixelsNow_ = 0;
  std::string name_;
  std::chrono::steady_clock::time_point begin_;
  std::chrono::steady_clock::time_point lastDraw_;
};

/// "40 s", "3 min 20 s", "2 h 05 min".
std::string durationText(double seconds);
/// A name without the control characters that would change the terminal.
std::string printable(std::string name);

}  // namespace pristine::cli
