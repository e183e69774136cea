#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <vector>

#include "app/tiff_directory.h"

namespace pristine {

/// Makes the first directory of a TIFF or BigTIFF file also hold `added`, in place of fields of the
/// same tags. Left out where it would not fit below the 4 GiB of a TIFF file: the picture is worth
/// more. Throws Error(Output) when the file cannot be changed. Any thread.
void addToTiffFile(const std::filesystem::path& path, const TiffDirectory& added);

/// The IPTC record (IIM 4) in the first directory of a TIFF file; empty without one. Any thread.
std::vector<std::uint8_t> readTiffIptc(const std::filesystem::path& path);
/// Adds it; libvips 8.14 writes a quarter of it. Throws as addToTiffFile() does.
void addTiffIptc(const std::filesystem::path& path, std::span<const std::uint8_t> record);

}  // namespace pristine
