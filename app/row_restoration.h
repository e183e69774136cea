#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "app/image_file.h"
#include "core/restorer.h"

namespace pristine {

/// Bytes for each pixel of a whole picture between decoding and encoding, at most: source, what
/// the network sees and result as f32 with alpha, and a copy in the depth of the file.
constexpr std::int64_t kBytesPerPixel = 56;

/// Why a picture that does not fit into memory as a whole cannot be restored row by row; empty if
/// it can.
std::string obstacleToRows(const PictureSize& source, const std::filesystem::path& target,
                           const WriteOptions& options);

struct RowRestorationOptions {
  double strength = 1.0;
  ReadOptions read;
  WriteOptions write;
  std::int64_t memory = 0;  ///< bytes for the rows in work; the network's own come on top
};

/// Restores a file to a file with a few rows of tiles in memory, whatever its height: the picture
/// that restorePicture() gives for the whole, enlarged or not, but as it is stored: the orientation
/// tag stays.
/// Returns what was changed on the way, for the user; nullopt if the stop token ended it. Throws
/// Error(Memory) where even the smallest tiles take more than `memory`, Error(Input),
/// Error(Output).
std::optional<std::vector<std::string>> restoreRows(const std::filesystem::path& source,
                                                    const std::filesystem::path& target,
                                                    Restorer& restorer,
                                                    const RowRestorationOptions& options,
                                                    const RestoreControl& control);

}  // namespace pristine
