#pragma once

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "app/tiff_directory.h"

namespace pristine::test {

/// Integers; two for each value of a rational type. Not for floating-point types.
TiffEntry tiffEntry(std::uint16_t tag, TiffType type, std::initializer_list<std::uint32_t> numbers);
/// ASCII as given: a NUL only where `text` has one.
TiffEntry tiffText(std::uint16_t tag, std::string_view text);

/// Does what addToTiff asks for, in memory.
void apply(const std::vector<TiffWrite>& writes, std::vector<std::uint8_t>& bytes);

/// Everything in a structure, with the directories of EXIF.
std::optional<TiffDirectory> wholeTiff(std::span<const std::uint8_t> bytes);
/// The same of an EXIF block with or without its mark; empty where nothing is understood.
TiffDirectory tagsOf(std::span<const std::uint8_t> block);
/// An EXIF block with its mark.
std::vector<std::uint8_t> exifBlock(const TiffDirectory& tags, const TiffFormat& format = {});

}  // namespace pristine::test
