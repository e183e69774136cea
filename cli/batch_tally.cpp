#include "cli/batch_tally.h"

#include <cerrno>
#include <cstring>

namespace pristine::cli {

namespace {

bool isDiskFull(const JobResult& result) {
  return result.code == ErrorCode::Output &&
         (result.reason.find(std::strerror(ENOSPC)) != std::string::npos ||
          result.reason.find(std::strerror(EDQUOT)) != std::string::npos);
}

bool isUpToDate(const JobResult& result) {
  return result.status == JobStatus::Skipped && result.reason.empty();
}

}  // namespace

void BatchTally::count(const JobResult& result) {
  switch (result.status) {
    case JobStatus::Done:
      ++totals_.restored;
      totals_.megapixels += result.megapixels;
      totals_.networkSeconds += result.seconds;
      return;
    case JobStatus::Failed:
      ++totals_.failed;
      if (result.code == ErrorCode::Memory) ++memoryFailures_;
      diskFull_ = diskFull_ || isDiskFull(result);
      return;
    case JobStatus::Stopped:
      ++totals_.stopped;
      return;
    case JobStatus::Skipped:
      ++(isUpToDate(result) ? totals_.upToDate : totals_.skipped);
      return;
  }
}

ExitCode BatchTally::exitCode(ExitCode cause) const {
  if (totals_.stopped > 0 && cause != ExitCode::Done) return cause;
  if (diskFull_) return ExitCode::Resources;
  if (totals_.failed == 0) return ExitCode::Done;
  if (memoryFailures_ == totals_.failed) return ExitCode::Resources;
  return totals_.restored + totals_.upToDate + totals_.skipped > 0 ? ExitCode::SomeFailed
                                                                   : ExitCode::AllFailed;
}

std::string statusName(const JobResult& result) {
  switch (result.status) {
    case JobStatus::Done:
      return "restored";
    case JobStatus::Failed:
      return "failed";
    case JobStatus::Stopped:
      return "stopped";
    case JobStatus::Skipped:
      break;
  }
  return isUpToDate(result) ? "up_to_date" : "skipped";
}

}  // namespace pristine::cli
