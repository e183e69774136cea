#pragma once

#include "cli/exit_code.h"
#include "cli/options.h"

namespace pristine::cli {

/// `pristine bench`: what the processor offers and what the models take.
ExitCode benchModels(const Options& options);

}  // namespace pristine::cli
