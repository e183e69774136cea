#pragma once

#include <filesystem>
#include <memory>

#include "app/files/row_reader.h"

namespace pristine {

/// Whether a file starts as OpenEXR files do.
bool isExr(const std::filesystem::path& path);

/// Scan lines or tiles with channels R G B or Y, and A, of 16- or 32-bit floats. The profile is
/// linear light of the file's chromaticities; colours are not multiplied by alpha, as the file's
/// are. Throws Error(Input).
std::unique_ptr<RowReader> openExrRows(const std::filesystem::path& path,
                                       const ReadOptions& options);

/// A file that is written from the top down.
class ExrWriter {
 public:
  /// `like`: grey, and metadata of a picture that came from an OpenEXR file: its chromaticities
  /// and kind of float are taken again. halves: 16-bit floats. Throws Error(Output).
  ExrWriter(const std::filesystem::path& path, const Image& like, int width, int height, bool alpha,
            bool halves);
  ~ExrWriter();
  ExrWriter(const ExrWriter&) = delete;
  ExrWriter& operator=(const ExrWriter&) = delete;

  /// The next rows: linear light, not multiplied by alpha. Throws Error(Output).
  void write(const Image& strip);
  /// Ends the file. Throws Error(Output).
  void finish();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// Whether a picture's metadata is that of an OpenEXR file, and whether its samples were halves.
bool isExrMetadata(const Image& image);
bool hadHalves(const Image& image);

}  // namespace pristine
