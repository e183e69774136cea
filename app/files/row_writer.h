#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "app/file_format.h"

namespace pristine {

/// A picture file that is written from the top down while its rows come into being. A thread of
/// its own encodes what was put. All functions from one other thread.
class RowWriter {
 public:
  /// `header`: everything but pixels and alpha. Throws Error(Output) as ImageWriter does, and for
  /// formats that cannot be written by rows.
  RowWriter(const Image& header, int width, int height, bool alpha,
            const std::filesystem::path& path, const WriteOptions& options);
  /// Unless finished, leaves the target alone.
  ~RowWriter();
  RowWriter(const RowWriter&) = delete;
  RowWriter& operator=(const RowWriter&) = delete;

  const std::vector<std::string>& notes() const;

  /// The next rows; waits while the encoder has enough of them. Throws Error(Output).
  void put(const Image& strip);
  /// After the last row: waits for the encoder and moves the file into place. Throws
  /// Error(Output).
  void finish();

 private:
  class Encoder;
  std::unique_ptr<Encoder> encoder_;
};

}  // namespace pristine
