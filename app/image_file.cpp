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
#include <mutex>
#include <set>
#include <utility>
#include <vector>

#include "app/exif.h"
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
  if (status.type() == fs::file_type::not_found) failInput(path, "does not exist");
  if (error) failInput(path, error.message());
  if (fs::is_directory(status)) failInput(path, "is a folder");
  if (!fs::is_regular_file(status)) failInput(path, "is not a file");
  if (fs::file_size(path, error) == 0 && !error) failInput(path, "is empty");
  if (::access(path.c_str(), R_OK) != 0) failInput(path, "cannot be read: permission denied");
}

/// Ends vips' work on a picture once `stop` is requested; lives as long as the work.
class StopWatch {
 public:
  StopWatch(VipsImage* image, const std::stop_token& stop) : image_(image), stop_(stop) {
    if (!stop.stop_possible()) return;
    vips_image_set_progress(image, TRUE);
    handler_ = g_signal_connect(image, "eval", G_CALLBACK(onProgress), &stop_);
  }
  ~StopWatch() {
    if (handler_ != 0) g_signal_handler_disconnect(image_, handler_);
  }
  StopWatch(const StopWatch&) = delete;
  StopWatch& operator=(const StopWatch&) = delete;

 private:
  static void onProgress(VipsImage* image, VipsProgress* /*progress*/, std::stop_token* stop) {
    if (stop->stop_requested()) vips_image_set_kill(image, TRUE);
  }

  VipsImage* image_;
  std::stop_token stop_;
  gulong handler_ = 0;
};

void failIfStopped(const fs::path& path, const std::stop_token& stop) {
  if (!stop.stop_requested()) return;
  vips_error_clear();
  throw Error(ErrorCode::Stopped, "picture '" + path.string() + "': stopped");
}

/// The file's picture with its pixels still to be decoded.
VipsPtr open(const fs::path& path, std::string& format) {
  requireReadable(path);
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
  // Restoring the first alone would lose the others without a word.
  const int pages = vips_image_get_n_pages(image.get());
  if (pages > 1) failInput(path, "has " + std::to_string(pages) + " pages, expected one");
  return image;
}

/// Decodes in one pass, so that a broken file fails here.
VipsPtr decode(VipsPtr image, const fs::path& path, const std::stop_token& stop) {
  const StopWatch watch(image.get(), stop);
  VipsImage* memory = vips_image_copy_memory(image.get());
  if (memory == nullptr) failIfStopped(path, stop);
  if (memory == nullptr) failInput(path, vipsMessage());
  return VipsPtr(memory);
}

/// Upright colour bands as RGB or grey in the file's own depth.
VipsPtr normalise(VipsPtr image, const fs::path& path) {
  VipsImage* out = nullptr;
  if (vips_image_get_orientation(image.get()) > 1) {
    if (vips_autorot(image.get(), &out, nullptr) != 0) failInput(path, vipsMessage());
    image = VipsPtr(out);
  }
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
    image = VipsPtr(out);
    // The pixels no longer are in the profile's ink space.
    vips_image_remove(image.get(), VIPS_META_ICC_NAME);
  }
  if (vips_image_wio_input(image.get()) != 0) failInput(path, vipsMessage());
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

/// Sets a property of an XMP packet, as attribute or element, to 1 where it is a single digit.
void resetDigit(std::string& packet, const std::string& property) {
  for (const std::string& mark : {property + "=\"", property + "='", property + ">"}) {
    for (auto at = packet.find(mark); at != std::string::npos; at = packet.find(mark, at + 1)) {
      const std::size_t digit = at + mark.size();
      if (digit + 1 < packet.size() && packet[digit] >= '2' && packet[digit] <= '8' &&
          (packet[digit + 1] == mark.back() || packet[digit + 1] == '<')) {
        packet[digit] = '1';
      }
    }
  }
}

