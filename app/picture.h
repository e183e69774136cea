#pragma once

#include <filesystem>
#include <memory>
#include <opencv2/core/mat.hpp>
#include <vector>

#include "core/image.h"

namespace pristine {

/// A decoded picture with its mip levels. Immutable once made, shared between threads.
struct Picture {
  std::filesystem::path path;  ///< empty for a picture that came from no file
  Image image;
  /// CV_32FC3; [0] is image.pixels as the network is to see them: colours under full transparency
  /// are those around. Every further one has half the sides, rounded up, down to 1.
  std::vector<cv::Mat> levels;
  std::vector<cv::Mat> alpha;  ///< CV_32FC1 of the same sizes; empty without alpha

  cv::Size sizeAt(std::size_t level) const { return levels[level].size(); }
};

std::shared_ptr<const Picture> makePicture(Image image, const std::filesystem::path& path);

/// Sets dst(rect) to the means of 2x2 pixels of src, edge pixels repeated; dst has half its sides,
/// rounded up. Both CV_32F with the same channels.
void halveInto(const cv::Mat& src, const cv::Rect& rect, cv::Mat& dst);

/// The smallest of `levels` mip levels that has a pixel for each device pixel at `scale`, device
/// pixels per pixel of level 0.
int levelFor(double scale, int levels);

/// The pixels of a level that cover a rectangle of level 0, inside `size`.
cv::Rect toLevel(const cv::Rect& rect, int level, const cv::Size& size);

}  // namespace pristine
