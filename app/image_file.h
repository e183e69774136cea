#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "core/image.h"

namespace pristine {

/// Starts the decoders once; call before threads exist. Throws Error(Input) if that fails.
void initializeImageFiles();

/// Reads PNG, JPEG, TIFF and WebP by content, not by name: 8 and 16 bit and f32, grey or colour,
/// palettes and CMYK as RGB, alpha apart. The orientation tag is applied. f32 values are not
/// clipped. A truncated file and one of several pages are errors. Throws Error(Input), or
/// Error(Stopped) once `stop` is requested. Any thread.
Image readImage(const std::filesystem::path& path, const std::stop_token& stop = {});

/// Pixels of a picture by its header alone. Throws Error(Input). Any thread.
std::int64_t pixelCount(const std::filesystem::path& path);

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

/// A picture on its way into a file, in the format that the extension of `path` names.
class ImageWriter {
 public:
  /// Takes what it needs of `image` in the depth of the file. Throws Error(Output), also for
  /// transparency that the format cannot hold.
  ImageWriter(const Image& image, const std::filesystem::path& path,
              const WriteOptions& options = {});
  ~ImageWriter();
  ImageWriter(const ImageWriter&) = delete;
  ImageWriter& operator=(const ImageWriter&) = delete;

  /// Writes through a temporary file in the same folder that replaces the target only when
  /// complete. Profile, EXIF and XMP go along where the format has room. Throws Error(Output), or
  /// Error(Stopped) once `stop` is requested. Any thread.
  void write(const std::stop_token& stop = {});

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// ImageWriter(...).write().
void writeImage(const Image& image, const std::filesystem::path& path,
                const WriteOptions& options = {});

/// Removes the temporary files of all writers at work; for a process about to end at once.
void removeTemporaryFiles();

}  // namespace pristine
