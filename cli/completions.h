#pragma once

#include <string>

namespace pristine::cli {

/// The script that completes verbs, options and their choices in "bash", "zsh" or "fish".
std::string completionsFor(const std::string& shell);

}  // namespace pristine::cli
