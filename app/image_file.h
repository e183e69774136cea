#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <stop_token>
#include <string>
#include <vector>

#include "app/file_format.h"
#include "core/image.h"

namespace pristine {

/// Starts the decoders once; call before threads exist. Throws Error(Input) if that fails.
void initializeImageFiles();

struct ReadOptions {
  std::int64_t maxPixels = 1'000'000'000;  ///< a header that promises more is refused
};

/// Reads pictures by content, not by name: 8 and 16 bit and f32, grey or colour, palettes and CMYK
/// as RGB, alpha apart. The orientation tag is applied. f32 values are not clipped; OpenEXR comes
/// as linear light with a profile that says so. A truncated file and one of several pages are
/// errors. Throws Error(Input), or Error(Stopped) once `stop` is requested. Any thread.
Image readImage(const std::filesystem::path& path, const std::stop_token& stop = {},
                const ReadOptions& options = {});

/// What a header says.
struct PictureSize {
  int width = 0;  ///< as stored, before the orientation tag is applied
  int height = 0;
  FileFormat format = FileFormat::Png;
  bool rows = false;    ///< can be read row by row, in memory that does not grow with the height
  int orientation = 1;  ///< 1 to 8, EXIF 2.32, tag 274

  std::int64_t pixels() const { return std::int64_t{width} * height; }
};
/// Throws Error(Input). Any thread.
PictureSize pictureSize(const std::filesystem::path& path, const ReadOptions& options = {});
/// pictureSize().pixels().
std::int64_t pixelCount(const std::filesystem::path& path, const ReadOptions& options = {});

/// The ICC profile that came with a picture; empty without one.
std::vector<std::uint8_t> iccProfile(const Image& image);

/// A small sRGB version of a picture file for lists, at most `side` pixels wide and high; large
/// JPEGs are decoded at reduced size. Throws Error(Input). Any thread.
Image readThumbnail(const std::filesystem::path& path, int side);

/// Formats that can be written, by file name extension.
bool isWritableExtension(const std::filesystem::path& path);
/// Whether the name promises a picture of a kind that readImage() knows.
bool isImageExtension(const std::filesystem::path& path);

/// A picture on its way into a file.
class ImageWriter {
 public:
  /// Takes what it needs of `image` in the depth of the file. Throws Error(Output), also for
  /// transparency that the format cannot hold.
  ImageWriter(const Image& image, const std::filesystem::path& path,
              const WriteOptions& options = {});
  ~ImageWriter();
  ImageWriter(const ImageWriter&) = delete;
  ImageWriter& operator=(const ImageWriter&) = delete;

  /// What the file holds otherwise than the picture, for the user.
  const std::vector<std::string>& notes() const;

  /// Writes through a temporary file in the same folder that replaces the target only when
  /// complete. Profile, EXIF, XMP and IPTC go along where the format has room. Throws
  /// Error(Output), or Error(Stopped) once `stop` is requested. Any thread.
  void write(const std::stop_token& stop = {});

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// ImageWriter(...).write().
void writeImage(const Image& image, const std::filesystem::path& path,
                const WriteOptions& options = {});

/// Copies a file byte by byte, by the same way through a temporary file. Throws Error(Output).
void copyImageFile(const std::filesystem::path& from, const std::filesystem::path& to);

/// Removes the temporary files of all writers at work; for a process about to end at once.
void removeTemporaryFiles();

}  // namespace pristine
