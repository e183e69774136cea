#pragma once

#include "cli/exit_code.h"
#include "cli/options.h"

namespace pristine::cli {

/// Prints the attention systems' times and memory against softmax attention.
ExitCode benchAttention(const Options& options);

}  // namespace pristine::cli
