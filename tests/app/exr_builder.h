#pragma once

#include <array>
#include <cstdint>
#include <vector>

namespace pristine::test {

/// An OpenEXR file (version 2, scan lines, no compression) of f32 channels R, G and B, interleaved
/// rows from the top, with chromaticities of red, green, blue and white.
std::vector<std::uint8_t> encodeExr(int width, int height, const std::vector<float>& rgb,
                                    const std::array<float, 8>& chromaticities);

}  // namespace pristine::test
