#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <stop_token>
#include <string>
#include <vector>

#include "app/image_file.h"
#include "app/job_observer.h"
#include "app/journal.h"
#include "core/restorer.h"

namespace pristine {

/// What is done with one picture of a run that decides by picture.
struct PictureChoice {
  std::string task;     ///< "denoise", "dejpeg"; empty: nothing, the picture is skipped
  double strength = 1;  ///< 0 to 1
  std::string finding;  ///< why
  bool copy = false;    ///< a skipped picture is written as it is
};

struct RunOptions {
  double strength = 1.0;  ///< 0 to 1
  ReadOptions read;
  WriteOptions write;
  std::shared_ptr<Journal> journal;  ///< hears of every output; may be null
  std::string settings;              ///< settingsDigest() of this run, for the journal
  std::int64_t pictureMemory = 0;    ///< bytes for pictures in work; 0: no limit

  /// Decides about a picture that was read from `path`, on another thread; empty: all pictures get
  /// the run's restorer and strength. restorerOf() gives the restorer of a chosen task, on the
  /// thread of runJobs(). Pictures that decide go by wholes, never row by row.
  std::function<PictureChoice(const Image&, const std::filesystem::path& path)> choose;
  std::function<Restorer&(const std::string& task)> restorerOf;
  /// What to say of an output that has been written, on another thread; empty: nothing.
  std::function<std::string(const std::filesystem::path& output)> check;
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
