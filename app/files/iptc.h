#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace pristine {

/// The IPTC record (IIM 4.2) inside a JPEG file's Photoshop block (image resource 0x0404, with or
/// without the leading "Photoshop 3.0\0"); empty where there is none.
std::vector<std::uint8_t> iptcOfResources(std::span<const std::uint8_t> block);

/// A Photoshop block, as JPEG's APP13 segment holds it, around an IPTC record. An empty record, and
/// one too long for a segment, gives an empty block.
std::vector<std::uint8_t> resourcesOfIptc(std::span<const std::uint8_t> record);

}  // namespace pristine
