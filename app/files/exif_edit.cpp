#include "app/files/exif_edit.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <optional>
#include <span>

namespace pristine {

namespace {

constexpr std::uint16_t kOrientation = 0x0112;
constexpr std::uint16_t kThumbnailOffset = 0x0201;
constexpr std::uint16_t kThumbnailBytes = 0x0202;
constexpr std::uint16_t kGps = 0x8825;
constexpr std::size_t kEntryBytes = 12;

/// Numbers of a TIFF structure in either byte order; reading outside gives nothing.
class Structure {
 public:
  static std::optional<Structure> of(std::vector<std::uint8_t>& block) {
    static constexpr std::array<std::uint8_t, 6> kMark{'E', 'x', 'i', 'f', 0, 0};
    std::span<std::uint8_t> bytes(block);
    if (bytes.size() > kMark.size() && std::equal(kMark.begin(), kMark.end(), bytes.begin())) {
      bytes = bytes.subspan(kMark.size());
    }
    if (bytes.size() < 8 || (bytes[0] != 'I' && bytes[0] != 'M') || bytes[1] != bytes[0]) {
      return std::nullopt;
    }
    return Structure(bytes, bytes[0] == 'M');
  }

  std::optional<std::uint32_t> number(std::size_t at, unsigned width) const {
    if (at > bytes_.size() || bytes_.size() - at < width) return std::nullopt;
    std::uint32_t value = 0;
    for (unsigned i = 0; i < width; ++i) {
      value = value << 8U | bytes_[at + (bigEndian_ ? i : width - 1 - i)];
    }
    return value;
  }

  void put(std::size_t at, unsigned width, std::uint32_t value) {
    for (unsigned i = 0; i < width; ++i) {
      bytes_[at + (bigEndian_ ? width - 1 - i : i)] = static_cast<std::uint8_t>(value >> (8 * i));
    }
  }

  void blank(std::size_t at, std::size_t count) {
    if (at >= bytes_.size()) return;
    count = std::min(count, bytes_.size() - at);
    std::fill_n(bytes_.begin() + static_cast<std::ptrdiff_t>(at), count, std::uint8_t{0});
  }

  std::size_t firstDirectory() const { return *number(4, 4); }

  /// Entries of a directory that lies inside; 0 otherwise.
  std::size_t entries(std::size_t directory) const {
    const auto count = number(directory, 2);
    if (directory < 8 || !count || !number(directory + 2 + *count * kEntryBytes, 4)) return 0;
    return *count;
  }

  std::size_t entryAt(std::size_t directory, std::size_t index) const {
    return directory + 2 + index * kEntryBytes;
  }

  std::optional<std::size_t> find(std::size_t directory, std::uint16_t tag) const {
    for (std::size_t i = 0; i < entries(directory); ++i) {
      if (number(entryAt(directory, i), 2) == tag) return entryAt(directory, i);
    }
    return std::nullopt;
  }

  /// Where the pointer to the next directory stands.
  std::size_t nextPointer(std::size_t directory) const {
    return entryAt(directory, entries(directory));
  }

  /// Blanks a directory and the values that it points to.
  void blankDirectory(std::size_t directory) {
    static constexpr std::array<std::size_t, 13> kWidths{0, 1, 1, 2, 4, 8, 1, 1, 2, 4, 8, 4, 8};
    const std::size_t count = entries(directory);
    for (std::size_t i = 0; i < count; ++i) {
      const std::size_t entry = entryAt(directory, i);
      const std::size_t type = *number(entry + 2, 2);
      const std::size_t size =
          type < kWidths.size() ? kWidths[type] * std::size_t{*number(entry + 4, 4)} : 0;
      if (size > 4) blank(*number(entry + 8, 4), size);
    }
    if (count > 0) blank(directory, 2 + count * kEntryBytes + 4);
  }

  /// Takes an entry out of its directory; those behind it, and the next pointer, move up.
  void removeEntry(std::size_t directory, std::size_t entry) {
    const std::size_t end = nextPointer(directory) + 4;
    const std::size_t count = entries(directory);
    const auto begin = bytes_.begin();
    std::copy(begin + static_cast<std::ptrdiff_t>(entry + kEntryBytes),
              begin + static_cast<std::ptrdiff_t>(end), begin + static_cast<std::ptrdiff_t>(entry));
    blank(end - kEntryBytes, kEntryBytes);
    put(directory, 2, static_cast<std::uint32_t>(count - 1));
  }

 private:
  Structure(std::span<std::uint8_t> bytes, bool bigEndian) : bytes_(bytes), bigEndian_(bigEndian) {}

  std::span<std::uint8_t> bytes_;
  bool bigEndian_;
};

}  // namespace

void setExifOrientation(std::vector<std::uint8_t>& block, int orientation) {
  auto exif = Structure::of(block);
  if (!exif) return;
  const auto entry = exif->find(exif->firstDirectory(), kOrientation);
  if (!entry || exif->number(*entry + 2, 2) != 3U) return;
  exif->put(*entry + 8, 2, static_cast<std::uint32_t>(orientation));
}

void dropExifGps(std::vector<std::uint8_t>& block) {
  auto exif = Structure::of(block);
  if (!exif) return;
  const std::size_t first = exif->firstDirectory();
  while (const auto entry = exif->find(first, kGps)) {
    const std::size_t gps = *exif->number(*entry + 8, 4);
    if (gps != first) exif->blankDirectory(gps);
    // The directory may have lain over the entry.
    if (exif->find(first, kGps) != entry) return;
    exif->removeEntry(first, *entry);
  }
}

void dropExifThumbnail(std::vector<std::uint8_t>& block) {
  auto exif = Structure::of(block);
  if (!exif) return;
  const std::size_t first = exif->firstDirectory();
  if (exif->entries(first) == 0) return;
  const std::size_t second = *exif->number(exif->nextPointer(first), 4);
  exif->put(exif->nextPointer(first), 4, 0);
  if (second == 0 || second == first) return;
  const auto offset = exif->find(second, kThumbnailOffset);
  const auto bytes = exif->find(second, kThumbnailBytes);
  const auto begin = offset ? exif->number(*offset + 8, 4) : std::nullopt;
  const auto count = bytes ? exif->number(*bytes + 8, 4) : std::nullopt;
  // A damaged pointer must not blank the rest of the block.
  if (begin && count && *begin >= second) exif->blank(*begin, *count);
  if (second > first) exif->blankDirectory(second);
}

}  // namespace pristine
