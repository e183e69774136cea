#pragma once

#include <filesystem>
#include <istream>
#include <string>
#include <vector>

namespace pristine {

/// The names in a list, one a line or, with `zeros`, each ended by a zero byte (find -print0).
/// Empty names are left out; bytes are taken as they are. Throws Error(Input) if it cannot be read.
std::vector<std::filesystem::path> readFileList(std::istream& in, bool zeros);

/// Inputs with patterns (* ? [...]) replaced by the sorted names that they match, as a shell would
/// have. What exists under its literal name, or matches nothing, stays as it is.
std::vector<std::filesystem::path> expandPatterns(const std::vector<std::filesystem::path>& inputs);

}  // namespace pristine
