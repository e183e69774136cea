#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "app/tiff_directory.h"

namespace pristine::test {

struct FileTags {
  TiffDirectory exif;
  std::string xmp;                    ///< left out of PNG files
  std::vector<std::uint8_t> profile;  ///< JPEG files only
};

/// An XMP packet with dc:title and tiff:Orientation.
std::string xmpPacket(const std::string& title, int orientation);

/// Puts tags into a .jpg, .png, .tif or .webp file without touching its coded pixels. The EXIF of
/// JPEG replaces what is there.
void tagFile(const std::filesystem::path& path, const FileTags& tags);

}  // namespace pristine::test
