#include <algorithm>
#include <opencv2/core.hpp>

#include "app/files/failure.h"
#include "app/files/metadata.h"
#include "app/files/row_reader.h"
#include "app/files/vips_image.h"
#include "app/image_file.h"

namespace pristine {

namespace {

namespace fs = std::filesystem;

/// A plane as it is seen, of a file whose orientation (EXIF 2.32, tag 274) says how it is stored.
void turnUpright(cv::Mat& plane, int orientation) {
  if (plane.empty() || orientation < 2 || orientation > 8) return;
  if (orientation >= 5) plane = plane.t();
  if (orientation == 2 || orientation == 6) cv::flip(plane, plane, 1);
  if (orientation == 3 || orientation == 7) cv::flip(plane, plane, -1);
  if (orientation == 4 || orientation == 8) cv::flip(plane, plane, 0);
}

}  // namespace

Image readImage(const fs::path& path, const std::stop_token& stop, const ReadOptions& options) {
  const auto reader = openRows(path, options, true);
  const PictureSize& size = reader->size();
  Image image = reader->header();
  image.pixels.create(size.height, size.width, CV_32FC3);
  if (reader->alpha()) image.alpha.create(size.height, size.width, CV_32FC1);
  constexpr int kStep = 64;
  for (int at = 0; at < size.height; at += kStep) {
    failIfStopped(path, stop);
    reader->read(std::min(kStep, size.height - at), image, at);
  }
  turnUpright(image.pixels, reader->orientation());
  turnUpright(image.alpha, reader->orientation());
  return image;
}

PictureSize pictureSize(const fs::path& path, const ReadOptions& options) {
  return openRows(path, options, true)->size();
}

std::int64_t pixelCount(const fs::path& path, const ReadOptions& options) {
  return pictureSize(path, options).pixels();
}

std::vector<std::uint8_t> iccProfile(const Image& image) {
  const auto bytes = blobOf(carrierOf(image), VIPS_META_ICC_NAME);
  return {bytes.begin(), bytes.end()};
}

}  // namespace pristine
