#pragma once

#include <optional>
#include <set>
#include <span>
#include <stop_token>
#include <vector>

#include "app/batch_plan.h"
#include "app/run_speed.h"
#include "core/restorer.h"

namespace pristine {

/// The work of a job, from its header alone; none for a file that cannot be read.
struct JobCost {
  double pixels = 0;        ///< of the input
  double resultPixels = 0;  ///< of the output
  double tiles = 0;
  double tilePixels = 0;   ///< of all its tiles, halos included
  double freshPixels = 0;  ///< of one, if they have another shape than those of the job before
  FileFormat from = FileFormat::Png;
  FileFormat to = FileFormat::Png;
};

struct CostOptions {
  WriteOptions write;
  bool network = true;  ///< false: at strength 0 pictures are only read and written
};

/// In the order of the jobs. Reads their headers.
std::vector<JobCost> costsOf(const std::vector<Job>& jobs, Restorer& restorer,
                             const CostOptions& options);

/// Seconds of a job's parts.
double networkSeconds(const JobCost& cost, const NetworkSpeed& speed);
double decodeSeconds(const JobCost& cost, const RunSpeed& speed);
double encodeSeconds(const JobCost& cost, const RunSpeed& speed);

/// What a job adds to a run in which the next picture is decoded and the last encoded while the
/// network works.
double secondsInRun(const JobCost& cost, const RunSpeed& speed);
/// Of all of them: what they add, and what is done before the first and after the last network run;
/// or what decoding or encoding takes alone, where that is more.
double secondsOfRun(std::span<const JobCost> costs, const RunSpeed& speed);

/// The speeds of a run from the cache; what is not there is measured and stored if `measure`. Empty
/// without the network's. Formats that are not known take no time.
std::optional<RunSpeed> speedOf(std::span<const JobCost> costs, Restorer& restorer,
                                const CostOptions& options, const SpeedCache& cache, bool measure,
                                const std::stop_token& stop);

}  // namespace pristine
