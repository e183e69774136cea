#include "app/files/file_encoding.h"

#include <algorithm>
#include <cmath>

#include "app/files/exr_file.h"
#include "app/files/failure.h"
#include "app/files/metadata.h"
#include "app/image_file.h"
#include "core/error.h"

namespace pristine {

namespace {

bool isOpaque(const cv::Mat& alpha) {
  for (int y = 0; y < alpha.rows; ++y) {
    const auto* row = alpha.ptr<float>(y);
    if (std::any_of(row, row + alpha.cols, [](float a) { return a < 1.0F; })) return false;
  }
  return true;
}

template <typename T>
T quantise(float value, float peak) {
  // Not a number becomes 0.
  return static_cast<T>(std::lround((value > 0.0F ? std::min(value, 1.0F) : 0.0F) * peak));
}

template <typename T, typename Convert>
void interleaveAs(const Image& image, bool grey, bool alphas, const Convert& convert, T* dst) {
  const int colours = grey ? 1 : 3;
  for (int y = 0; y < image.height(); ++y) {
    const auto* rgb = image.pixels.ptr<float>(y);
    const auto* alpha = alphas ? image.alpha.ptr<float>(y) : nullptr;
    for (int x = 0; x < image.width(); ++x) {
      for (int c = 0; c < colours; ++c) *dst++ = convert(rgb[3 * x + c]);
      if (alpha != nullptr) *dst++ = convert(alpha[x]);
    }
  }
}

/// Formats whose files are always of three colours.
bool lacksGrey(FileFormat format) {
  return format == FileFormat::Webp || format == FileFormat::Avif;
}

bool isGreyProfile(const std::vector<std::uint8_t>& profile) {
  // ICC.1, 7.2.6: the colour space is the signature at byte 16.
  return profile.size() > 20 && std::equal(profile.begin() + 16, profile.begin() + 20, "GRAY");
}

}  // namespace

FileEncoding::FileEncoding(const Image& like, bool alpha, const std::filesystem::path& path,
                           const WriteOptions& options)
    : path_(path), grey_(like.grey), alpha_(alpha), metadata_(like.metadata) {
  const auto format = options.format ? options.format : formatOfName(path);
  if (!format) {
    failOutput(path,
               "extension '" + path.extension().string() + "' is none of " + writableExtensions());
  }
  format_ = *format;
  try {
    requirePossible(options, format_);
  } catch (const Error& error) {
    failOutput(path, error.what());
  }
  const FormatTraits& traits = traitsOf(format_);
  quality_ = options.quality.value_or(quality_);
  lossless_ = options.lossless && traits.quality;
  strip_ = options.strip;
  if (!traits.alpha) alpha_ = false;
  chooseDepth(like, options);
  chooseLight(like);
}

void FileEncoding::chooseDepth(const Image& like, const WriteOptions& options) {
  const FormatTraits& traits = traitsOf(format_);
  depth_ = options.depth.value_or(like.depth);
  if (format_ == FileFormat::Exr) {
    halves_ = !options.depth && hadHalves(like);
    depth_ = SampleDepth::F32;
    return;
  }
  if (depth_ == SampleDepth::F32 && !traits.floats) {
    depth_ = traits.bits > 8 ? SampleDepth::U16 : SampleDepth::U8;
    notes_.push_back("floats became integers, " + std::string(traits.title) + " has no others");
  }
  if (depth_ == SampleDepth::U16 && traits.bits < 16) {
    if (traits.bits <= 8) depth_ = SampleDepth::U8;
    notes_.push_back("16 bits became " + std::to_string(traits.bits) + ", " + traits.title +
                     " has no more");
  }
}

void FileEncoding::chooseLight(const Image& like) {
  const auto profile = iccProfile(like);
  if (format_ == FileFormat::Exr) {
    if (!isExrMetadata(like)) light_ = Light::Linear;
  } else if (depth_ != SampleDepth::F32 && isLinearProfile(profile)) {
    light_ = Light::Srgb;
    notes_.emplace_back("linear light became sRGB");
  } else if (lacksGrey(format_) && isGreyProfile(profile)) {
    light_ = Light::Srgb;
  }
  if (light_ == Light::Kept) return;
  space_ = NetworkSpace::of(profile);
}

Image FileEncoding::prepare(const Image& strip) const {
  Image result = strip;
  if (!alpha_ && !strip.alpha.empty()) {
    if (!isOpaque(strip.alpha)) {
      failOutput(path_, std::string(traitsOf(format_).title) +
                            " has no place for the transparency of the picture");
    }
    result.alpha.release();
  }
  if (light_ == Light::Kept || (light_ == Light::Srgb && !space_)) return result;
  result.pixels = strip.pixels.clone();
  for (int y = 0; y < result.height(); ++y) {
    auto* row = result.pixels.ptr<float>(y);
    if (light_ == Light::Srgb) {
      space_->toNetwork(row, result.width());
    } else if (space_) {
      space_->toLinear(row, result.width());
    } else {
      std::transform(row, row + std::ptrdiff_t{3} * result.width(), row, decodeSrgb);
    }
  }
  return result;
}

std::size_t FileEncoding::pixelBytes() const {
  const std::size_t sample = depth_ == SampleDepth::F32 ? 4 : depth_ == SampleDepth::U16 ? 2 : 1;
  return static_cast<std::size_t>(bands()) * sample;
}

void FileEncoding::interleave(const Image& strip, void* samples) const {
  switch (depth_) {
    case SampleDepth::U8:
      return interleaveAs(
          strip, grey_, alpha_, [](float v) { return quantise<std::uint8_t>(v, 255.0F); },
          static_cast<std::uint8_t*>(samples));
    case SampleDepth::U16:
      return interleaveAs(
          strip, grey_, alpha_, [](float v) { return quantise<std::uint16_t>(v, 65535.0F); },
          static_cast<std::uint16_t*>(samples));
    case SampleDepth::F32:
      return interleaveAs(
          strip, grey_, alpha_, [](float v) { return v; }, static_cast<float*>(samples));
  }
}

VipsPtr FileEncoding::newImage(int width, int height) const {
  Image like;
  like.metadata = metadata_;
  VipsImage* carrier = carrierOf(like);
  VipsBandFormat format = VIPS_FORMAT_UCHAR;
  VipsInterpretation meaning = grey_ ? VIPS_INTERPRETATION_B_W : VIPS_INTERPRETATION_sRGB;
  if (depth_ == SampleDepth::F32) format = VIPS_FORMAT_FLOAT;
  if (depth_ == SampleDepth::U16) {
    format = VIPS_FORMAT_USHORT;
    meaning = grey_ ? VIPS_INTERPRETATION_GREY16 : VIPS_INTERPRETATION_RGB16;
  }
  // Of a picture that lies turned, the resolutions would be exchanged; they are equal in practice.
  VipsPtr image(vips_image_new());
  vips_image_init_fields(image.get(), width, height, bands(), format, VIPS_CODING_NONE, meaning,
                         carrier != nullptr ? vips_image_get_xres(carrier) : 1.0,
                         carrier != nullptr ? vips_image_get_yres(carrier) : 1.0);
  putMetadata(carrier, image.get(), format_, strip_);
  if (light_ == Light::Srgb) {
    const auto profile = srgbProfile();
    vips_image_set_blob_copy(image.get(), VIPS_META_ICC_NAME, profile.data(), profile.size());
  }
  return image;
}

}  // namespace pristine
