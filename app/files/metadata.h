#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <vector>

#include "app/file_format.h"
#include "app/files/vips_image.h"

namespace pristine {

// Image::metadata is a one-pixel picture of libvips that carries the fields of a file's header.

/// What a file says beside its pixels. `upright`: its orientation has been applied to the pixels,
/// so tags say 1 and a thumbnail that shows the picture lying is left out; otherwise the tag stays.
std::shared_ptr<const void> keepMetadata(VipsImage* image, const std::filesystem::path& path,
                                         FileFormat format, bool upright);

/// A carrier that holds a profile only.
std::shared_ptr<const void> metadataOfProfile(std::span<const std::uint8_t> profile);

/// nullptr for a picture without metadata. Not to be changed.
VipsImage* carrierOf(const Image& image);

/// Copies what `strip` leaves to a picture that is to be saved in a format.
void putMetadata(VipsImage* carrier, VipsImage* target, FileFormat format, Strip strip);

}  // namespace pristine
