#pragma once

#include "cli/exit_code.h"
#include "cli/options.h"

namespace pristine::cli {

/// denoise, dejpeg, upscale
ExitCode restore(const Options& options);
ExitCode compare(const Options& options);
ExitCode models(const Options& options);

}  // namespace pristine::cli
