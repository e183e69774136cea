#include "core/inspection/jpeg_tables.h"

#include <algorithm>
#include <cmath>
#include <cstddef>

namespace pristine {

namespace {

constexpr JpegTable kAnnexK{16, 11, 10, 16, 24,  40,  51,  61,  12, 12, 14, 19, 26,  58,  60,  55,
                            14, 13, 16, 24, 40,  57,  69,  56,  14, 17, 22, 29, 51,  87,  80,  62,
                            18, 22, 37, 56, 68,  109, 103, 77,  24, 35, 55, 64, 81,  104, 113, 92,
                            49, 64, 78, 87, 103, 121, 120, 101, 72, 92, 95, 98, 112, 100, 103, 99};

/// Place in a table of each step as files have them (figure A.6 of T.81).
constexpr std::array<int, 64> kZigzag{
    0,  1,  8,  16, 9,  2,  3,  10, 17, 24, 32, 25, 18, 11, 4,  5,  12, 19, 26, 33, 40, 48,
    41, 34, 27, 20, 13, 6,  7,  14, 21, 28, 35, 42, 49, 56, 57, 50, 43, 36, 29, 22, 15, 23,
    30, 37, 44, 51, 58, 59, 52, 45, 38, 31, 39, 46, 53, 60, 61, 54, 47, 55, 62, 63};

/// Walks through the bytes of a file; every read is checked.
class Bytes {
 public:
  explicit Bytes(std::span<const std::uint8_t> bytes) : rest_(bytes) {}
  std::size_t left() const { return rest_.size(); }
  int byte() {
    if (rest_.empty()) return -1;
    const int value = rest_.front();
    rest_ = rest_.subspan(1);
    return value;
  }
  int word() {
    if (left() < 2) return -1;
    const int high = byte();
    return high * 256 + byte();
  }
  /// The next `count` bytes as a walk of their own; empty if there are fewer.
  std::optional<Bytes> take(int count) {
    if (count < 0 || left() < static_cast<std::size_t>(count)) return std::nullopt;
    const Bytes part(rest_.first(static_cast<std::size_t>(count)));
    rest_ = rest_.subspan(static_cast<std::size_t>(count));
    return part;
  }

 private:
  std::span<const std::uint8_t> rest_;
};

struct Segments {
  std::array<std::optional<JpegTable>, 4> tables;
  int lumaTable = -1;
  int samples[3] = {0, 0, 0};  ///< horizontal times vertical, of the first three components
};

/// DQT, B.2.4.1.
void readTables(Bytes segment, Segments& found) {
  while (segment.left() > 0) {
    const int head = segment.byte();
    const bool wide = head >= 16;
    const int place = head % 16;
    if (place > 3 || segment.left() < (wide ? 128U : 64U)) return;
    JpegTable table{};
    for (const int at : kZigzag) {
      table[static_cast<std::size_t>(at)] = wide ? segment.word() : segment.byte();
    }
    found.tables[static_cast<std::size_t>(place)] = table;
  }
}

/// SOF, B.2.2.
void readFrame(Bytes segment, Segments& found) {
  if (segment.left() < 6) return;
  for (int i = 0; i < 5; ++i) segment.byte();
  const int components = segment.byte();
  for (int i = 0; i < components && segment.left() >= 3; ++i) {
    segment.byte();
    const int sampling = segment.byte();
    const int table = segment.byte();
    if (i == 0) found.lumaTable = table;
    if (i < 3) found.samples[i] = (sampling / 16) * (sampling % 16);
  }
}

bool isFrame(int marker) {
  return marker >= 0xC0 && marker <= 0xCF && marker != 0xC4 && marker != 0xC8 && marker != 0xCC;
}

}  // namespace

JpegTable standardTable(int quality) {
  const int scale = quality < 50 ? 5000 / std::max(quality, 1) : 200 - 2 * quality;
  JpegTable table{};
  for (std::size_t i = 0; i < table.size(); ++i) {
    table[i] = std::clamp((kAnnexK[i] * scale + 50) / 100, 1, 255);
  }
  return table;
}

int qualityOf(const JpegTable& table) {
  int best = 1;
  double least = -1;
  for (int quality = 1; quality <= 100; ++quality) {
    const JpegTable standard = standardTable(quality);
    double difference = 0;
    for (std::size_t i = 0; i < table.size(); ++i) {
      difference += std::abs(std::log(std::max(table[i], 1) / static_cast<double>(standard[i])));
    }
    if (least < 0 || difference < least) {
      least = difference;
      best = quality;
    }
  }
  return best;
}

std::optional<JpegHeader> parseJpegHeader(std::span<const std::uint8_t> bytes) {
  Bytes file(bytes);
  if (file.word() != 0xFFD8) return std::nullopt;
  Segments found;
  constexpr int kStartOfScan = 0xDA;
  constexpr int kTables = 0xDB;
  while (file.left() >= 4) {
    if (file.byte() != 0xFF) return std::nullopt;
    int marker = file.byte();
    while (marker == 0xFF) marker = file.byte();
    if (marker == kStartOfScan) break;
    const auto segment = file.take(file.word() - 2);
    if (!segment) return std::nullopt;
    if (marker == kTables) readTables(*segment, found);
    if (isFrame(marker)) readFrame(*segment, found);
  }
  if (found.lumaTable < 0 || found.lumaTable > 3) return std::nullopt;
  const auto& table = found.tables[static_cast<std::size_t>(found.lumaTable)];
  if (!table) return std::nullopt;
  JpegHeader header;
  header.luma = *table;
  header.quality = qualityOf(*table);
  header.standard = standardTable(header.quality) == *table;
  header.subsampled = found.samples[1] > 0 && found.samples[1] < found.samples[0];
  return header;
}

}  // namespace pristine
