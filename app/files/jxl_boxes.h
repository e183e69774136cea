#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <vector>

namespace pristine {

/// What a JPEG XL container (ISO 18181-2) holds beside the codestream. `exif` starts with the mark
/// "Exif\0\0". Empty where there is none, and for boxes that are compressed.
struct JxlMetadata {
  std::vector<std::uint8_t> exif;
  std::vector<std::uint8_t> xmp;
};

JxlMetadata readJxlMetadata(const std::filesystem::path& path);

/// Adds boxes to a file, which becomes a container if it is a bare codestream. Throws
/// Error(Output).
void addJxlMetadata(const std::filesystem::path& path, std::span<const std::uint8_t> exif,
                    std::span<const std::uint8_t> xmp);

}  // namespace pristine
