#pragma once

#include <cstddef>
#include <filesystem>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "app/batch_plan.h"
#include "core/restorer.h"

namespace pristine {

/// How fast a model runs here: of one CPU, precision and number of threads.
struct RunSpeed {
  double secondsPerPixel = 0;    ///< of a tile, halo included
  double secondsPerCompile = 0;  ///< of a tile shape that differs from the one before
};

/// The work of a job, from its header alone.
struct JobCost {
  double megapixels = 0;  ///< of the input
  double tilePixels = 0;  ///< of all its tiles; 0 for a file that cannot be read
  bool compiles = false;  ///< its tiles have another shape than those of the job before

  double seconds(const RunSpeed& speed) const {
    return tilePixels * speed.secondsPerPixel + (compiles ? speed.secondsPerCompile : 0.0);
  }
};

/// In the order of the jobs. Reads their headers.
std::vector<JobCost> costsOf(const std::vector<Job>& jobs, Restorer& restorer);

/// Runs the network on a small picture, for a second or two on an ordinary model. Empty when
/// stopped.
std::optional<RunSpeed> measureSpeed(Restorer& restorer, const std::stop_token& stop);

/// Speeds that were measured before, by model, CPU, precision and threads.
class SpeedCache {
 public:
  /// `file`: JSON; one that is missing or damaged is an empty cache.
  explicit SpeedCache(std::filesystem::path file) : file_(std::move(file)) {}

  std::optional<RunSpeed> find(const std::string& key) const;
  /// Replaces the file. Not being able to is no error.
  void store(const std::string& key, const RunSpeed& speed) const;

 private:
  std::filesystem::path file_;
};

/// $XDG_CACHE_HOME/pristine/speed.json; empty without a home.
std::filesystem::path speedCacheOfUser();

/// What the speed depends on: model digest, CPU, limit of its instructions, precision, threads.
std::string speedKey(const std::string& modelDigest, const Restorer& restorer);

}  // namespace pristine
