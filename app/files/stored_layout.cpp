#include "app/files/stored_layout.h"

#include <array>
#include <fstream>

#include "app/exif.h"
#include "app/tiff_directory.h"

namespace pristine {

namespace {

namespace fs = std::filesystem;

constexpr std::uint16_t kBitsPerSample = 258;
constexpr std::uint16_t kPhotometric = 262;
constexpr std::uint16_t kTileLength = 323;
constexpr std::uint32_t kTallTile = 2048;

std::string bitsNote(unsigned bits) {
  return std::to_string(bits) + "-bit samples became 8-bit ones";
}

std::vector<std::string> notesOf(bool palette, unsigned bits) {
  if (palette) return {"a palette became full colour"};
  if (bits > 0 && bits < 8) return {bitsNote(bits)};
  return {};
}

/// The first value of a field of the first directory; 0 without one.
std::uint32_t tiffNumber(const fs::path& path, std::uint16_t wanted) {
  std::ifstream file(path, std::ios::binary);
  const auto directory = readTiff(tiffSource(file, path), [&](std::uint16_t, std::uint16_t tag) {
    return tag == wanted ? TiffTake::Values : TiffTake::Nothing;
  });
  const TiffEntry* entry = directory ? directory->entry(wanted) : nullptr;
  if (entry == nullptr) return 0;
  std::uint32_t value = 0;
  for (std::size_t i = std::min<std::size_t>(valueSize(entry->type), 4); i > 0; --i) {
    value = value << 8U | entry->values[i - 1];
  }
  return value;
}

}  // namespace

std::vector<std::string> layoutNotes(const fs::path& path, FileFormat format) {
  if (format == FileFormat::Png) {
    std::array<char, 26> start{};
    std::ifstream(path, std::ios::binary).read(start.data(), start.size());
    return notesOf(start[25] == 3, static_cast<unsigned char>(start[24]));
  }
  if (format == FileFormat::Tiff) {
    return notesOf(tiffNumber(path, kPhotometric) == 3, tiffNumber(path, kBitsPerSample));
  }
  return {};
}

bool hasTallTiles(const fs::path& path) {
  return tiffNumber(path, kTileLength) > kTallTile;
}

}  // namespace pristine
