#pragma once

#include <filesystem>

#include "app/files/file_encoding.h"

namespace pristine {

/// Encodes a picture with its header into a file, and adds what libvips leaves out: EXIF and
/// IPTC of TIFF, IPTC of PNG, EXIF and XMP of JPEG XL. `rows`: memory must not grow with the
/// height. Not 0: it failed, and vipsMessage() says why. Throws Error(Output).
int saveVips(VipsImage* image, const FileEncoding& encoding, const std::filesystem::path& path,
             bool rows);

}  // namespace pristine
