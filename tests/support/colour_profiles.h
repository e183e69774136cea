#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace pristine::test {

/// ICC profiles made from the definitions of sRGB (IEC 61966-2-1), Adobe RGB (1998) and Display P3,
/// by name.
const std::map<std::string, std::vector<std::uint8_t>>& colourProfiles();

/// Red, green, blue and white of these, CIE 1931 xy.
const std::map<std::string, std::array<float, 8>>& colourPrimaries();

/// An ICC profile of linear light with such primaries.
std::vector<std::uint8_t> linearLightProfile(const std::array<float, 8>& primaries);

/// CIEDE2000 of two RGB colours, each of its own profile; 16 bits and floats of any value.
double deltaE2000(const std::vector<std::uint8_t>& profileA, const std::uint16_t* a,
                  const std::vector<std::uint8_t>& profileB, const float* b);

/// The same of two 16-bit colours.
double deltaE2000(const std::vector<std::uint8_t>& profileA, const std::uint16_t* a,
                  const std::vector<std::uint8_t>& profileB, const std::uint16_t* b);

}  // namespace pristine::test
