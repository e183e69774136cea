#pragma once

#include <chrono>
#include <cstddef>
#include <string>
#include <vector>

#include "app/job_observer.h"

namespace pristine::cli {

/// Progress on stderr: one line that is redrawn on a terminal, a line per picture elsewhere.
class ConsoleObserver final : public JobObserver {
 public:
  ConsoleObserver(const std::vector<Job>& jobs, bool quiet);

  void started(std::size_t index, const Job& job, double megapixels) override;
  void progressed(std::size_t index, double share) override;
  void finished(std::size_t index, const JobResult& result) override;

 private:
  void draw(std::size_t index, double share, bool force);
  void clear();
  std::string timeLeft(double weightDone) const;

  std::vector<double> weights_;  ///< of the jobs: bytes of the inputs
  double weight_;                ///< their sum
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

}  // namespace pristine::cli
