#include "app/exif.h"

#include <algorithm>
#include <array>
#include <fstream>
#include <optional>
#include <utility>

#include "app/tiff_directory.h"
#include "app/tiff_file.h"

namespace pristine {

namespace {

namespace fs = std::filesystem;

constexpr std::array<std::uint8_t, 6> kMark{'E', 'x', 'i', 'f', 0, 0};

constexpr std::uint16_t kOrientation = 0x0112;
constexpr std::uint16_t kExifDirectory = 0x8769;
constexpr std::uint16_t kGpsDirectory = 0x8825;
constexpr std::uint16_t kInteroperabilityDirectory = 0xA005;
constexpr std::uint16_t kUserComment = 0x9286;

/// Takes what speaks of the photograph and not of how a file stores it.
TiffTake photographPart(std::uint16_t directory, std::uint16_t tag) {
  static constexpr std::array<std::uint16_t, 16> kOfFirst{
      0x010D,                                  // DocumentName
      0x010E,                                  // ImageDescription
      0x010F,                                  // Make
      0x0110,                                  // Model
      0x0131,                                  // Software
      0x0132,                                  // DateTime
      0x013B,                                  // Artist
      0x013C,                                  // HostComputer
      0x4746, 0x4749,                          // Rating, RatingPercent
      0x8298,                                  // Copyright
      0x9C9B, 0x9C9C, 0x9C9D, 0x9C9E, 0x9C9F,  // XPTitle to XPSubject
  };
  switch (directory) {
    case 0:
      if (tag == kExifDirectory || tag == kGpsDirectory) return TiffTake::Directory;
      return std::ranges::find(kOfFirst, tag) != kOfFirst.end() ? TiffTake::Values
                                                                : TiffTake::Nothing;
    case kExifDirectory:
      if (tag == kInteroperabilityDirectory) return TiffTake::Directory;
      // PixelXDimension and PixelYDimension are those of the compressed data of one file, before
      // its orientation was applied; EXIF 2.32 forbids them in uncompressed files.
      return tag == 0xA002 || tag == 0xA003 ? TiffTake::Nothing : TiffTake::Values;
    default:
      return TiffTake::Values;
  }
}

/// Turns the bytes of a UserComment in Unicode; its type does not show that it has a byte order.
void turnUnicodeComment(std::vector<std::uint8_t>& comment) {
  static constexpr std::array<std::uint8_t, 8> kUnicode{'U', 'N', 'I', 'C', 'O', 'D', 'E', 0};
  if (comment.size() < kUnicode.size()) return;
  if (!std::equal(kUnicode.begin(), kUnicode.end(), comment.begin())) return;
  for (std::size_t i = kUnicode.size(); i + 1 < comment.size(); i += 2) {
    std::swap(comment[i], comment[i + 1]);
  }
}

std::optional<TiffDirectory> readPhotographPart(const TiffSource& source) {
  auto part = readTiff(source, photographPart);
  std::array<std::uint8_t, 1> order{};
  if (!part || !source.read(0, order) || order[0] != 'M') return part;
  for (TiffDirectory& child : part->children) {
    if (child.tag != kExifDirectory) continue;
    for (TiffEntry& entry : child.entries) {
      if (entry.tag == kUserComment) turnUnicodeComment(entry.values);
    }
  }
  return part;
}

}  // namespace

std::vector<std::uint8_t> readTiffExif(const fs::path& path, int orientation) {
  std::ifstream file(path, std::ios::binary);
  auto kept = readPhotographPart(tiffSource(file, path));
  if (kept && orientation > 1) {
    kept->entries.push_back(
        {kOrientation, TiffType::Short, {static_cast<std::uint8_t>(orientation), 0}});
    std::ranges::sort(kept->entries, {}, &TiffEntry::tag);
  }
  if (!kept || kept->empty()) return {};
  std::vector<std::uint8_t> block(kMark.begin(), kMark.end());
  const auto encoded = encodeTiff(*kept);
  block.insert(block.end(), encoded.begin(), encoded.end());
  return block;
}

void addTiffExif(const fs::path& path, std::span<const std::uint8_t> exif) {
  if (exif.size() > kMark.size() && std::equal(kMark.begin(), kMark.end(), exif.begin())) {
    exif = exif.subspan(kMark.size());
  }
  const auto kept = readPhotographPart(tiffSource(exif));
  if (!kept || kept->empty()) return;
  addToTiffFile(path, *kept);
}

}  // namespace pristine
