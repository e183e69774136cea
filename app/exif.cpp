#include "app/exif.h"

#include <algorithm>
#include <array>
#include <exiv2/exiv2.hpp>
#include <mutex>
#include <string>
#include <string_view>

#include "core/error.h"

namespace pristine {

namespace {

constexpr std::array<std::uint8_t, 6> kMark{'E', 'x', 'i', 'f', 0, 0};

/// The XMP toolkit inside the library is not safe between threads.
std::mutex& libraryMutex() {
  static std::mutex mutex;
  return mutex;
}

/// Whether a tag speaks of the photograph and not of how a file stores it.
bool isAboutPhotograph(const Exiv2::Exifdatum& tag) {
  static constexpr std::array<std::string_view, 16> kOfImage{
      "ImageDescription", "Make",          "Model",     "Software",    "DateTime",  "Artist",
      "HostComputer",     "Copyright",     "Rating",    "XPTitle",     "XPComment", "XPAuthor",
      "XPKeywords",       "RatingPercent", "XPSubject", "DocumentName"};
  const std::string group = tag.groupName();
  if (group == "Image") return std::ranges::find(kOfImage, tag.tagName()) != kOfImage.end();
  return group != "Thumbnail" && !group.starts_with("Image") && !group.starts_with("SubImage");
}

Exiv2::ExifData photographTags(const Exiv2::ExifData& all) {
  Exiv2::ExifData kept;
  for (const Exiv2::Exifdatum& tag : all) {
    if (isAboutPhotograph(tag)) kept.add(tag);
  }
  return kept;
}

}  // namespace

void initializeExif() {
  const std::lock_guard lock(libraryMutex());
  Exiv2::LogMsg::setLevel(Exiv2::LogMsg::mute);
  Exiv2::XmpParser::initialize();
}

std::vector<std::uint8_t> readTiffExif(const std::filesystem::path& path) {
  const std::lock_guard lock(libraryMutex());
  try {
    const auto file = Exiv2::ImageFactory::open(path.string());
    file->readMetadata();
    const Exiv2::ExifData kept = photographTags(file->exifData());
    if (kept.empty()) return {};
    Exiv2::Blob blob;
    Exiv2::ExifParser::encode(blob, Exiv2::littleEndian, kept);
    std::vector<std::uint8_t> block(kMark.begin(), kMark.end());
    block.insert(block.end(), blob.begin(), blob.end());
    return block;
  } catch (const Exiv2::AnyError&) {
    return {};
  }
}

void addTiffExif(const std::filesystem::path& path, std::span<const std::uint8_t> exif) {
  const std::lock_guard lock(libraryMutex());
  if (exif.size() > kMark.size() && std::equal(kMark.begin(), kMark.end(), exif.begin())) {
    exif = exif.subspan(kMark.size());
  }
  Exiv2::ExifData all;
  try {
    Exiv2::ExifParser::decode(all, exif.data(), static_cast<std::uint32_t>(exif.size()));
  } catch (const Exiv2::AnyError&) {
    return;
  }
  try {
    const auto file = Exiv2::ImageFactory::open(path.string());
    file->readMetadata();
    for (const Exiv2::Exifdatum& tag : photographTags(all)) file->exifData()[tag.key()] = tag;
    file->writeMetadata();
  } catch (const Exiv2::AnyError& error) {
    throw Error(ErrorCode::Output, "EXIF cannot be written: " + std::string(error.what()));
  }
}

}  // namespace pristine
