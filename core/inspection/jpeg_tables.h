#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>

namespace pristine {

/// Steps of a quantisation table of JPEG, row by row from the lowest frequency.
using JpegTable = std::array<int, 64>;

/// The luminance table of annex K of ITU-T T.81 for a quality of 1 to 100, scaled as the
/// Independent JPEG Group's jpeg_set_quality() does.
JpegTable standardTable(int quality);

/// What the header of a JPEG file says of its compression.
struct JpegHeader {
  JpegTable luma{};
  int quality = 0;          ///< whose standard table is nearest to `luma`
  bool standard = false;    ///< `luma` is that table
  bool subsampled = false;  ///< chroma has fewer samples than luma
};

/// Reads the segments of ITU-T T.81, annex B, up to the first scan. Empty for what is not a JPEG or
/// lacks the table of its first component.
std::optional<JpegHeader> parseJpegHeader(std::span<const std::uint8_t> bytes);

/// The quality whose standard table differs least from a table, by the mean of |log| of the ratio
/// of their steps.
int qualityOf(const JpegTable& table);

}  // namespace pristine
