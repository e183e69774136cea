#include "app/files/png_iptc.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <fstream>
#include <string>

#include "app/files/failure.h"
#include "app/files/iptc.h"

namespace pristine {

namespace {

/// ISO 15948, annex D.
std::uint32_t crc32(std::string_view bytes) {
  std::uint32_t crc = ~0U;
  for (const char byte : bytes) {
    crc ^= static_cast<std::uint8_t>(byte);
    for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1U) ^ ((crc & 1U) != 0 ? 0xEDB88320U : 0U);
  }
  return ~crc;
}

std::string bigEndian(std::size_t value) {
  std::string bytes;
  for (const unsigned shift : {24U, 16U, 8U, 0U}) {
    bytes.push_back(static_cast<char>(static_cast<std::uint8_t>(value >> shift)));
  }
  return bytes;
}

/// The digits of a text's last part as bytes; empty unless there are as many as it says.
std::vector<std::uint8_t> bytesOf(std::string_view text) {
  const auto isSpace = [](char c) { return c == '\n' || c == ' ' || c == '\r' || c == '\t'; };
  const auto skipSpace = [&] {
    while (!text.empty() && isSpace(text.front())) text.remove_prefix(1);
  };
  skipSpace();
  text.remove_prefix(std::min(text.find('\n'), text.size()));  // the name
  skipSpace();
  std::size_t size = 0;
  const auto [rest, error] = std::from_chars(text.data(), text.data() + text.size(), size);
  if (error != std::errc()) return {};
  text.remove_prefix(static_cast<std::size_t>(rest - text.data()));
  std::string digits;
  std::ranges::copy_if(text, std::back_inserter(digits), [&](char c) { return !isSpace(c); });
  if (size > digits.size() / 2) return {};
  std::vector<std::uint8_t> bytes(size);
  for (std::size_t i = 0; i < size; ++i) {
    const char* digit = digits.data() + 2 * i;
    const auto [end, wrong] = std::from_chars(digit, digit + 2, bytes[i], 16);
    if (wrong != std::errc() || end != digit + 2) return {};
  }
  return bytes;
}

}  // namespace

std::vector<std::uint8_t> iptcOfPngText(std::string_view text) {
  auto bytes = bytesOf(text);
  // The record itself, or in one of Photoshop's resources.
  constexpr std::uint8_t kRecordMark = 0x1C;
  if (!bytes.empty() && bytes.front() == kRecordMark) return bytes;
  return iptcOfResources(bytes);
}

void addPngIptc(const std::filesystem::path& path, std::span<const std::uint8_t> record) {
  const auto block = resourcesOfIptc(record);
  if (block.empty()) return;
  // Without the mark of JPEG before the resource.
  constexpr std::string_view kResource = "8BIM";
  const auto resource = std::search(block.begin(), block.end(), kResource.begin(), kResource.end());
  const std::span<const std::uint8_t> bytes(resource, block.end());
  std::string chunk = "tEXt" + std::string(kPngIptcKeyword) + '\0' + "\nIPTC profile\n" +
                      std::to_string(bytes.size()) + "\n";
  static constexpr std::string_view kDigits = "0123456789abcdef";
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    chunk += kDigits[bytes[i] >> 4U];
    chunk += kDigits[bytes[i] & 15U];
    if (i % 36 == 35) chunk += '\n';
  }
  chunk += '\n';
  std::fstream file(path, std::ios::binary | std::ios::in | std::ios::out);
  std::array<char, 12> last{};
  file.seekg(-static_cast<std::streamoff>(last.size()), std::ios::end);
  const std::streamoff at = file.tellg();
  file.read(last.data(), last.size());
  if (!file || std::string_view(last.data() + 4, 4) != "IEND") {
    failOutput(path, "has no end to put IPTC before");
  }
  file.seekp(at);
  file << bigEndian(chunk.size() - 4) << chunk << bigEndian(crc32(chunk));
  file.write(last.data(), last.size());
  if (!file.flush()) failOutput(path, "the device refused its IPTC");
}

}  // namespace pristine
