#pragma once

#include <cstdint>
#include <vector>

namespace pristine {

// Changes to an EXIF block (EXIF 2.32: a TIFF structure, with or without the mark "Exif\0\0") that
// leave every other byte where it is, so that maker notes, which point into the block, stay whole.
// A block that cannot be understood is left alone.

/// Tag 274 of the first directory, where it is there.
void setExifOrientation(std::vector<std::uint8_t>& block, int orientation);
/// Takes the GPS directory away and blanks its bytes.
void dropExifGps(std::vector<std::uint8_t>& block);
/// Takes the second directory away and blanks the thumbnail that it points to.
void dropExifThumbnail(std::vector<std::uint8_t>& block);

}  // namespace pristine
