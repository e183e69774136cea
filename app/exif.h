#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <vector>

namespace pristine {

/// Starts the EXIF library once; call before threads exist.
void initializeExif();

/// What a TIFF file says of camera, exposure, place and author, as an EXIF block with its "Exif"
/// mark; empty if it says nothing or cannot be understood. Any thread.
std::vector<std::uint8_t> readTiffExif(const std::filesystem::path& path);

/// Adds the same part of an EXIF block to a TIFF file. A block that cannot be understood is left
/// out: the picture is worth more. Throws Error(Output) when the file cannot be changed. Any
/// thread.
void addTiffExif(const std::filesystem::path& path, std::span<const std::uint8_t> exif);

}  // namespace pristine
