#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "core/image.h"

namespace pristine {

/// Kinds of picture file.
enum class FileFormat { Png, Jpeg, Tiff, Webp, Avif, Heic, Jxl, Exr };

/// What a kind of file can hold, as this program writes it.
struct FormatTraits {
  FileFormat format;
  const char* name;   ///< of Image::format and --format: "png", "jpeg", "tiff" ...
  const char* title;  ///< "PNG"
  std::vector<std::string> extensions;  ///< lower case with the dot; new files get the first
  bool writable;
  int bits;     ///< of an integer sample at most; 0: none
  bool floats;  ///< 32-bit float samples
  bool alpha;
  bool quality;   ///< has lossy compression with a quality
  bool lossless;  ///< has compression without loss
  bool rowsIn;    ///< can be read row by row, so that memory does not grow with the picture
  bool rowsOut;   ///< can be written row by row
};

const FormatTraits& traitsOf(FileFormat format);
/// By the extension of a file's name, in upper or lower case.
std::optional<FileFormat> formatOfName(const std::filesystem::path& path);
/// "png", "jpg", "tif", "webp", "avif", "jxl", "exr" and their longer names.
std::optional<FileFormat> formatOfWord(const std::string& word);
/// ".png .jpg ...", every extension that can be written.
std::string writableExtensions();

enum class Strip { Nothing, All, Gps, Thumbnail };

struct WriteOptions {
  std::optional<FileFormat> format;  ///< default: by the extension of the target
  std::optional<SampleDepth> depth;  ///< default: the picture's own, as far as the format has it
  std::optional<int> quality;        ///< 1 to 100, of lossy formats; default 95
  bool lossless = false;             ///< for formats that have both
  Strip strip = Strip::Nothing;      ///< a profile stays: without it colours are wrong
};

/// Throws Error(Usage) where no picture could be written to a file of this format as asked for,
/// because the format does not have it. Before any work.
void requirePossible(const WriteOptions& options, FileFormat format);

}  // namespace pristine
