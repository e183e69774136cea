#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <string_view>
#include <vector>

namespace pristine {

// PNG (ISO 15948) has no place for IPTC. ImageMagick and exiftool put it into a text of this
// keyword: a line with its name, one with its size, and its bytes in hexadecimal digits.

inline constexpr std::string_view kPngIptcKeyword = "Raw profile type iptc";

/// The IPTC record (IIM 4) in such a text; empty where there is none.
std::vector<std::uint8_t> iptcOfPngText(std::string_view text);

/// Adds the text to a PNG file, before its last chunk. Throws Error(Output).
void addPngIptc(const std::filesystem::path& path, std::span<const std::uint8_t> record);

}  // namespace pristine
