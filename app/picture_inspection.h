#pragma once

#include <filesystem>
#include <stop_token>
#include <string>

#include "app/image_file.h"
#include "core/inspection/inspection.h"

namespace pristine {

/// A picture file as it is found.
struct PictureInspection {
  int width = 0;
  int height = 0;
  SampleDepth depth = SampleDepth::U8;
  std::string format;  ///< of Image::format
  bool grey = false;
  bool alpha = false;   ///< has an alpha channel
  std::string profile;  ///< description of the ICC profile; empty without one
  Inspection found;
};

/// What `image`, read from the file at `path`, needs. Noise and blur are those of the picture in
/// sRGB's encoding, which networks see; traces of JPEG those of the values in the file. Any thread.
PictureInspection inspectPicture(const Image& image, const std::filesystem::path& path);

/// The same of a file. Throws Error(Input), or Error(Stopped) once `stop` is requested. Any thread.
PictureInspection inspectFile(const std::filesystem::path& path, const std::stop_token& stop = {},
                              const ReadOptions& options = {});

}  // namespace pristine
