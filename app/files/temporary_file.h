#pragma once

#include <filesystem>

namespace pristine {

/// A file beside the target that vanishes unless it is moved onto it.
class TemporaryFile {
 public:
  explicit TemporaryFile(const std::filesystem::path& target);
  ~TemporaryFile();
  TemporaryFile(const TemporaryFile&) = delete;
  TemporaryFile& operator=(const TemporaryFile&) = delete;

  const std::filesystem::path& path() const { return path_; }
  /// Safe on the disk, then under the target's name. Throws Error(Output).
  void moveToTarget();

 private:
  std::filesystem::path target_;
  std::filesystem::path path_;
  bool moved_ = false;
};

}  // namespace pristine
