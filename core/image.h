#pragma once

#include <memory>
#include <opencv2/core/mat.hpp>
#include <string>
#include <vector>

namespace pristine {

/// Storage of one sample in the file that a picture came from.
enum class SampleDepth { U8, U16, F32 };

/// A picture in memory. Copies share pixels, as cv::Mat does.
struct Image {
  cv::Mat pixels;     ///< CV_32FC3, R G B; 0 is black and 1 white, values outside are kept
  cv::Mat alpha;      ///< CV_32FC1 of the same size, or empty
  bool grey = false;  ///< the file had one colour channel; the three planes are equal
  SampleDepth depth = SampleDepth::U8;
  std::string format;  ///< of the source file: "png", "jpeg", "tiff", "webp" ...
  /// What reading changed that the file's owner may want to know.
  std::vector<std::string> notes;
  /// Profile, EXIF, XMP and the like as the file layer wants them back; opaque to everyone else.
  std::shared_ptr<const void> metadata;

  int width() const { return pixels.cols; }
  int height() const { return pixels.rows; }
};

}  // namespace pristine
