#pragma once

#include <cstdint>
#include <span>
#include <string>

namespace pristine {

/// SHA-256 (FIPS 180-4) of the bytes, 64 hexadecimal digits in lower case.
std::string sha256(std::span<const std::uint8_t> bytes);

}  // namespace pristine
