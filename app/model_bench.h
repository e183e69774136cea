#pragma once

#include <functional>
#include <string>
#include <vector>

#include "core/arithmetic_limits.h"
#include "core/restorer.h"

namespace pristine {

struct ModelBenchOptions {
  std::vector<std::string> models;        ///< names or paths; empty: all that are installed
  Precision precision = Precision::Auto;  ///< Auto: every one on offer
  int threads = 0;                        ///< 0: as many as the process may use
  int side = 768;                         ///< pixels of the square picture
};

/// One model in one precision.
struct ModelBenchRow {
  std::string model;
  std::string precision;  ///< as Restorer::precision()
  int threads = 0;
  double macsPerPixel = 0;         ///< of output
  double secondsPerMegapixel = 0;  ///< of output, in memory, the better of two runs
  double networkShare = 0;         ///< of these seconds that the network's operators took
  double limitShare = 0;  ///< time of the operators' multiply-adds at the limit / all the time
};

/// Calls `report` for each row as soon as it is measured. A precision that the processor or the
/// model lacks gives no row. Throws Error(Model) for a model that cannot be loaded.
void benchModels(const ModelBenchOptions& options, const ArithmeticLimits& limits,
                 const std::function<void(const ModelBenchRow&)>& report);

}  // namespace pristine
