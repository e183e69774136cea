#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace pristine::test {

/// What is wrong with one source file's includes by the table of layers, one line a finding, empty
/// if nothing. `path` is relative to the repository root, e.g. "core/tile_grid.cpp".
///
/// * `"..."` starts at the root and names the own layer or one below: gui and cli see app and
///   core's value types, app sees core, core sees vision_attention from .cpp files only.
/// * `<...>` is the standard library, POSIX, or a library in the place that the table gives it.
std::vector<std::string> layeringFindings(std::string_view path, std::string_view source);

}  // namespace pristine::test
