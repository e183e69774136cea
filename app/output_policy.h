#pragma once

#include <optional>
#include <string>

#include "app/batch_plan.h"
#include "app/job_observer.h"
#include "app/journal.h"

namespace pristine {

/// What happens to outputs that are there already.
enum class IfExists {
  Auto,       ///< ours and up to date: skip; ours and stale: redo; foreign: fail
  Skip,       ///< leave whatever is there
  Overwrite,  ///< replace whatever is there
  Rename,     ///< write beside it, under a name with a number
  Fail        ///< fail that file
};

/// What is to be done with a job before anything is read.
struct Decision {
  enum class Kind { Run, UpToDate, Skip, Fail };
  Kind kind = Kind::Run;
  Job job;             ///< its output renamed if need be
  std::string reason;  ///< of Fail
  bool failedBefore = false;
};

/// What became of a job that is not to be run: up to date, skipped or failed; empty for Run.
std::optional<JobResult> resultOf(const Decision& decision);

/// Decides by the output on the disk and what the journal knows of it. `settings`: digest of the
/// model and the parameters of this run. Reads contents only where sizes and times leave a doubt.
Decision decide(const Job& job, const std::string& settings, IfExists ifExists,
                const Journal& journal);

}  // namespace pristine
