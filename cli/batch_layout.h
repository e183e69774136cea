#pragma once

#include <filesystem>
#include <memory>

#include "app/batch_plan.h"
#include "cli/options.h"
#include "cli/standard_streams.h"

namespace pristine::cli {

/// Which picture goes where.
struct BatchLayout {
  BatchPlan plan;
  std::unique_ptr<SpoolFolder> spool;  ///< of pictures of the standard streams; null without one
  std::filesystem::path piped;         ///< in it: what goes to standard output; empty: nothing
};

/// Of a command line that restores: takes lists, patterns and standard input, asks for no more of a
/// format than it has. Throws Error(Usage), Error(Input) before anything is written.
BatchLayout layOutBatch(const Options& options);

}  // namespace pristine::cli
