#include "app/files/row_reader.h"

#include <algorithm>
#include <array>
#include <fstream>
#include <string_view>
#include <utility>

#include "app/files/exr_file.h"
#include "app/files/failure.h"
#include "app/files/metadata.h"
#include "app/files/stored_layout.h"
#include "app/files/truncation.h"
#include "app/files/vips_image.h"
#include "app/files/vips_turn.h"

namespace pristine {

namespace {

namespace fs = std::filesystem;

using SourcePtr = std::unique_ptr<VipsSource, Unref>;

/// The format behind one of libvips' loaders; nullopt for those that are not photographs.
std::optional<FileFormat> formatOfLoader(const std::string& loader) {
  static constexpr std::array<std::pair<const char*, FileFormat>, 6> kKnown{{
      {"VipsForeignLoadJpeg", FileFormat::Jpeg},
      {"VipsForeignLoadPng", FileFormat::Png},
      {"VipsForeignLoadTiff", FileFormat::Tiff},
      {"VipsForeignLoadWebp", FileFormat::Webp},
      {"VipsForeignLoadHeif", FileFormat::Heic},
      {"VipsForeignLoadJxl", FileFormat::Jxl},
  }};
  for (const auto& [name, format] : kKnown) {
    if (loader.starts_with(name)) return format;
  }
  return std::nullopt;
}

bool hasField(VipsImage* image, const char* name) {
  int value = 0;
  return vips_image_get_typeof(image, name) != 0 && vips_image_get_int(image, name, &value) == 0 &&
         value != 0;
}

/// The file's picture with its pixels still to be decoded.
VipsPtr openOnce(const fs::path& path, FileFormat& format) {
  forgetVipsWarning();
  const SourcePtr source(vips_source_new_from_file(path.c_str()));
  if (!source) failInput(path, vipsMessage());
  const char* loader = vips_foreign_find_load_source(source.get());
  if (loader == nullptr) failInput(path, "is not a picture of a known format");
  const auto found = formatOfLoader(loader);
  if (!found) failInput(path, "is not PNG, JPEG, TIFF, WebP, AVIF, HEIC, JPEG XL or OpenEXR");
  format = *found;
  VipsPtr image(vips_image_new_from_source(source.get(), "", "access", VIPS_ACCESS_SEQUENTIAL,
                                           "fail_on", VIPS_FAIL_ON_TRUNCATED, nullptr));
  if (!image) failInput(path, vipsMessage());
  const char* compression = nullptr;
  if (format == FileFormat::Heic && vips_image_get_typeof(image.get(), "heif-compression") != 0 &&
      vips_image_get_string(image.get(), "heif-compression", &compression) == 0 &&
      std::string_view(compression) == "av1") {
    format = FileFormat::Avif;
  }
  // Restoring the first alone would lose the others without a word.
  const int pages = vips_image_get_n_pages(image.get());
  if (pages > 1) failInput(path, "has " + std::to_string(pages) + " pages, expected one");
  return image;
}

VipsPtr open(const fs::path& path, FileFormat& format) {
  try {
    return withOwnMessages([&] { return openOnce(path, format); });
  } catch (const Error&) {
    if (isTruncated(path)) failInput(path, "is truncated");
    throw;
  }
}

/// Ink to colour, by the profile of the file where it has one.
VipsPtr inkToColour(VipsPtr image, const fs::path& path) {
  VipsImage* out = nullptr;
  if (vips_icc_transform(image.get(), &out, "srgb", "embedded", TRUE, "input_profile", "cmyk",
                         "intent", VIPS_INTENT_RELATIVE, nullptr) != 0 &&
      vips_colourspace(image.get(), &out, VIPS_INTERPRETATION_sRGB, nullptr) != 0) {
    failInput(path, "its CMYK cannot be turned into RGB");
  }
  image.reset(out);
  // The pixels no longer are in the profile's ink space.
  vips_image_remove(image.get(), VIPS_META_ICC_NAME);
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
void split(const VipsPel* from, int bands, float scale, int width, float* rgb, float* alpha) {
  const T* src = reinterpret_cast<const T*>(from);
  const bool grey = bands <= 2;
  for (int x = 0; x < width; ++x, src += bands) {
    for (int c = 0; c < 3; ++c) rgb[3 * x + c] = static_cast<float>(src[grey ? 0 : c]) * scale;
    if (alpha != nullptr) alpha[x] = static_cast<float>(src[bands - 1]) * scale;
  }
}

class VipsRowReader : public RowReader {
 public:
  VipsRowReader(const fs::path& path, const ReadOptions& options, bool upright)
      : path_(path), options_(options) {
    image_ = open(path, size_.format);
    size_.width = vips_image_get_width(image_.get());
    size_.height = vips_image_get_height(image_.get());
    requirePixels(path, size_.width, size_.height, options);
    // Interlaced PNG and progressive JPEG are complete only at the end of the file.
    size_.rows = traitsOf(size_.format).rowsIn && !hasField(image_.get(), "interlaced") &&
                 !hasField(image_.get(), "jpeg-multiscan");
    header_.notes = layoutNotes(path, size_.format);
    if (size_.format == FileFormat::Tiff && hasTallTiles(path)) size_.rows = false;
    size_.orientation = vips_image_get_orientation(image_.get());
    normalise();
    bands_ = vips_image_get_bands(image_.get());
    if (bands_ < 1 || bands_ > 4) {
      failInput(path, "has " + std::to_string(bands_) + " channels, expected 1 to 4");
    }
    header_.depth = depthOf(image_.get(), path);
    header_.grey = bands_ <= 2;
    header_.format = traitsOf(size_.format).name;
    alpha_ = bands_ == 2 || bands_ == 4;
    header_.metadata = keepMetadata(image_.get(), path, size_.format, upright);
    region_.reset(vips_region_new(image_.get()));
  }

  void read(int rows, Image& target, int at) override {
    for (const int end = at + rows; at < end;) {
      const int count = std::min(kStep, end - at);
      if (!decode(count)) failAt(next_ + count);
      for (int i = 0; i < count; ++i, ++at, ++next_) copyRow(target, at);
    }
  }

 private:
  /// In small steps: a region of libvips holds what was asked for.
  static constexpr int kStep = 16;

  bool decode(int rows) {
    const VipsStep step;
    const VipsRect rect{0, next_, size_.width, rows};
    return vips_region_prepare(region_.get(), &rect) == 0;
  }

  /// Says why the rows above `end` cannot be decoded.
  [[noreturn]] void failAt(int end) {
    if (isTruncated(path_)) failInput(path_, "is truncated");
    // Its decoder has one word for everything.
    if (size_.format == FileFormat::Jxl) failInput(path_, "is damaged or truncated");
    if (VipsAlone::isHere()) failInput(path_, vipsMessage());
    const VipsAlone alone;
    VipsRowReader again(path_, options_, true);
    Image rows;
    rows.pixels.create(kStep, size_.width, CV_32FC3);
    if (alpha_) rows.alpha.create(kStep, size_.width, CV_32FC1);
    while (again.next_ < end) again.read(std::min(kStep, end - again.next_), rows, 0);
    failInput(path_, "could not be decoded, but can be now");
  }

  void normalise() {
    const VipsInterpretation interpretation = vips_image_get_interpretation(image_.get());
    if (interpretation == VIPS_INTERPRETATION_XYZ || interpretation == VIPS_INTERPRETATION_LAB ||
        interpretation == VIPS_INTERPRETATION_LABS) {
      failInput(path_, std::string("is in the colour space ") +
                           vips_enum_nick(VIPS_TYPE_INTERPRETATION, interpretation) +
                           ", expected grey, RGB or CMYK");
    }
    if (interpretation == VIPS_INTERPRETATION_CMYK) {
      image_ = inkToColour(std::move(image_), path_);
      header_.notes.emplace_back("CMYK became RGB (sRGB)");
    }
  }

  void copyRow(Image& target, int at) {
    // What VIPS_REGION_ADDR gives, without its mix of signs.
    const VipsPel* src = region_->data + std::ptrdiff_t{next_ - region_->valid.top} * region_->bpl;
    auto* rgb = target.pixels.ptr<float>(at);
    auto* alpha = alpha_ ? target.alpha.ptr<float>(at) : nullptr;
    switch (header_.depth) {
      case SampleDepth::U8:
        return split<std::uint8_t>(src, bands_, 1.0F / 255.0F, size_.width, rgb, alpha);
      case SampleDepth::U16:
        return split<std::uint16_t>(src, bands_, 1.0F / 65535.0F, size_.width, rgb, alpha);
      case SampleDepth::F32:
        return split<float>(src, bands_, 1.0F, size_.width, rgb, alpha);
    }
  }

  fs::path path_;
  ReadOptions options_;
  VipsPtr image_;
  std::unique_ptr<VipsRegion, Unref> region_;
  int bands_ = 0;
  int next_ = 0;
};

}  // namespace

std::unique_ptr<RowReader> openRows(const fs::path& path, const ReadOptions& options,
                                    bool upright) {
  requireReadable(path);
  if (isExr(path)) return openExrRows(path, options);
  return std::make_unique<VipsRowReader>(path, options, upright);
}

void requirePixels(const fs::path& path, std::int64_t width, std::int64_t height,
                   const ReadOptions& options) {
  if (width < 1 || height < 1) failInput(path, "has no pixels");
  if (width * height <= options.maxPixels) return;
  failInput(path, "has " + std::to_string(width) + "x" + std::to_string(height) +
                      " pixels, more than the " + std::to_string(options.maxPixels) +
                      " of --max-pixels");
}

}  // namespace pristine
