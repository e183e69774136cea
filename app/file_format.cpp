#include "app/file_format.h"

#include <algorithm>
#include <array>
#include <cctype>

#include "core/error.h"

namespace pristine {

namespace {

const std::array<FormatTraits, 8>& table() {
  static const std::array<FormatTraits, 8> kTable{{
      {FileFormat::Png, "png", "PNG", {".png"}, true, 16, false, true, false, true, true, true},
      {FileFormat::Jpeg,
       "jpeg",
       "JPEG",
       {".jpg", ".jpeg"},
       true,
       8,
       false,
       false,
       true,
       false,
       true,
       true},
      {FileFormat::Tiff,
       "tiff",
       "TIFF",
       {".tif", ".tiff"},
       true,
       16,
       true,
       true,
       false,
       true,
       true,
       true},
      {FileFormat::Webp, "webp", "WebP", {".webp"}, true, 8, false, true, true, true, false, false},
      {FileFormat::Avif,
       "avif",
       "AVIF",
       {".avif"},
       true,
       12,
       false,
       true,
       true,
       true,
       false,
       false},
      {FileFormat::Heic,
       "heic",
       "HEIC",
       {".heic", ".heif"},
       false,
       0,
       false,
       true,
       true,
       false,
       false,
       false},
      {FileFormat::Jxl,
       "jxl",
       "JPEG XL",
       {".jxl"},
       true,
       16,
       false,
       true,
       true,
       true,
       false,
       false},
      {FileFormat::Exr, "exr", "OpenEXR", {".exr"}, true, 0, true, true, false, true, true, true},
  }};
  return kTable;
}

std::string lower(std::string text) {
  std::ranges::transform(text, text.begin(),
                         [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return text;
}

[[noreturn]] void fail(const std::string& message) {
  throw Error(ErrorCode::Usage, message);
}

}  // namespace

const FormatTraits& traitsOf(FileFormat format) {
  return *std::ranges::find(table(), format, &FormatTraits::format);
}

std::optional<FileFormat> formatOfName(const std::filesystem::path& path) {
  const std::string extension = lower(path.extension().string());
  for (const FormatTraits& traits : table()) {
    if (std::ranges::find(traits.extensions, extension) != traits.extensions.end()) {
      return traits.format;
    }
  }
  return std::nullopt;
}

std::optional<FileFormat> formatOfWord(const std::string& word) {
  return formatOfName("x." + word);
}

std::string writableExtensions() {
  std::string text;
  for (const FormatTraits& traits : table()) {
    if (!traits.writable) continue;
    for (const std::string& extension : traits.extensions) {
      text += (text.empty() ? "" : " ") + extension;
    }
  }
  return text;
}

void requirePossible(const WriteOptions& options, FileFormat format) {
  const FormatTraits& traits = traitsOf(format);
  const std::string title = traits.title;
  if (!traits.writable) {
    fail(title + " can be read, not written; choose another with --format");
  }
  if (options.quality && (*options.quality < 1 || *options.quality > 100)) {
    fail("quality is " + std::to_string(*options.quality) + ", expected 1 to 100");
  }
  if (options.quality && options.lossless)
    fail("--lossless leaves nothing for --quality to choose");
  if (options.lossless && !traits.lossless) fail(title + " has no lossless compression");
  if (!options.depth) return;
  if (*options.depth == SampleDepth::F32 && !traits.floats) {
    fail(title + " has no 32-bit float samples; TIFF and OpenEXR have");
  }
  const int bits = *options.depth == SampleDepth::U16 ? 16 : 8;
  if (*options.depth == SampleDepth::F32 || bits <= traits.bits) return;
  if (traits.bits == 0) fail(title + " has float samples only; leave --depth out or say f32");
  fail(title + " has at most " + std::to_string(traits.bits) + " bits a sample, " +
       std::to_string(bits) + " were asked for");
}

}  // namespace pristine
