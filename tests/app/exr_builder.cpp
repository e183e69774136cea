#include "tests/app/exr_builder.h"

#include <bit>
#include <cstddef>
#include <string_view>

namespace pristine::test {

namespace {

using Bytes = std::vector<std::uint8_t>;

void put(Bytes& bytes, std::uint64_t value, unsigned width) {
  for (unsigned i = 0; i < width; ++i) bytes.push_back(static_cast<std::uint8_t>(value >> (8 * i)));
}

void putFloat(Bytes& bytes, float value) {
  put(bytes, std::bit_cast<std::uint32_t>(value), 4);
}

/// Text with its zero.
void putText(Bytes& bytes, std::string_view text) {
  bytes.insert(bytes.end(), text.begin(), text.end());
  bytes.push_back(0);
}

void putAttribute(Bytes& bytes, std::string_view name, std::string_view type, const Bytes& value) {
  putText(bytes, name);
  putText(bytes, type);
  put(bytes, value.size(), 4);
  bytes.insert(bytes.end(), value.begin(), value.end());
}

Bytes channels() {
  Bytes list;
  for (const char* name : {"B", "G", "R"}) {
    putText(list, name);
    put(list, 2, 4);  // f32
    put(list, 0, 4);
    put(list, 1, 4);  // every column
    put(list, 1, 4);  // every row
  }
  list.push_back(0);
  return list;
}

Bytes window(int width, int height) {
  Bytes box;
  for (const int value : {0, 0, width - 1, height - 1}) {
    put(box, static_cast<std::uint32_t>(value), 4);
  }
  return box;
}

Bytes floats(std::initializer_list<float> values) {
  Bytes bytes;
  for (const float value : values) putFloat(bytes, value);
  return bytes;
}

}  // namespace

Bytes encodeExr(int width, int height, const std::vector<float>& rgb,
                const std::array<float, 8>& chromaticities) {
  Bytes file;
  put(file, 0x01312F76, 4);
  put(file, 2, 4);
  Bytes primaries;
  for (const float value : chromaticities) putFloat(primaries, value);
  putAttribute(file, "channels", "chlist", channels());
  putAttribute(file, "chromaticities", "chromaticities", primaries);
  putAttribute(file, "compression", "compression", {0});
  putAttribute(file, "dataWindow", "box2i", window(width, height));
  putAttribute(file, "displayWindow", "box2i", window(width, height));
  putAttribute(file, "lineOrder", "lineOrder", {0});
  putAttribute(file, "pixelAspectRatio", "float", floats({1}));
  putAttribute(file, "screenWindowCenter", "v2f", floats({0, 0}));
  putAttribute(file, "screenWindowWidth", "float", floats({1}));
  file.push_back(0);
  const auto columns = static_cast<std::size_t>(width);
  const auto rows = static_cast<std::size_t>(height);
  const std::size_t lineBytes = columns * 3 * 4;
  const std::size_t first = file.size() + rows * 8;
  for (std::size_t y = 0; y < rows; ++y) put(file, first + y * (8 + lineBytes), 8);
  for (std::size_t y = 0; y < rows; ++y) {
    put(file, y, 4);
    put(file, lineBytes, 4);
    for (const std::size_t channel : {2U, 1U, 0U}) {
      for (std::size_t x = 0; x < columns; ++x)
        putFloat(file, rgb[3 * (y * columns + x) + channel]);
    }
  }
  return file;
}

}  // namespace pristine::test