/// The picture is upright now, whatever the packet says.
void resetOrientation(VipsImage* carrier) {
  const void* data = nullptr;
  std::size_t size = 0;
  if (vips_image_get_typeof(carrier, VIPS_META_XMP_NAME) == 0 ||
      vips_image_get_blob(carrier, VIPS_META_XMP_NAME, &data, &size) != 0) {
    return;
  }
  std::string packet(static_cast<const char*>(data), size);
  resetDigit(packet, "tiff:Orientation");
  vips_image_set_blob_copy(carrier, VIPS_META_XMP_NAME, packet.data(), packet.size());
}

/// A one-pixel picture that carries the header fields of `image`.
std::shared_ptr<const void> keepMetadata(VipsImage* image, const fs::path& path,
                                         const std::string& format) {
  VipsImage* black = nullptr;
  if (vips_black(&black, 1, 1, nullptr) != 0) return nullptr;
  VipsImage* carrier = nullptr;
  const int status = vips_copy(black, &carrier, "xres", vips_image_get_xres(image), "yres",
                               vips_image_get_yres(image), nullptr);
  g_object_unref(black);
  if (status != 0) return nullptr;
  vips_image_map(image, copyField, carrier);
  resetOrientation(carrier);
  if (format == "tiff") {  // libvips leaves out what TIFF keeps in directories of its own
    const auto exif = readTiffExif(path);
    if (!exif.empty()) {
      vips_image_set_blob_copy(carrier, VIPS_META_EXIF_NAME, exif.data(), exif.size());
    }
  }
  return std::shared_ptr<const void>(
      carrier, [](const void* object) { g_object_unref(const_cast<void*>(object)); });
}

VipsImage* carrierOf(const Image& image) {
  return static_cast<VipsImage*>(const_cast<void*>(image.metadata.get()));
}

template <typename T>
T quantise(float value, float peak) {
  return static_cast<T>(std::lround(std::clamp(value, 0.0F, 1.0F) * peak));
}

template <typename T, typename Convert>
void interleave(const Image& image, const Convert& convert, T* dst) {
  const int colours = image.grey ? 1 : 3;
  for (int y = 0; y < image.height(); ++y) {
    const auto* rgb = image.pixels.ptr<float>(y);
    const auto* alpha = image.alpha.empty() ? nullptr : image.alpha.ptr<float>(y);
    for (int x = 0; x < image.width(); ++x) {
      for (int c = 0; c < colours; ++c) *dst++ = convert(rgb[3 * x + c]);
      if (alpha != nullptr) *dst++ = convert(alpha[x]);
    }
  }
}

/// A picture in memory whose pixels are for the caller to fill.
VipsPtr allocate(const Image& image, VipsBandFormat format, VipsInterpretation interpretation,
                 const fs::path& path) {
  VipsPtr memory(vips_image_new_memory());
  const int bands = (image.grey ? 1 : 3) + (image.alpha.empty() ? 0 : 1);
  const VipsImage* carrier = carrierOf(image);
  vips_image_init_fields(memory.get(), image.width(), image.height(), bands, format,
                         VIPS_CODING_NONE, interpretation,
                         carrier != nullptr ? vips_image_get_xres(carrier) : 1.0,
                         carrier != nullptr ? vips_image_get_yres(carrier) : 1.0);
  if (vips_image_write_prepare(memory.get()) != 0) failOutput(path, vipsMessage());
  return memory;
}

template <typename T>
T* pixelsOf(const VipsPtr& memory) {
  return static_cast<T*>(const_cast<void*>(vips_image_get_data(memory.get())));
}

