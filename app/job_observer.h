#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "app/batch_plan.h"
#include "core/error.h"

namespace pristine {

enum class JobStatus {
  Done,
  Failed,
  Stopped,  ///< given up or not begun
  Skipped   ///< the output is up to date, or is to be left alone
};

struct JobResult {
  Job job;
  JobStatus status = JobStatus::Done;
  std::string reason;              ///< of a failure or a skip
  std::optional<ErrorCode> code;   ///< of a failure, where its kind is known
  std::string task;                ///< chosen for this picture; empty where all have the run's
  std::string finding;             ///< why that task
  std::vector<std::string> notes;  ///< what became different beside the restoration
  double megapixels = 0;           ///< of the input
  double seconds = 0;              ///< in the network
};

/// Follows a run. Every call comes from the thread that runs the jobs.
class JobObserver {
 public:
  virtual ~JobObserver() = default;
  virtual void started(std::size_t index, const Job& job, double megapixels) = 0;
  /// share: 0 to 1 of the picture at hand.
  virtual void progressed(std::size_t index, double share) = 0;
  /// In the order in which pictures end.
  virtual void finished(std::size_t index, const JobResult& result) = 0;
};

}  // namespace pristine
