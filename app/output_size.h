#pragma once

#include <cstdint>
#include <filesystem>

namespace pristine {

/// Throws Error(Output) if a picture of this size has no place in a file of that name: JPEG holds
/// 65,500 pixels a side (libjpeg), WebP 16,383.
void requireOutputSize(const std::filesystem::path& path, std::int64_t width, std::int64_t height);

}  // namespace pristine
