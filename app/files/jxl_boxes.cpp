#include "app/files/jxl_boxes.h"

#include <algorithm>
#include <array>
#include <fstream>
#include <string>
#include <string_view>

#include "app/files/failure.h"

namespace pristine {

namespace {

namespace fs = std::filesystem;
using Bytes = std::vector<std::uint8_t>;

constexpr std::array<std::uint8_t, 12> kSignature{0,   0,   0,    12,   'J',  'X',
                                                  'L', ' ', 0x0D, 0x0A, 0x87, 0x0A};
constexpr std::array<std::uint8_t, 20> kFileType{0,   0,   0, 20, 'f', 't', 'y', 'p', 'j', 'x',
                                                 'l', ' ', 0, 0,  0,   0,   'j', 'x', 'l', ' '};
constexpr std::array<std::uint8_t, 6> kExifMark{'E', 'x', 'i', 'f', 0, 0};
constexpr std::uint64_t kLargestBox = 64U << 20U;

std::uint64_t bigEndian(std::span<const std::uint8_t> bytes) {
  std::uint64_t value = 0;
  for (const std::uint8_t byte : bytes) value = value << 8U | byte;
  return value;
}

void append(Bytes& bytes, std::uint64_t value, unsigned width) {
  for (unsigned i = width; i > 0; --i) {
    bytes.push_back(static_cast<std::uint8_t>(value >> (8 * (i - 1))));
  }
}

/// Size and type of a box, 64-bit sizes only where they must be: libjxl 0.7 reads no others.
void appendHeader(Bytes& bytes, std::string_view type, std::uint64_t payload) {
  const bool wide = payload + 8 > 0xFFFFFFFFU;
  append(bytes, wide ? 1 : payload + 8, 4);
  bytes.insert(bytes.end(), type.begin(), type.end());
  if (wide) append(bytes, payload + 16, 8);
}

Bytes readAt(std::ifstream& file, std::uint64_t at, std::uint64_t count) {
  Bytes bytes(count);
  file.clear();
  file.seekg(static_cast<std::streamoff>(at));
  file.read(reinterpret_cast<char*>(bytes.data()), static_cast<std::streamsize>(count));
  bytes.resize(static_cast<std::size_t>(file.gcount()));
  return bytes;
}

bool isContainer(std::span<const std::uint8_t> start) {
  return start.size() >= kSignature.size() &&
         std::equal(kSignature.begin(), kSignature.end(), start.begin());
}

void take(std::string_view type, const Bytes& payload, JxlMetadata& found) {
  if (type == "xml " && found.xmp.empty()) found.xmp = payload;
  if (type != "Exif" || !found.exif.empty() || payload.size() < 12) return;
  // Four bytes say how far behind them the TIFF structure begins.
  const std::uint64_t skip = bigEndian(std::span(payload).first(4));
  if (skip > payload.size() - 12) return;
  found.exif.assign(kExifMark.begin(), kExifMark.end());
  found.exif.insert(found.exif.end(), payload.begin() + 4 + static_cast<std::ptrdiff_t>(skip),
                    payload.end());
}

}  // namespace

JxlMetadata readJxlMetadata(const fs::path& path) {
  JxlMetadata found;
  std::error_code error;
  const std::uint64_t size = fs::file_size(path, error);
  std::ifstream file(path, std::ios::binary);
  if (error || !file || !isContainer(readAt(file, 0, kSignature.size()))) return found;
  for (std::uint64_t at = 0; at + 8 <= size;) {
    const Bytes header = readAt(file, at, std::min<std::uint64_t>(16, size - at));
    if (header.size() < 8) break;
    std::uint64_t bytes = bigEndian(std::span(header).first(4));
    std::uint64_t start = 8;
    if (bytes == 1) {
      if (header.size() < 16) break;
      bytes = bigEndian(std::span(header).subspan(8, 8));
      start = 16;
    }
    if (bytes == 0) bytes = size - at;
    if (bytes < start || bytes > size - at) break;
    const std::string type(header.begin() + 4, header.begin() + 8);
    if ((type == "Exif" || type == "xml ") && bytes - start <= kLargestBox) {
      take(type, readAt(file, at + start, bytes - start), found);
    }
    at += bytes;
  }
  return found;
}

void addJxlMetadata(const fs::path& path, std::span<const std::uint8_t> exif,
                    std::span<const std::uint8_t> xmp) {
  if (exif.size() > kExifMark.size() &&
      std::equal(kExifMark.begin(), kExifMark.end(), exif.begin())) {
    exif = exif.subspan(kExifMark.size());
  }
  if (exif.empty() && xmp.empty()) return;
  Bytes boxes;
  if (!exif.empty()) {
    appendHeader(boxes, "Exif", exif.size() + 4);
    append(boxes, 0, 4);
    boxes.insert(boxes.end(), exif.begin(), exif.end());
  }
  if (!xmp.empty()) {
    appendHeader(boxes, "xml ", xmp.size());
    boxes.insert(boxes.end(), xmp.begin(), xmp.end());
  }
  Bytes content;
  {
    std::ifstream file(path, std::ios::binary);
    std::error_code error;
    content = readAt(file, 0, fs::file_size(path, error));
    if (!file || error) failOutput(path, "metadata cannot be added: the file cannot be read");
  }
  // Behind the file type, as the last box may reach to the end of the file without a size.
  Bytes head;
  if (isContainer(content)) {
    const std::size_t type = content.size() > 16 ? bigEndian(std::span(content).subspan(12, 4)) : 0;
    const std::size_t end = std::min(content.size(), kSignature.size() + type);
    head.assign(content.begin(), content.begin() + static_cast<std::ptrdiff_t>(end));
    content.erase(content.begin(), content.begin() + static_cast<std::ptrdiff_t>(end));
  } else {
    head.assign(kSignature.begin(), kSignature.end());
    head.insert(head.end(), kFileType.begin(), kFileType.end());
    appendHeader(boxes, "jxlc", content.size());
  }
  std::ofstream file(path, std::ios::binary | std::ios::trunc);
  for (const Bytes* part : {&head, &boxes, &content}) {
    file.write(reinterpret_cast<const char*>(part->data()),
               static_cast<std::streamsize>(part->size()));
  }
  file.close();
  if (!file) failOutput(path, "metadata cannot be added: the device refused the bytes");
}

}  // namespace pristine
