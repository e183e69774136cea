#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "core/image.h"

namespace pristine {

/// Starts the decoders once; call before threads exist. Throws Error(Input) if that fails.
void initializeImageFiles();

/// Reads PNG, JPEG, TIFF and WebP by content, not by name: 8 and 16 bit and f32, grey or colour,
/// palettes and CMYK as RGB, alpha apart. The orientation tag is applied. f32 values are not
/// clipped. A truncated file is an error. Throws Error(Input). Any thread.
Image readImage(const std::filesystem::path& path);

/// The ICC profile that came with a picture; empty without one.
std::vector<std::uint8_t> iccProfile(const Image& image);

/// A small sRGB version of a picture file for lists, at most `side` pixels wide and high; large
/// JPEGs are decoded at reduced size. Throws Error(Input). Any thread.
Image readThumbnail(const std::filesystem::path& path, int side);

/// Formats that can be written, by file name extension.
bool isWritableExtension(const std::filesystem::path& path);
/// Whether the name promises a picture of a kind that readImage() knows.
bool isImageExtension(const std::filesystem::path& path);

struct WriteOptions {
  std::optional<SampleDepth> depth;  ///< default: the picture's own, as far as the format has it
  int quality = 95;                  ///< of JPEG and WebP
};

/// Writes by the extension of `path` through a temporary file in the same folder that replaces the
/// target only when complete. Profile, EXIF and XMP go along where the format has room. Throws
/// Error(Output). Any thread.
void writeImage(const Image& image, const std::filesystem::path& path,
                const WriteOptions& options = {});

}  // namespace pristine
