#include "app/image_file.h"

#include <fcntl.h>
#include <unistd.h>
#include <vips/vips.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cctype>
#include <cmath>
#include <cstring>
#include <memory>
#include <vector>

#include "core/error.h"

namespace pristine {

namespace {

namespace fs = std::filesystem;

struct Unref {
  void operator()(void* object) const { g_object_unref(object); }
};
using VipsPtr = std::unique_ptr<VipsImage, Unref>;

std::string vipsMessage() {
  std::string text = vips_error_buffer();
  vips_error_clear();
  // The buffer holds one line per failed call; the first is closest to the cause.
  const auto end = text.find('\n');
  if (end != std::string::npos) text.resize(end);
  return text.empty() ? "unknown error" : text;
}

[[noreturn]] void failInput(const fs::path& path, const std::string& why) {
  throw Error(ErrorCode::Input, "picture '" + path.string() + "': " + why);
}

[[noreturn]] void failOutput(const fs::path& path, const std::string& why) {
  throw Error(ErrorCode::Output, "picture '" + path.string() + "': " + why);
}

std::string lowerExtension(const fs::path& path) {
  std::string extension = path.extension().string();
  std::ranges::transform(extension, extension.begin(),
                         [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return extension;
}

enum class Format { Png, Jpeg, Tiff, Webp };

std::optional<Format> formatOf(const std::string& extension) {
  if (extension == ".png") return Format::Png;
  if (extension == ".jpg" || extension == ".jpeg") return Format::Jpeg;
  if (extension == ".tif" || extension == ".tiff") return Format::Tiff;
  if (extension == ".webp") return Format::Webp;
  return std::nullopt;
}

/// Name of the format behind one of libvips' loaders, empty for those that are not photographs.
std::string formatOfLoader(const std::string& loader) {
  struct Known {
    const char* loader;
    const char* format;
  };
  static constexpr std::array kKnown{
      Known{"VipsForeignLoadJpeg", "jpeg"}, Known{"VipsForeignLoadPng", "png"},
      Known{"VipsForeignLoadTiff", "tiff"}, Known{"VipsForeignLoadWebp", "webp"}};
  for (const Known& known : kKnown) {
    if (loader.starts_with(known.loader)) return known.format;
  }
  return {};
}

void requireReadable(const fs::path& path) {
  std::error_code error;
  const auto status = fs::status(path, error);
  if (error) failInput(path, error.message());
  if (fs::is_directory(status)) failInput(path, "is a folder");
  if (!fs::exists(status)) failInput(path, "does not exist");
  if (fs::file_size(path, error) == 0 && !error) failInput(path, "is empty");
  if (::access(path.c_str(), R_OK) != 0) failInput(path, "cannot be read: permission denied");
}

VipsPtr replaced(VipsPtr old, VipsImage* image, const fs::path& path) {
  if (image == nullptr) failInput(path, vipsMessage());
  old.reset();
  return VipsPtr(image);
}

VipsPtr decode(const fs::path& path, std::string& format) {
  const std::unique_ptr<VipsSource, Unref> source(vips_source_new_from_file(path.c_str()));
  if (!source) failInput(path, vipsMessage());
  const char* loader = vips_foreign_find_load_source(source.get());
  if (loader == nullptr) {
    vips_error_clear();
    failInput(path, "is not a picture of a known format");
  }
  format = formatOfLoader(loader);
  if (format.empty()) failInput(path, "is not PNG, JPEG, TIFF or WebP");
  VipsPtr image(vips_image_new_from_source(source.get(), "", "access", VIPS_ACCESS_SEQUENTIAL,
                                           "fail_on", VIPS_FAIL_ON_TRUNCATED, nullptr));
  if (!image) failInput(path, vipsMessage());
  // Decodes here, in one pass, so that a broken file fails here.
  VipsImage* memory = vips_image_copy_memory(image.get());
  return replaced(std::move(image), memory, path);
}

/// Colour bands as RGB or grey in the file's own depth.
VipsPtr normalise(VipsPtr image, const fs::path& path) {
  VipsImage* out = nullptr;
  if (vips_autorot(image.get(), &out, nullptr) != 0) failInput(path, vipsMessage());
  image = replaced(std::move(image), out, path);
  const VipsInterpretation interpretation = vips_image_get_interpretation(image.get());
  if (interpretation == VIPS_INTERPRETATION_XYZ || interpretation == VIPS_INTERPRETATION_LAB ||
      interpretation == VIPS_INTERPRETATION_LABS) {
    failInput(path, std::string("is in the colour space ") +
                        vips_enum_nick(VIPS_TYPE_INTERPRETATION, interpretation) +
                        ", expected grey, RGB or CMYK");
  }
  if (interpretation == VIPS_INTERPRETATION_CMYK) {
    out = nullptr;
    if (vips_colourspace(image.get(), &out, VIPS_INTERPRETATION_sRGB, nullptr) != 0) {
      failInput(path, vipsMessage());
    }
    image = replaced(std::move(image), out, path);
    // The pixels no longer are in the profile's ink space.
    vips_image_remove(image.get(), VIPS_META_ICC_NAME);
  }
  return image;
}

SampleDepth depthOf(VipsImage* image, const fs::path& path) {
  switch (vips_image_get_format(image)) {
    case VIPS_FORMAT_UCHAR:
      return SampleDepth::U8;
    case VIPS_FORMAT_USHORT:
      return SampleDepth::U16;
    case VIPS_FORMAT_FLOAT:
      return SampleDepth::F32;
    default:
      failInput(path, "has samples of type " +
                          std::string(
                              vips_enum_nick(VIPS_TYPE_BAND_FORMAT, vips_image_get_format(image))) +
                          ", expected 8 or 16 bit or 32-bit float");
  }
}

template <typename T>
void split(const T* src, int bands, float scale, Image& image) {
  const bool hasAlpha = !image.alpha.empty();
  for (int y = 0; y < image.height(); ++y) {
    auto* rgb = image.pixels.ptr<float>(y);
    auto* alpha = hasAlpha ? image.alpha.ptr<float>(y) : nullptr;
    for (int x = 0; x < image.width(); ++x, src += bands) {
      for (int c = 0; c < 3; ++c) {
        rgb[3 * x + c] = static_cast<float>(src[image.grey ? 0 : c]) * scale;
      }
      if (hasAlpha) alpha[x] = static_cast<float>(src[bands - 1]) * scale;
    }
  }
}

void* copyField(VipsImage* /*source*/, const char* name, GValue* value, void* target) {
  static constexpr std::array kKept{
      "exif-",          "xmp-data",        "iptc-data",   "icc-profile-data",
      "photoshop-data", "resolution-unit", "png-comment-"};
  for (const std::string_view kept : kKept) {
    if (std::string_view(name).starts_with(kept)) {
      vips_image_set(static_cast<VipsImage*>(target), name, value);
    }
  }
  return nullptr;
}

/// A one-pixel picture that carries the header fields of `image`.
std::shared_ptr<const void> keepMetadata(VipsImage* image) {
  VipsImage* black = nullptr;
  if (vips_black(&black, 1, 1, nullptr) != 0) return nullptr;
  VipsImage* carrier = nullptr;
  const int status = vips_copy(black, &carrier, "xres", vips_image_get_xres(image), "yres",
                               vips_image_get_yres(image), nullptr);
  g_object_unref(black);
  if (status != 0) return nullptr;
  vips_image_map(image, copyField, carrier);
  return std::shared_ptr<const void>(
      carrier, [](const void* object) { g_object_unref(const_cast<void*>(object)); });
}

template <typename T>
T quantise(float value, float peak) {
  return static_cast<T>(std::lround(std::clamp(value, 0.0F, 1.0F) * peak));
}

template <typename T, typename Convert>
std::vector<T> interleave(const Image& image, const Convert& convert) {
  const int colours = image.grey ? 1 : 3;
  const bool hasAlpha = !image.alpha.empty();
  const int bands = colours + (hasAlpha ? 1 : 0);
  std::vector<T> values(static_cast<std::size_t>(image.width()) *
                        static_cast<std::size_t>(image.height()) * static_cast<std::size_t>(bands));
  T* dst = values.data();
  for (int y = 0; y < image.height(); ++y) {
    const auto* rgb = image.pixels.ptr<float>(y);
    const auto* alpha = hasAlpha ? image.alpha.ptr<float>(y) : nullptr;
    for (int x = 0; x < image.width(); ++x) {
      for (int c = 0; c < colours; ++c) *dst++ = convert(rgb[3 * x + c]);
      if (hasAlpha) *dst++ = convert(alpha[x]);
    }
  }
  return values;
}

template <typename T>
VipsPtr wrap(const std::vector<T>& values, const Image& image, VipsBandFormat format) {
  const int bands = (image.grey ? 1 : 3) + (image.alpha.empty() ? 0 : 1);
  return VipsPtr(vips_image_new_from_memory_copy(values.data(), values.size() * sizeof(T),
                                                 image.width(), image.height(), bands, format));
}

VipsPtr toVips(const Image& image, SampleDepth depth) {
  VipsPtr pixels;
  VipsInterpretation interpretation = VIPS_INTERPRETATION_ERROR;
  if (depth == SampleDepth::F32) {
    pixels = wrap(interleave<float>(image, [](float v) { return v; }), image, VIPS_FORMAT_FLOAT);
    interpretation = image.grey ? VIPS_INTERPRETATION_B_W : VIPS_INTERPRETATION_sRGB;
  } else if (depth == SampleDepth::U16) {
    pixels = wrap(interleave<std::uint16_t>(
                      image, [](float v) { return quantise<std::uint16_t>(v, 65535.0F); }),
                  image, VIPS_FORMAT_USHORT);
    interpretation = image.grey ? VIPS_INTERPRETATION_GREY16 : VIPS_INTERPRETATION_RGB16;
  } else {
    pixels = wrap(
        interleave<std::uint8_t>(image, [](float v) { return quantise<std::uint8_t>(v, 255.0F); }),
        image, VIPS_FORMAT_UCHAR);
    interpretation = image.grey ? VIPS_INTERPRETATION_B_W : VIPS_INTERPRETATION_sRGB;
  }
  if (!pixels) return pixels;
  auto* carrier = static_cast<VipsImage*>(const_cast<void*>(image.metadata.get()));
  VipsImage* out = nullptr;
  const int status =
      carrier != nullptr
          ? vips_copy(pixels.get(), &out, "interpretation", interpretation, "xres",
                      vips_image_get_xres(carrier), "yres", vips_image_get_yres(carrier), nullptr)
          : vips_copy(pixels.get(), &out, "interpretation", interpretation, nullptr);
  if (status != 0) return nullptr;
  VipsPtr result(out);
  if (carrier != nullptr) vips_image_map(carrier, copyField, result.get());
  vips_image_set_int(result.get(), VIPS_META_ORIENTATION, 1);
  return result;
}

int save(VipsImage* image, Format format, SampleDepth depth, const WriteOptions& options,
         const std::string& path) {
  switch (format) {
    case Format::Png:
      return vips_pngsave(image, path.c_str(), "bitdepth", depth == SampleDepth::U16 ? 16 : 8,
                          nullptr);
    case Format::Jpeg:
      return vips_jpegsave(image, path.c_str(), "Q", options.quality, "optimize_coding", TRUE,
                           "subsample_mode", VIPS_FOREIGN_SUBSAMPLE_OFF, nullptr);
    case Format::Tiff:
      return vips_tiffsave(image, path.c_str(), "compression",
                           depth == SampleDepth::F32 ? VIPS_FOREIGN_TIFF_COMPRESSION_NONE
                                                     : VIPS_FOREIGN_TIFF_COMPRESSION_DEFLATE,
                           "predictor",
                           depth == SampleDepth::F32 ? VIPS_FOREIGN_TIFF_PREDICTOR_NONE
                                                     : VIPS_FOREIGN_TIFF_PREDICTOR_HORIZONTAL,
                           nullptr);
    case Format::Webp:
      return vips_webpsave(image, path.c_str(), "Q", options.quality, nullptr);
  }
  return -1;
}

SampleDepth depthFor(Format format, SampleDepth wanted) {
  if (format == Format::Jpeg || format == Format::Webp) return SampleDepth::U8;
  if (format == Format::Png && wanted == SampleDepth::F32) return SampleDepth::U16;
  return wanted;
}

/// A file beside the target that vanishes unless it is moved onto it.
class TemporaryFile {
 public:
  explicit TemporaryFile(const fs::path& target) : target_(target) {
    static std::atomic<unsigned> counter{0};
    // The name keeps clear of the limit of 255 bytes whatever the target is called.
    path_ = target.parent_path() /
            (".pristine-" + std::to_string(::getpid()) + "-" + std::to_string(counter++) + ".tmp");
  }
  ~TemporaryFile() {
    std::error_code ignored;
    if (!moved_) fs::remove(path_, ignored);
  }
  TemporaryFile(const TemporaryFile&) = delete;
  TemporaryFile& operator=(const TemporaryFile&) = delete;

  const fs::path& path() const { return path_; }

  void moveToTarget() {
    const int file = ::open(path_.c_str(), O_RDONLY | O_CLOEXEC);
    const bool synced = file >= 0 && ::fsync(file) == 0;
    if (file >= 0) ::close(file);
    if (!synced) failOutput(target_, std::string("cannot be written: ") + std::strerror(errno));
    std::error_code error;
    fs::rename(path_, target_, error);
    if (error) failOutput(target_, "cannot be written: " + error.message());
    moved_ = true;
  }

 private:
  fs::path target_;
  fs::path path_;
  bool moved_ = false;
};

}  // namespace

void initializeImageFiles() {
  if (vips_init("pristine") != 0) throw Error(ErrorCode::Input, "libvips: " + vipsMessage());
  vips_cache_set_max(0);
  vips_concurrency_set(1);
  // Messages reach the user through exceptions, not through GLib's log.
  g_log_set_handler(
      "VIPS", static_cast<GLogLevelFlags>(G_LOG_LEVEL_WARNING | G_LOG_LEVEL_MESSAGE),
      [](const gchar*, GLogLevelFlags, const gchar*, gpointer) {}, nullptr);
}

Image readImage(const fs::path& path) {
  requireReadable(path);
  Image image;
  VipsPtr source = normalise(decode(path, image.format), path);
  const int bands = vips_image_get_bands(source.get());
  if (bands < 1 || bands > 4) {
    failInput(path, "has " + std::to_string(bands) + " channels, expected 1 to 4");
  }
  image.depth = depthOf(source.get(), path);
  image.grey = bands <= 2;
  const int width = vips_image_get_width(source.get());
  const int height = vips_image_get_height(source.get());
  image.pixels.create(height, width, CV_32FC3);
  if (bands == 2 || bands == 4) image.alpha.create(height, width, CV_32FC1);
  image.metadata = keepMetadata(source.get());

  std::size_t size = 0;
  const std::unique_ptr<void, decltype(&g_free)> memory(
      vips_image_write_to_memory(source.get(), &size), &g_free);
  if (!memory) failInput(path, vipsMessage());
  source.reset();
  switch (image.depth) {
    case SampleDepth::U8:
      split(static_cast<const std::uint8_t*>(memory.get()), bands, 1.0F / 255.0F, image);
      break;
    case SampleDepth::U16:
      split(static_cast<const std::uint16_t*>(memory.get()), bands, 1.0F / 65535.0F, image);
      break;
    case SampleDepth::F32:
      split(static_cast<const float*>(memory.get()), bands, 1.0F, image);
      break;
  }
  return image;
}

std::vector<std::uint8_t> iccProfile(const Image& image) {
  if (!image.metadata) return {};
  auto* carrier = static_cast<VipsImage*>(const_cast<void*>(image.metadata.get()));
  const void* data = nullptr;
  std::size_t size = 0;
  if (vips_image_get_typeof(carrier, VIPS_META_ICC_NAME) == 0 ||
      vips_image_get_blob(carrier, VIPS_META_ICC_NAME, &data, &size) != 0) {
    vips_error_clear();
    return {};
  }
  const auto* bytes = static_cast<const std::uint8_t*>(data);
  return {bytes, bytes + size};
}

Image readThumbnail(const fs::path& path, int side) {
  requireReadable(path);
  VipsImage* out = nullptr;
  if (vips_thumbnail(path.c_str(), &out, side, "height", side, "size", VIPS_SIZE_DOWN,
                     "export_profile", "srgb", nullptr) != 0) {
    failInput(path, vipsMessage());
  }
  VipsPtr small(out);
  if (vips_image_get_format(small.get()) != VIPS_FORMAT_UCHAR) {
    out = nullptr;
    if (vips_colourspace(small.get(), &out, VIPS_INTERPRETATION_sRGB, nullptr) != 0) {
      failInput(path, vipsMessage());
    }
    small.reset(out);
  }
  const int bands = vips_image_get_bands(small.get());
  std::size_t size = 0;
  const std::unique_ptr<void, decltype(&g_free)> memory(
      vips_image_write_to_memory(small.get(), &size), &g_free);
  if (!memory) failInput(path, vipsMessage());
  if (bands < 1 || bands > 4 || vips_image_get_format(small.get()) != VIPS_FORMAT_UCHAR) {
    failInput(path, "has " + std::to_string(bands) + " channels, expected 1 to 4");
  }
  Image image;
  image.grey = bands <= 2;
  const int width = vips_image_get_width(small.get());
  const int height = vips_image_get_height(small.get());
  image.pixels.create(height, width, CV_32FC3);
  if (bands == 2 || bands == 4) image.alpha.create(height, width, CV_32FC1);
  split(static_cast<const std::uint8_t*>(memory.get()), bands, 1.0F / 255.0F, image);
  return image;
}

bool isWritableExtension(const fs::path& path) {
  return formatOf(lowerExtension(path)).has_value();
}

bool isImageExtension(const fs::path& path) {
  return isWritableExtension(path);
}

void writeImage(const Image& image, const fs::path& path, const WriteOptions& options) {
  const auto format = formatOf(lowerExtension(path));
  if (!format) {
    failOutput(path, "extension '" + path.extension().string() +
                         "' is none of .png .jpg .jpeg .tif .tiff .webp");
  }
  const SampleDepth depth = depthFor(*format, options.depth.value_or(image.depth));
  const VipsPtr out = toVips(image, depth);
  if (!out) failOutput(path, vipsMessage());
  TemporaryFile temporary(path);
  if (save(out.get(), *format, depth, options, temporary.path().string()) != 0) {
    failOutput(path, vipsMessage());
  }
  temporary.moveToTarget();
}

}  // namespace pristine
