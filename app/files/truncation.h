#pragma once

#include <filesystem>

namespace pristine {

/// Whether a picture file that cannot be decoded ends before its own structure does: the chunks of
/// PNG (ISO 15948) and WebP (RIFF), the boxes of AVIF, HEIC and JPEG XL (ISO 14496-12), the end
/// marker of JPEG (ISO 10918-1), the first directory of TIFF. Decoders call that anything.
bool isTruncated(const std::filesystem::path& path);

}  // namespace pristine
