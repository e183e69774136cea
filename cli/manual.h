#pragma once

#include <string>

namespace pristine::cli {

/// The manual page pristine(1) in man(7) macros.
std::string manualPage(const std::string& version);

}  // namespace pristine::cli
