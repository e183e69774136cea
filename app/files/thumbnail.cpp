#include <algorithm>
#include <opencv2/core.hpp>

#include "app/files/exr_file.h"
#include "app/files/failure.h"
#include "app/files/vips_image.h"
#include "app/files/vips_turn.h"
#include "app/image_file.h"
#include "app/network_space.h"

namespace pristine {

namespace {

namespace fs = std::filesystem;
using SourcePtr = std::unique_ptr<VipsSource, Unref>;

/// A picture of libvips made smaller and brought to sRGB.
VipsPtr shrink(VipsImage* image, int side, const fs::path& path) {
  VipsImage* out = nullptr;
  if (vips_thumbnail_image(image, &out, side, "height", side, "size", VIPS_SIZE_DOWN,
                           "export_profile", "srgb", nullptr) != 0) {
    failInput(path, vipsMessage());
  }
  return VipsPtr(out);
}

/// The library takes floats for linear light or for levels of 255; here they are sRGB in [0, 1].
VipsPtr levelsOfFloats(VipsImage* full, const fs::path& path) {
  VipsImage* out = nullptr;
  const VipsInterpretation meaning =
      vips_image_get_bands(full) <= 2 ? VIPS_INTERPRETATION_B_W : VIPS_INTERPRETATION_sRGB;
  if (vips_linear1(full, &out, 255.0, 0.5, "uchar", TRUE, nullptr) != 0) {
    failInput(path, vipsMessage());
  }
  const VipsPtr levels(out);
  if (vips_copy(levels.get(), &out, "interpretation", meaning, nullptr) != 0) {
    failInput(path, vipsMessage());
  }
  return VipsPtr(out);
}

VipsPtr shrinkFile(const fs::path& path, int side) {
  // From a source: a plain name would be searched for options in brackets.
  const SourcePtr source(vips_source_new_from_file(path.c_str()));
  if (!source) failInput(path, vipsMessage());
  const VipsPtr full(vips_image_new_from_source(source.get(), "", nullptr));
  if (!full) failInput(path, vipsMessage());
  if (vips_band_format_isfloat(vips_image_get_format(full.get())) != 0) {
    return shrink(levelsOfFloats(full.get(), path).get(), side, path);
  }
  VipsImage* out = nullptr;
  if (vips_thumbnail_source(source.get(), &out, side, "height", side, "size", VIPS_SIZE_DOWN,
                            "export_profile", "srgb", nullptr) != 0) {
    failInput(path, vipsMessage());
  }
  return VipsPtr(out);
}

/// OpenEXR files are read as for restoring: libvips would take halves of their precision.
VipsPtr shrinkExr(const fs::path& path, int side) {
  Image image = readImage(path);
  const auto space = NetworkSpace::of(iccProfile(image));
  VipsPtr full(vips_image_new());
  vips_image_init_fields(full.get(), image.width(), image.height(), 3, VIPS_FORMAT_UCHAR,
                         VIPS_CODING_NONE, VIPS_INTERPRETATION_sRGB, 1.0, 1.0);
  if (vips_image_write_prepare(full.get()) != 0) failInput(path, vipsMessage());
  auto* out = static_cast<std::uint8_t*>(const_cast<void*>(vips_image_get_data(full.get())));
  for (int y = 0; y < image.height(); ++y) {
    auto* row = image.pixels.ptr<float>(y);
    if (space) space->toNetwork(row, image.width());
    for (int i = 0; i < 3 * image.width(); ++i) {
      *out++ = static_cast<std::uint8_t>(std::clamp(row[i], 0.0F, 1.0F) * 255.0F + 0.5F);
    }
  }
  return shrink(full.get(), side, path);
}

Image imageOf(VipsPtr small, const fs::path& path) {
  VipsImage* out = nullptr;
  if (vips_image_get_format(small.get()) != VIPS_FORMAT_UCHAR) {
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
  const cv::Size area(vips_image_get_width(small.get()), vips_image_get_height(small.get()));
  image.pixels.create(area, CV_32FC3);
  if (bands == 2 || bands == 4) image.alpha.create(area, CV_32FC1);
  const auto* src = static_cast<const std::uint8_t*>(memory.get());
  for (int y = 0; y < area.height; ++y) {
    auto* rgb = image.pixels.ptr<float>(y);
    auto* alpha = image.alpha.empty() ? nullptr : image.alpha.ptr<float>(y);
    for (int x = 0; x < area.width; ++x, src += bands) {
      for (int c = 0; c < 3; ++c) {
        rgb[3 * x + c] = static_cast<float>(src[image.grey ? 0 : c]) * (1.0F / 255.0F);
      }
      if (alpha != nullptr) alpha[x] = static_cast<float>(src[bands - 1]) * (1.0F / 255.0F);
    }
  }
  return image;
}

}  // namespace

Image readThumbnail(const fs::path& path, int side) {
  requireReadable(path);
  if (isExr(path)) return imageOf(shrinkExr(path, side), path);
  return withOwnMessages([&] { return imageOf(shrinkFile(path, side), path); });
}

}  // namespace pristine
