#include "core/inspection/banding_estimate.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <vector>

namespace pristine {

namespace {

constexpr int kLongRun = 16;
constexpr float kSameValue = 0.25F;  ///< of 255
constexpr float kLargestStep = 6;
constexpr double kMostPixels = 4e6;

/// Pixels of a row that lie in bands.
int inBands(const std::vector<float>& row, const std::vector<unsigned char>& usable) {
  int count = 0;
  int lastLength = 0;
  float lastValue = 0;
  bool lastCounted = false;
  const int size = static_cast<int>(row.size());
  for (int begin = 0; begin < size;) {
    const auto from = static_cast<std::size_t>(begin);
    int end = begin + 1;
    while (end < size && usable[static_cast<std::size_t>(end)] == usable[from] &&
           std::abs(row[static_cast<std::size_t>(end)] - row[from]) < kSameValue) {
      ++end;
    }
    const int length = end - begin;
    const float step = std::abs(row[from] - lastValue);
    const bool longRun = length >= kLongRun && usable[from] != 0;
    const bool band = longRun && lastLength >= kLongRun && step <= kLargestStep;
    if (band) count += length + (lastCounted ? 0 : lastLength);
    lastCounted = band;
    lastLength = longRun ? length : 0;
    lastValue = row[from];
    begin = end;
  }
  return count;
}

}  // namespace

double estimateBanding(const InspectedPixels& picture) {
  const int width = picture.width();
  const int height = picture.height();
  const double pixels = static_cast<double>(width) * height;
  const int step = std::max(1, static_cast<int>(std::ceil(pixels / kMostPixels)));
  std::int64_t banded = 0;
  std::int64_t all = 0;
  std::vector<float> values;
  std::vector<unsigned char> usable;
  for (int y = 0; y < height; y += step) {
    const auto* row = picture.luma.ptr<float>(y);
    const auto* flags = picture.usable.ptr<unsigned char>(y);
    values.assign(row, row + width);
    usable.assign(flags, flags + width);
    banded += inBands(values, usable);
    all += width;
  }
  for (int x = 0; x < width; x += step) {
    values.clear();
    usable.clear();
    for (int y = 0; y < height; ++y) {
      values.push_back(picture.luma.at<float>(y, x));
      usable.push_back(picture.usable.at<unsigned char>(y, x));
    }
    banded += inBands(values, usable);
    all += height;
  }
  return all > 0 ? static_cast<double>(banded) / static_cast<double>(all) : 0.0;
}

}  // namespace pristine
