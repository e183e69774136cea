#pragma once

#include <cstddef>
#include <optional>
#include <string>

#include "app/job_observer.h"

namespace pristine::cli {

/// What a run is about to do.
struct BatchStart {
  std::string verb;
  std::string model;
  std::string modelDigest;
  std::string precision;
  int threads = 0;
  std::size_t files = 0;
  std::optional<double> estimate;  ///< seconds
};

/// What became of every input.
struct BatchTotals {
  std::size_t restored = 0;
  std::size_t upToDate = 0;
  std::size_t skipped = 0;
  std::size_t failed = 0;
  std::size_t stopped = 0;
  double megapixels = 0;      ///< restored
  double networkSeconds = 0;  ///< of those
  double seconds = 0;         ///< of the whole run
};

/// The report of a batch as JSON Lines on standard output, schema 1; `cli/README.md` documents it.
/// Does nothing unless enabled.
class JsonReport {
 public:
  explicit JsonReport(bool enabled) : enabled_(enabled) {}

  void start(const BatchStart& start) const;
  /// status: "restored", "up_to_date", "skipped", "failed", "stopped" or "planned".
  void file(const JobResult& result, const std::string& status) const;
  void summary(const BatchTotals& totals, int exitCode) const;

 private:
  bool enabled_;
};

/// The same for people: "3 restored (1.2 MP, 9.80 s/MP), 1 failed"; no speed of tiny pictures.
std::string summaryOf(const BatchTotals& totals);

}  // namespace pristine::cli
