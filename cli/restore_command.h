#pragma once

#include "cli/exit_code.h"
#include "cli/options.h"

namespace pristine::cli {

/// Restores pictures: one run of a batch from its inputs to the exit status.
ExitCode restore(const Options& options);

}  // namespace pristine::cli
