#pragma once

#include <cstddef>
#include <string>

#include "app/job_observer.h"
#include "cli/batch_report.h"
#include "cli/exit_code.h"

namespace pristine::cli {

/// Counts what becomes of every input.
class BatchTally {
 public:
  void count(const JobResult& result);

  const BatchTotals& totals() const { return totals_; }
  /// Whether an output found no space on its disk.
  bool diskFull() const { return diskFull_; }
  /// What the run ends with; `cause` of Interrupt::cause().
  ExitCode exitCode(ExitCode cause) const;

 private:
  BatchTotals totals_;
  std::size_t memoryFailures_ = 0;
  bool diskFull_ = false;
};

/// The status of an input in the JSON report.
std::string statusName(const JobResult& result);

}  // namespace pristine::cli
