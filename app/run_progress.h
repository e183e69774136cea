#pragma once

#include <cstddef>
#include <optional>
#include <vector>

namespace pristine {

/// How much of a run is done, and how long the rest takes at the pace so far. Of one thread.
class RunProgress {
 public:
  /// weights: of the jobs, in any unit of work. expected: seconds of all, if known; the first
  /// forecasts lean on it.
  RunProgress(std::vector<double> weights, std::optional<double> expected);

  /// The network goes on to this job: the one before needs it no more, though it may still be
  /// written.
  void started(std::size_t index);
  /// Share of the job that was started last, 0 to 1.
  void progressed(double share);
  void finished(std::size_t index);

  std::size_t jobs() const { return weights_.size(); }
  /// 0 to 1.
  double shareDone() const;
  /// After so many seconds of work; empty while nothing is known.
  std::optional<double> secondsLeft(double elapsed) const;

 private:
  void pass(std::size_t index);

  std::vector<double> weights_;
  double weight_;  ///< their sum
  std::optional<double> expected_;
  std::vector<bool> isPassed_;
  double passed_ = 0;  ///< weight of those
  std::optional<std::size_t> current_;
  double share_ = 0;
};

}  // namespace pristine
