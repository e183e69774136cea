#include "app/picture_inspection.h"

#include <lcms2.h>

#include <array>
#include <fstream>
#include <optional>
#include <vector>

#include "app/lcms_handles.h"
#include "app/network_space.h"

namespace pristine {

namespace {

/// Enough for the segments before the first scan: EXIF, a profile, previews.
constexpr std::size_t kHeaderBytes = 4U << 20U;

std::optional<JpegHeader> headerOf(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  std::vector<char> bytes(kHeaderBytes);
  file.read(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  std::vector<std::uint8_t> header(bytes.begin(), bytes.begin() + file.gcount());
  return parseJpegHeader(header);
}

std::string descriptionOf(const std::vector<std::uint8_t>& profile) {
  if (profile.empty()) return {};
  const ProfilePtr opened(
      cmsOpenProfileFromMem(profile.data(), static_cast<cmsUInt32Number>(profile.size())));
  if (!opened) return "unreadable";
  std::array<char, 128> text{};
  cmsGetProfileInfoASCII(opened.get(), cmsInfoDescription, "en", "US", text.data(),
                         static_cast<cmsUInt32Number>(text.size()));
  text.back() = 0;
  return text.front() == 0 ? "without a name" : text.data();
}

}  // namespace

PictureInspection inspectPicture(const Image& image, const std::filesystem::path& path) {
  PictureInspection result;
  result.width = image.width();
  result.height = image.height();
  result.depth = image.depth;
  result.format = image.format;
  result.grey = image.grey;
  result.alpha = !image.alpha.empty();
  const auto profile = iccProfile(image);
  result.profile = descriptionOf(profile);
  cv::Mat seen = image.pixels;
  if (const auto space = NetworkSpace::of(profile)) {
    seen = image.pixels.clone();
    for (int y = 0; y < seen.rows; ++y) space->toNetwork(seen.ptr<float>(y), seen.cols);
  }
  const auto header = image.format == "jpeg" ? headerOf(path) : std::nullopt;
  result.found = inspect(seen, image.pixels, image.alpha, image.grey, header);
  return result;
}

PictureInspection inspectFile(const std::filesystem::path& path, const std::stop_token& stop,
                              const ReadOptions& options) {
  return inspectPicture(readImage(path, stop, options), path);
}

}  // namespace pristine