VipsPtr toVips(const Image& image, SampleDepth depth, const fs::path& path) {
  const auto grey = [&](VipsInterpretation one, VipsInterpretation three) {
    return image.grey ? one : three;
  };
  VipsPtr result;
  if (depth == SampleDepth::F32) {
    result = allocate(image, VIPS_FORMAT_FLOAT,
                      grey(VIPS_INTERPRETATION_B_W, VIPS_INTERPRETATION_sRGB), path);
    interleave(
        image, [](float v) { return v; }, pixelsOf<float>(result));
  } else if (depth == SampleDepth::U16) {
    result = allocate(image, VIPS_FORMAT_USHORT,
                      grey(VIPS_INTERPRETATION_GREY16, VIPS_INTERPRETATION_RGB16), path);
    interleave(
        image, [](float v) { return quantise<std::uint16_t>(v, 65535.0F); },
        pixelsOf<std::uint16_t>(result));
  } else {
    result = allocate(image, VIPS_FORMAT_UCHAR,
                      grey(VIPS_INTERPRETATION_B_W, VIPS_INTERPRETATION_sRGB), path);
    interleave(
        image, [](float v) { return quantise<std::uint8_t>(v, 255.0F); },
        pixelsOf<std::uint8_t>(result));
  }
  if (VipsImage* carrier = carrierOf(image)) vips_image_map(carrier, copyField, result.get());
  vips_image_set_int(result.get(), VIPS_META_ORIENTATION, 1);
  return result;
}

bool isOpaque(const cv::Mat& alpha) {
  for (int y = 0; y < alpha.rows; ++y) {
    const auto* row = alpha.ptr<float>(y);
    if (std::any_of(row, row + alpha.cols, [](float a) { return a < 1.0F; })) return false;
  }
  return true;
}

