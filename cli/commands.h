#pragma once

#include "cli/exit_code.h"
#include "cli/options.h"

namespace pristine::cli {

ExitCode compare(const Options& options);
ExitCode inspect(const Options& options);
ExitCode models(const Options& options);

}  // namespace pristine::cli
