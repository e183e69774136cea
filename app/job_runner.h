#pragma once

#include <memory>
#include <stop_token>
#include <string>
#include <vector>

#include "app/image_file.h"
#include "app/job_observer.h"
#include "app/journal.h"
#include "core/restorer.h"

namespace pristine {

struct RunOptions {
  double strength = 1.0;  ///< 0 to 1
  ReadOptions read;
  WriteOptions write;
  std::shared_ptr<Journal> journal;  ///< hears of every output; may be null
  std::string settings;              ///< settingsDigest() of this run, for the journal
  std::int64_t pictureMemory = 0;    ///< bytes for pictures in work; 0: no limit
};

/// Digest of all that decides about pixels: the model, its arithmetic and the options.
std::string settingsDigest(const ModelInfo& model, const std::string& precision, int tile,
                           const RunOptions& options);

/// Restores pictures one after another on the calling thread, the only one that uses the restorer;
/// the next is decoded and the last encoded beside it, as far as 24 megapixels in memory allow. A
/// failing picture never ends the run. Pictures too large for the memory are restored row by row,
/// or refused where their format has no rows. After a stop the pictures at hand are given up and
/// the rest is reported as stopped. Results are in the order of the jobs.
std::vector<JobResult> runJobs(const std::vector<Job>& jobs, Restorer& restorer,
                               const RunOptions& options, std::stop_token stop,
                               JobObserver& observer);

}  // namespace pristine
