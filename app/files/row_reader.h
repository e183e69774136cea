#pragma once

#include <filesystem>
#include <memory>

#include "app/image_file.h"

namespace pristine {

/// An opened picture file whose rows come from the top down, as they are stored. One thread.
class RowReader {
 public:
  virtual ~RowReader() = default;

  /// Everything but pixels and alpha.
  const Image& header() const { return header_; }
  const PictureSize& size() const { return size_; }
  bool alpha() const { return alpha_; }
  int orientation() const { return size_.orientation; }

  /// Fills the next `rows` rows into those of target.pixels, and target.alpha, from `at` on. Throws
  /// Error(Input).
  virtual void read(int rows, Image& target, int at) = 0;

 protected:
  Image header_;
  PictureSize size_;
  bool alpha_ = false;
};

/// `upright`: the caller is going to apply the orientation, so that the header's metadata has none.
/// Throws Error(Input).
std::unique_ptr<RowReader> openRows(const std::filesystem::path& path, const ReadOptions& options,
                                    bool upright);

/// Throws Error(Input) for a picture larger than allowed.
void requirePixels(const std::filesystem::path& path, std::int64_t width, std::int64_t height,
                   const ReadOptions& options);

}  // namespace pristine
