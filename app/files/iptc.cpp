#include "app/files/iptc.h"

#include <algorithm>
#include <cstddef>
#include <string_view>

namespace pristine {

namespace {

using namespace std::string_view_literals;

constexpr std::string_view kMark = "Photoshop 3.0\0"sv;
constexpr std::string_view kResource = "8BIM\x04\x04\0\0"sv;  // number 0x0404 and an empty name
constexpr std::size_t kLongest = 65000;

bool startsWith(std::span<const std::uint8_t> bytes, std::string_view text) {
  return bytes.size() >= text.size() &&
         std::equal(text.begin(), text.end(), bytes.begin(),
                    [](char a, std::uint8_t b) { return static_cast<std::uint8_t>(a) == b; });
}

}  // namespace

std::vector<std::uint8_t> iptcOfResources(std::span<const std::uint8_t> block) {
  if (startsWith(block, kMark)) block = block.subspan(kMark.size());
  while (startsWith(block, "8BIM"sv) && block.size() > 12) {
    const bool isIptc = block[4] == 0x04 && block[5] == 0x04;
    // A Pascal string of even length, then the size, then data padded to even length.
    const std::size_t name = (std::size_t{block[6]} + 2U) & ~std::size_t{1};
    if (block.size() < 6 + name + 4) break;
    const auto size = block.subspan(6 + name, 4);
    const std::size_t bytes = std::size_t{size[0]} << 24U | std::size_t{size[1]} << 16U |
                              std::size_t{size[2]} << 8U | size[3];
    block = block.subspan(6 + name + 4);
    if (bytes > block.size()) break;
    if (isIptc) return {block.begin(), block.begin() + static_cast<std::ptrdiff_t>(bytes)};
    block = block.subspan(std::min(block.size(), bytes + bytes % 2));
  }
  return {};
}

std::vector<std::uint8_t> resourcesOfIptc(std::span<const std::uint8_t> record) {
  if (record.empty() || record.size() > kLongest) return {};
  std::vector<std::uint8_t> block;
  for (const std::string_view part : {kMark, kResource}) {
    block.insert(block.end(), part.begin(), part.end());
  }
  for (unsigned shift : {24U, 16U, 8U, 0U}) {
    block.push_back(static_cast<std::uint8_t>(record.size() >> shift));
  }
  block.insert(block.end(), record.begin(), record.end());
  if (record.size() % 2 != 0) block.push_back(0);
  return block;
}

}  // namespace pristine
