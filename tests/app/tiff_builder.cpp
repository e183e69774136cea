#include "tests/app/tiff_builder.h"

#include <algorithm>

namespace pristine::test {

TiffEntry tiffEntry(std::uint16_t tag, TiffType type,
                    std::initializer_list<std::uint32_t> numbers) {
  TiffEntry entry{tag, type, {}};
  const std::size_t width = std::min<std::size_t>(valueSize(type), 4);
  for (const std::uint32_t number : numbers) {
    for (std::size_t i = 0; i < width; ++i) {
      entry.values.push_back(static_cast<std::uint8_t>(number >> (8 * i)));
    }
  }
  return entry;
}

TiffEntry tiffText(std::uint16_t tag, std::string_view text) {
  return {tag, TiffType::Ascii, {text.begin(), text.end()}};
}

void apply(const std::vector<TiffWrite>& writes, std::vector<std::uint8_t>& bytes) {
  for (const TiffWrite& write : writes) {
    bytes.resize(std::max<std::size_t>(bytes.size(), write.offset + write.bytes.size()));
    std::ranges::copy(write.bytes, bytes.begin() + static_cast<std::ptrdiff_t>(write.offset));
  }
}

std::optional<TiffDirectory> wholeTiff(std::span<const std::uint8_t> bytes) {
  return readTiff(tiffSource(bytes), [](std::uint16_t, std::uint16_t tag) {
    const bool isPointer = tag == 0x8769 || tag == 0x8825 || tag == 0xA005;
    return isPointer ? TiffTake::Directory : TiffTake::Values;
  });
}

TiffDirectory tagsOf(std::span<const std::uint8_t> block) {
  const bool hasMark = block.size() > 6 && block[0] == 'E';
  return wholeTiff(block.subspan(hasMark ? 6 : 0)).value_or(TiffDirectory{});
}

std::vector<std::uint8_t> exifBlock(const TiffDirectory& tags, const TiffFormat& format) {
  std::vector<std::uint8_t> block{'E', 'x', 'i', 'f', 0, 0};
  const auto encoded = encodeTiff(tags, format);
  block.insert(block.end(), encoded.begin(), encoded.end());
  return block;
}

}  // namespace pristine::test
