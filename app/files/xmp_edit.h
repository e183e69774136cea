#pragma once

#include <string>

namespace pristine {

// Changes to the text of an XMP packet (ISO 16684-1), of properties with their usual prefixes,
// written as attributes or as elements. Anything else stays as it is.

/// tiff:Orientation 2 to 8 becomes 1.
void resetXmpOrientation(std::string& packet);
/// Takes away every exif:GPS... property.
void dropXmpGps(std::string& packet);
/// Takes away xmp:Thumbnails.
void dropXmpThumbnails(std::string& packet);

}  // namespace pristine
