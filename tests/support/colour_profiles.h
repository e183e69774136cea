#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace pristine::test {

/// ICC profiles made from the definitions of sRGB (IEC 61966-2-1), Adobe RGB (1998) and Display P3,
/// by name.
const std::map<std::string, std::vector<std::uint8_t>>& colourProfiles();

/// CIEDE2000 of two 16-bit RGB colours, each of its own profile.
double deltaE2000(const std::vector<std::uint8_t>& profileA, const std::uint16_t* a,
                  const std::vector<std::uint8_t>& profileB, const std::uint16_t* b);

}  // namespace pristine::test