int save(VipsImage* image, Format format, SampleDepth depth, const WriteOptions& options,
         const std::string& path) {
  switch (format) {
    case Format::Png:
      // Of photographs Paeth at level 2 makes smaller files than level 6 without a filter, which is
      // libvips's default, in less time.
      return vips_pngsave(image, path.c_str(), "bitdepth", depth == SampleDepth::U16 ? 16 : 8,
                          "compression", 2, "filter", VIPS_FOREIGN_PNG_FILTER_PAETH, nullptr);
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

/// The temporary files that exist at the moment.
class TemporaryFiles {
 public:
  static TemporaryFiles& instance() {
    static TemporaryFiles files;
    return files;
  }
  void add(const fs::path& path) {
    const std::lock_guard lock(mutex_);
    paths_.insert(path);
  }
  void forget(const fs::path& path) {
    const std::lock_guard lock(mutex_);
    paths_.erase(path);
  }
  void removeAll() {
    const std::lock_guard lock(mutex_);
    std::error_code ignored;
    for (const fs::path& path : paths_) fs::remove(path, ignored);
    paths_.clear();
  }

 private:
  std::mutex mutex_;
  std::set<fs::path> paths_;
};

/// A file beside the target that vanishes unless it is moved onto it.
class TemporaryFile {
 public:
  explicit TemporaryFile(const fs::path& target) : target_(target) {
    static std::atomic<unsigned> counter{0};
    // The name keeps clear of the limit of 255 bytes whatever the target is called.
    path_ = target.parent_path() /
            (".pristine-" + std::to_string(::getpid()) + "-" + std::to_string(counter++) + ".tmp");
    TemporaryFiles::instance().add(path_);
  }
  ~TemporaryFile() {
    std::error_code ignored;
    if (!moved_) fs::remove(path_, ignored);
    TemporaryFiles::instance().forget(path_);
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

std::int64_t pixelCount(const fs::path& path) {
  std::string format;
  const VipsPtr image = open(path, format);
  return static_cast<std::int64_t>(vips_image_get_width(image.get())) *
         vips_image_get_height(image.get());
}

Image readImage(const fs::path& path, const std::stop_token& stop) {
  Image image;
  const VipsPtr source = normalise(decode(open(path, image.format), path, stop), path);
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
  image.metadata = keepMetadata(source.get(), path, image.format);

  const auto* memory = static_cast<const VipsPel*>(vips_image_get_data(source.get()));
  if (memory == nullptr) failInput(path, vipsMessage());
  switch (image.depth) {
    case SampleDepth::U8:
      split(memory, bands, 1.0F / 255.0F, image);
      break;
    case SampleDepth::U16:
      split(reinterpret_cast<const std::uint16_t*>(memory), bands, 1.0F / 65535.0F, image);
      break;
    case SampleDepth::F32:
      split(reinterpret_cast<const float*>(memory), bands, 1.0F, image);
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
  // From a source: a plain name would be searched for options in brackets.
  const std::unique_ptr<VipsSource, Unref> source(vips_source_new_from_file(path.c_str()));
  if (!source) failInput(path, vipsMessage());
  VipsImage* out = nullptr;
  VipsPtr full(vips_image_new_from_source(source.get(), "", nullptr));
  if (!full) failInput(path, vipsMessage());
  if (vips_band_format_isfloat(vips_image_get_format(full.get())) != 0) {
    // The library takes floats for linear light or for levels of 255; here they are sRGB in [0, 1].
    const VipsInterpretation meaning =
        vips_image_get_bands(full.get()) <= 2 ? VIPS_INTERPRETATION_B_W : VIPS_INTERPRETATION_sRGB;
    if (vips_linear1(full.get(), &out, 255.0, 0.5, "uchar", TRUE, nullptr) != 0) {
      failInput(path, vipsMessage());
    }
    const VipsPtr levels(out);
    if (vips_copy(levels.get(), &out, "interpretation", meaning, nullptr) != 0) {
      failInput(path, vipsMessage());
    }
    const VipsPtr marked(out);
    if (vips_thumbnail_image(marked.get(), &out, side, "height", side, "size", VIPS_SIZE_DOWN,
                             "export_profile", "srgb", nullptr) != 0) {
      failInput(path, vipsMessage());
    }
  } else if (vips_thumbnail_source(source.get(), &out, side, "height", side, "size", VIPS_SIZE_DOWN,
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

struct ImageWriter::Impl {
  fs::path path;
  WriteOptions options;
  Format format = Format::Png;
  SampleDepth depth = SampleDepth::U8;
  VipsPtr pixels;
};

ImageWriter::ImageWriter(const Image& image, const fs::path& path, const WriteOptions& options)
    : impl_(std::make_unique<Impl>()) {
  const auto format = formatOf(lowerExtension(path));
  if (!format) {
    failOutput(path, "extension '" + path.extension().string() +
                         "' is none of .png .jpg .jpeg .tif .tiff .webp");
  }
  Image source = image;
  if (*format == Format::Jpeg && !source.alpha.empty()) {
    if (!isOpaque(source.alpha)) {
      failOutput(path, "JPEG has no place for the transparency of the picture");
    }
    source.alpha.release();
  }
  impl_->path = path;
  impl_->options = options;
  impl_->format = *format;
  impl_->depth = depthFor(*format, options.depth.value_or(image.depth));
  impl_->pixels = toVips(source, impl_->depth, path);
}

ImageWriter::~ImageWriter() = default;

void ImageWriter::write(const std::stop_token& stop) {
  const Impl& w = *impl_;
  TemporaryFile temporary(w.path);
  {
    const StopWatch watch(w.pixels.get(), stop);
    const int status =
        save(w.pixels.get(), w.format, w.depth, w.options, temporary.path().string());
    if (status != 0) failIfStopped(w.path, stop);
    if (status != 0) failOutput(w.path, vipsMessage());
  }
  const void* exif = nullptr;
  std::size_t size = 0;
  if (w.format == Format::Tiff && vips_image_get_typeof(w.pixels.get(), VIPS_META_EXIF_NAME) != 0 &&
      vips_image_get_blob(w.pixels.get(), VIPS_META_EXIF_NAME, &exif, &size) == 0) {
    addTiffExif(temporary.path(), {static_cast<const std::uint8_t*>(exif), size});
  }
  failIfStopped(w.path, stop);
  temporary.moveToTarget();
}

void writeImage(const Image& image, const fs::path& path, const WriteOptions& options) {
  ImageWriter(image, path, options).write();
}

void removeTemporaryFiles() {
  TemporaryFiles::instance().removeAll();
}

}  // namespace pristine
