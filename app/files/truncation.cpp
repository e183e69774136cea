#include "app/files/truncation.h"

#include <algorithm>
#include <cstdint>
#include <fstream>
#include <optional>
#include <string>

namespace pristine {

namespace {

namespace fs = std::filesystem;

/// Numbers of a file; reading beyond its end gives nothing.
class Bytes {
 public:
  explicit Bytes(const fs::path& path) : file_(path, std::ios::binary) {
    std::error_code error;
    size_ = fs::file_size(path, error);
    if (error) size_ = 0;
  }

  std::uint64_t size() const { return size_; }

  std::optional<std::string> text(std::uint64_t at, std::size_t count) {
    if (at > size_ || size_ - at < count) return std::nullopt;
    std::string bytes(count, '\0');
    file_.seekg(static_cast<std::streamoff>(at));
    if (!file_.read(bytes.data(), static_cast<std::streamsize>(count))) return std::nullopt;
    return bytes;
  }

  std::optional<std::uint64_t> number(std::uint64_t at, std::size_t width, bool bigEndian) {
    auto bytes = text(at, width);
    if (!bytes) return std::nullopt;
    if (!bigEndian) std::ranges::reverse(*bytes);
    std::uint64_t value = 0;
    for (const char byte : *bytes) value = value << 8U | static_cast<std::uint8_t>(byte);
    return value;
  }

 private:
  std::ifstream file_;
  std::uint64_t size_ = 0;
};

bool isShortPng(Bytes& file) {
  for (std::uint64_t at = 8;;) {
    const auto length = file.number(at, 4, true);
    const auto name = file.text(at + 4, 4);
    if (!length || !name || *length + 12 > file.size() - at) return true;
    if (*name == "IEND") return false;
    at += *length + 12;
  }
}

bool isShortRiff(Bytes& file) {
  const auto size = file.number(4, 4, false);
  return !size || *size + 8 > file.size();
}

bool isShortBoxes(Bytes& file) {
  for (std::uint64_t at = 0; at < file.size();) {
    const auto size = file.number(at, 4, true);
    if (!size) return true;
    if (*size == 0) return false;  // to the end of the file
    const auto bytes = *size == 1 ? file.number(at + 8, 8, true) : size;
    if (!bytes || *bytes > file.size() - at) return true;
    if (*bytes < 8) return false;  // damaged
    at += *bytes;
  }
  return false;
}

bool isShortJpeg(Bytes& file) {
  constexpr std::uint64_t kEnd = 64;  // writers may pad
  const std::uint64_t at = file.size() > kEnd ? file.size() - kEnd : 0;
  const auto end = file.text(at, static_cast<std::size_t>(file.size() - at));
  return end && end->find("\xFF\xD9") == std::string::npos;
}

bool isShortTiff(Bytes& file, bool bigEndian) {
  const auto version = file.number(2, 2, bigEndian);
  const auto directory =
      version == 43U ? file.number(8, 8, bigEndian) : file.number(4, 4, bigEndian);
  return !directory || *directory >= file.size();
}

}  // namespace

bool isTruncated(const fs::path& path) {
  Bytes file(path);
  const std::string start =
      file.text(0, static_cast<std::size_t>(std::min<std::uint64_t>(12, file.size()))).value_or("");
  if (start.starts_with("\x89PNG\r\n\x1A\n")) return isShortPng(file);
  if (start.starts_with("RIFF") && start.ends_with("WEBP")) return isShortRiff(file);
  if (start.find("ftyp") == 4 || start.find("JXL ") == 4) return isShortBoxes(file);
  if (start.starts_with("\xFF\xD8")) return isShortJpeg(file);
  if (start.starts_with("II*") || start.starts_with("II+")) return isShortTiff(file, false);
  if (start.starts_with("MM")) return isShortTiff(file, true);
  return false;
}

}  // namespace pristine
