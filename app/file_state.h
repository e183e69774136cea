#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

namespace pristine {

/// What tells a file from itself at another time, without reading it.
struct FileState {
  std::uint64_t inode = 0;
  std::uint64_t size = 0;
  std::int64_t modified = 0;  ///< nanoseconds since 1970

  bool operator==(const FileState&) const = default;
  /// The same size and time: the same content, though perhaps copied with its times.
  bool looksLike(const FileState& other) const {
    return size == other.size && modified == other.modified;
  }
};

/// Of what `path` is or links to; empty without a file there.
std::optional<FileState> fileState(const std::filesystem::path& path);

/// Digest of a file's content, 32 hexadecimal digits of XXH3-128. Throws Error(Input).
std::string fileDigest(const std::filesystem::path& path);

/// The same of a text.
std::string textDigest(const std::string& text);

/// Nanoseconds since 1970, in the clock of FileState::modified.
std::int64_t nowNanoseconds();

}  // namespace pristine
