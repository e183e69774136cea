#pragma once

#include <filesystem>

namespace pristine::cli {

/// A folder for pictures that come from standard input or go to standard output; it goes away at
/// the end of the scope. Throws Error(Output).
class SpoolFolder {
 public:
  SpoolFolder();
  ~SpoolFolder();
  SpoolFolder(const SpoolFolder&) = delete;
  SpoolFolder& operator=(const SpoolFolder&) = delete;

  const std::filesystem::path& path() const { return path_; }
  /// Where takeInput() puts its file.
  std::filesystem::path inputFile() const { return path_ / "stdin"; }
  /// All of standard input in a file of that folder. Throws Error(Input) if there is none.
  std::filesystem::path takeInput() const;

 private:
  std::filesystem::path path_;
};

/// Copies a file to standard output. Throws Error(Output).
void copyToOutput(const std::filesystem::path& path);

}  // namespace pristine::cli
