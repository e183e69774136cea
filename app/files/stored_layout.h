#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "app/file_format.h"

namespace pristine {

/// What the file's layout of samples loses when it is read as 8 bits or more a channel: palettes
/// and samples of fewer bits.
std::vector<std::string> layoutNotes(const std::filesystem::path& path, FileFormat format);

/// Whether a TIFF file is stored in tiles of so many rows that decoding a row of them takes memory
/// like decoding the picture.
bool hasTallTiles(const std::filesystem::path& path);

}  // namespace pristine
