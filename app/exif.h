#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <vector>

namespace pristine {

/// What the first picture of a TIFF file says of camera, exposure, place and author, as an EXIF
/// block (EXIF 2.32, CIPA DC-008: a little-endian TIFF structure behind the mark "Exif\0\0"); empty
/// if it says nothing or cannot be understood. Maker notes are copied byte by byte. The block holds
/// an orientation beyond 1 that is asked for, not that of the file. Any thread.
std::vector<std::uint8_t> readTiffExif(const std::filesystem::path& path, int orientation = 1);

/// Adds the same part of an EXIF block, with or without its mark, to a TIFF or BigTIFF file, in
/// place of what the file says of it. A block that cannot be understood, or that would not fit
/// below the 4 GiB of a TIFF file, is left out: the picture is worth more. Throws Error(Output)
/// when the file cannot be changed. Any thread.
void addTiffExif(const std::filesystem::path& path, std::span<const std::uint8_t> exif);

}  // namespace pristine
