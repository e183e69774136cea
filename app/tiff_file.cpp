#include "app/tiff_file.h"

#include <algorithm>
#include <array>
#include <fstream>
#include <optional>
#include <stdexcept>
#include <string>

#include "core/error.h"

namespace pristine {

namespace {

namespace fs = std::filesystem;

constexpr std::uint16_t kIptc = 0x83BB;

[[noreturn]] void failOutput(const fs::path& path, const std::string& why) {
  throw Error(ErrorCode::Output, "'" + path.string() + "': metadata cannot be written: " + why);
}

}  // namespace

void addToTiffFile(const fs::path& path, const TiffDirectory& added) {
  std::fstream file(path, std::ios::binary | std::ios::in | std::ios::out);
  if (!file) failOutput(path, "the file cannot be opened");
  std::optional<std::vector<TiffWrite>> writes;
  try {
    writes = addToTiff(tiffSource(file, path), added);
  } catch (const std::length_error&) {
    return;
  }
  if (!writes) failOutput(path, "the file is not a TIFF file");
  for (const TiffWrite& write : *writes) {
    file.clear();
    file.seekp(static_cast<std::streamoff>(write.offset));
    file.write(reinterpret_cast<const char*>(write.bytes.data()),
               static_cast<std::streamsize>(write.bytes.size()));
    file.flush();
    if (!file)
      failOutput(path, "the device refused " + std::to_string(write.bytes.size()) + " bytes");
  }
}

std::vector<std::uint8_t> readTiffIptc(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  const TiffSource source = tiffSource(file, path);
  const auto found = readTiff(source, [](std::uint16_t directory, std::uint16_t tag) {
    return directory == 0 && tag == kIptc ? TiffTake::Values : TiffTake::Nothing;
  });
  if (!found || found->entries.empty()) return {};
  const TiffEntry& entry = found->entries.front();
  std::vector<std::uint8_t> record = entry.values;
  // Bytes that are said to be numbers: in the file they stand in their own order.
  std::array<std::uint8_t, 1> order{};
  const auto width = static_cast<std::ptrdiff_t>(valueSize(entry.type));
  if (width > 1 && source.read(0, order) && order[0] == 'M') {
    for (auto at = record.begin(); record.end() - at >= width; at += width) {
      std::reverse(at, at + width);
    }
  }
  return record;
}

void addTiffIptc(const fs::path& path, std::span<const std::uint8_t> record) {
  TiffDirectory added;
  added.entries.push_back({kIptc, TiffType::Undefined, {record.begin(), record.end()}});
  addToTiffFile(path, added);
}

}  // namespace pristine
