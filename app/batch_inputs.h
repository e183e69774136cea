#pragma once

#include <filesystem>
#include <istream>
#include <string>
#include <vector>

namespace pristine {

/// The names in a list, one a line or, with `zeros`, each ended by a zero byte (find -print0).
/// Empty names are left out; bytes are taken as they are. Throws Error(Input) if it cannot be read.
std::vector<std::filesystem::path> readFileList(std::istream& in, bool zeros);

/// Inputs whose patterns (* ? [...]) became the sorted names that they match.
struct ExpandedInputs {
  std::vector<std::filesystem::path> inputs;
  std::vector<std::filesystem::path> unmatched;  ///< patterns that match nothing
};

/// As a shell would have it. What exists under its literal name is no pattern.
ExpandedInputs expandPatterns(const std::vector<std::filesystem::path>& inputs);

}  // namespace pristine
