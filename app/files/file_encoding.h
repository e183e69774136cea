#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "app/file_format.h"
#include "app/files/vips_image.h"
#include "app/network_space.h"

namespace pristine {

/// How a picture is to lie in a file: decided once, then applied strip by strip.
class FileEncoding {
 public:
  /// `like`: the picture or its header. Throws Error(Output) where the file cannot hold it.
  FileEncoding(const Image& like, bool alpha, const std::filesystem::path& path,
               const WriteOptions& options);

  FileFormat format() const { return format_; }
  SampleDepth depth() const { return depth_; }
  bool grey() const { return grey_; }
  bool alpha() const { return alpha_; }
  bool halves() const { return halves_; }  ///< 16-bit floats
  int quality() const { return quality_; }
  bool lossless() const { return lossless_; }
  const std::vector<std::string>& notes() const { return notes_; }
  int bands() const { return (grey_ ? 1 : 3) + (alpha_ ? 1 : 0); }
  std::size_t pixelBytes() const;

  /// The strip in the light that the file holds; shares pixels where nothing changes. Throws
  /// Error(Output) for transparency that the format cannot hold.
  Image prepare(const Image& strip) const;

  /// Interleaved samples of a prepared strip in the depth of the file, without gaps.
  void interleave(const Image& strip, void* samples) const;

  /// A picture of libvips with the right header, in memory still to be made.
  VipsPtr newImage(int width, int height) const;

 private:
  enum class Light { Kept, Srgb, Linear };
  void chooseDepth(const Image& like, const WriteOptions& options);
  void chooseLight(const Image& like);

  std::filesystem::path path_;
  FileFormat format_ = FileFormat::Png;
  SampleDepth depth_ = SampleDepth::U8;
  bool grey_ = false;
  bool alpha_ = false;
  bool halves_ = false;
  int quality_ = 95;
  bool lossless_ = false;
  Strip strip_ = Strip::Nothing;
  Light light_ = Light::Kept;
  std::shared_ptr<const NetworkSpace> space_;  ///< of the picture
  std::shared_ptr<const void> metadata_;
  std::vector<std::string> notes_;
};

}  // namespace pristine
