#include "app/picture_restoration.h"

#include <algorithm>
#include <vector>

#include "app/alpha_bleed.h"
#include "app/image_file.h"
#include "app/network_space.h"

namespace pristine {

namespace {

/// Three standard deviations of the strongest noise of training beside black and white.
constexpr float kLowest = -0.65F;
constexpr float kHighest = 1.65F;

bool exceedsTraining(const cv::Mat& pixels) {
  for (int y = 0; y < pixels.rows; ++y) {
    const auto* row = pixels.ptr<float>(y);
    if (std::any_of(row, row + std::ptrdiff_t{3} * pixels.cols,
                    [](float v) { return v < kLowest || v > kHighest; })) {
      return true;
    }
  }
  return false;
}

/// What the network is to see. Values that are no numbers stay, for the restorer to refuse.
cv::Mat networkInput(const Image& source, const NetworkSpace* space, bool transparent) {
  cv::Mat input = source.pixels.clone();
  for (int y = 0; y < input.rows; ++y) {
    auto* row = input.ptr<float>(y);
    if (space != nullptr) space->toNetwork(row, input.cols);
    for (int i = 0; i < 3 * input.cols; ++i) {
      if (row[i] < kLowest) row[i] = kLowest;
      if (row[i] > kHighest) row[i] = kHighest;
    }
  }
  if (transparent) bleedUnderTransparency(input, source.alpha);
  return input;
}

/// The same where the result is `scale` times as large and there is no pixel to add to: what the
/// network made, in the source's encoding.
void bringBack(const Image& source, const NetworkSpace* space, const cv::Mat& input,
               cv::Mat& restored) {
  const int scale = restored.cols / source.width();
  const auto values = static_cast<std::size_t>(source.width()) * 3;
  std::vector<float> offset(values);
  for (int y = 0; y < restored.rows; ++y) {
    const auto* seen = input.ptr<float>(y / scale);
    std::copy_n(source.pixels.ptr<float>(y / scale), values, offset.begin());
    if (space != nullptr) space->toNetwork(offset.data(), source.width());
    auto* row = restored.ptr<float>(y);
    for (int x = 0; x < restored.cols; ++x) {
      const std::ptrdiff_t from = x / scale;
      // What was beyond the network's range; under transparency it saw other colours on purpose.
      if (!source.alpha.empty() && source.alpha.ptr<float>(y / scale)[from] <= 0.0F) continue;
      for (std::ptrdiff_t c = 0; c < 3; ++c) {
        row[std::ptrdiff_t{3} * x + c] +=
            offset[static_cast<std::size_t>(3 * from + c)] - seen[3 * from + c];
      }
    }
    if (space != nullptr) space->fromNetwork(row, restored.cols);
  }
}

/// restored becomes source + strength * change, where it was what the network made of `input`.
void addChange(const Image& source, const NetworkSpace* space, const cv::Mat& input,
               double strength, cv::Mat& restored) {
  const auto s = static_cast<float>(strength);
  const auto values = static_cast<std::size_t>(source.width()) * 3;
  std::vector<float> before(values);
  for (int y = 0; y < restored.rows; ++y) {
    const auto* from = source.pixels.ptr<float>(y);
    const auto* seen = input.ptr<float>(y);
    auto* after = restored.ptr<float>(y);
    std::copy_n(from, values, before.begin());
    if (space != nullptr) space->toNetwork(before.data(), source.width());
    for (std::size_t i = 0; i < values; ++i) after[i] += before[i] - seen[i];
    if (space != nullptr) {
      space->fromNetwork(before.data(), source.width());
      space->fromNetwork(after, source.width());
    }
    for (std::size_t i = 0; i < values; ++i) after[i] = from[i] + s * (after[i] - before[i]);
    if (source.alpha.empty()) continue;
    const auto* alpha = source.alpha.ptr<float>(y);
    for (std::size_t x = 0; x < values / 3; ++x) {
      if (alpha[x] <= 0.0F) std::copy_n(from + 3 * x, 3, after + 3 * x);
    }
  }
}

}  // namespace

std::optional<Image> restorePicture(Restorer& restorer, const Image& source, double strength,
                                    const RestoreControl& control) {
  const auto space = NetworkSpace::of(iccProfile(source));
  const bool transparent = !source.alpha.empty() && hasTransparentPixels(source.alpha);
  if (strength == 0.0 || (!space && !transparent && !exceedsTraining(source.pixels))) {
    return restorer.restore(source, strength, control);
  }
  Image input = source;
  input.pixels = networkInput(source, space.get(), transparent);
  auto restored = restorer.restore(input, 1.0, control);
  if (!restored) return std::nullopt;
  if (restored->pixels.size() != source.pixels.size()) {
    bringBack(source, space.get(), input.pixels, restored->pixels);
    return restored;
  }
  addChange(source, space.get(), input.pixels, strength, restored->pixels);
  return restored;
}

cv::Mat withoutHiddenColours(const Image& image) {
  if (image.alpha.empty() || !hasTransparentPixels(image.alpha)) return image.pixels;
  const auto space = NetworkSpace::of(iccProfile(image));
  cv::Mat seen = networkInput(image, space.get(), true);
  for (int y = 0; y < seen.rows; ++y) {
    auto* row = seen.ptr<float>(y);
    if (space) space->fromNetwork(row, seen.cols);
    const auto* from = image.pixels.ptr<float>(y);
    const auto* alpha = image.alpha.ptr<float>(y);
    for (int x = 0; x < seen.cols; ++x, from += 3, row += 3) {
      // The file's own values where they can be seen: without the way there and back.
      if (alpha[x] > 0.0F) std::copy_n(from, 3, row);
    }
  }
  return seen;
}

}  // namespace pristine
