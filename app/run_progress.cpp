#include "app/run_progress.h"

#include <algorithm>
#include <numeric>
#include <utility>

namespace pristine {

RunProgress::RunProgress(std::vector<double> weights, std::optional<double> expected)
    : weights_(std::move(weights)),
      weight_(std::accumulate(weights_.begin(), weights_.end(), 0.0)),
      expected_(expected),
      isPassed_(weights_.size()) {}

void RunProgress::pass(std::size_t index) {
  if (isPassed_[index]) return;
  isPassed_[index] = true;
  passed_ += weights_[index];
  if (current_ == index) current_.reset();
}

void RunProgress::started(std::size_t index) {
  if (current_) pass(*current_);
  current_ = index;
  share_ = 0;
}

void RunProgress::progressed(double share) {
  share_ = share;
}

void RunProgress::finished(std::size_t index) {
  pass(index);
}

double RunProgress::shareDone() const {
  if (!(weight_ > 0)) return 1;
  const double now = current_ ? share_ * weights_[*current_] : 0.0;
  return std::min(1.0, (passed_ + now) / weight_);
}

std::optional<double> RunProgress::secondsLeft(double elapsed) const {
  const double done = shareDone();
  if (expected_) {
    // As if so much of the run had gone as expected before it began.
    constexpr double kPrior = 0.02;
    const double seconds = (elapsed + kPrior * *expected_) / (done + kPrior);
    return (1 - done) * seconds;
  }
  if (done < 0.02) return std::nullopt;
  return elapsed * (1 - done) / done;
}

}  // namespace pristine
