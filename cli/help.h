#pragma once

#include <string>

#include "cli/option_table.h"

namespace pristine::cli {

/// What `pristine --help` prints.
std::string programHelp();
/// What `pristine VERB --help` prints.
std::string verbHelp(Verb verb);

/// "-o, --output PATH", "    --strip[=WHAT]".
std::string synopsisOf(const OptionInfo& option);
/// The help of an option with its choices and default.
std::string explanationOf(const OptionInfo& option);

}  // namespace pristine::cli
