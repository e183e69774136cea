#include "app/picture.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "app/picture_restoration.h"

namespace pristine {

namespace {

std::vector<cv::Mat> mipLevels(const cv::Mat& pixels) {
  std::vector<cv::Mat> levels{pixels};
  while (levels.back().cols > 1 || levels.back().rows > 1) {
    const cv::Mat& last = levels.back();
    cv::Mat half((last.rows + 1) / 2, (last.cols + 1) / 2, last.type());
    halveInto(last, {{0, 0}, half.size()}, half);
    levels.push_back(half);
  }
  return levels;
}

}  // namespace

std::shared_ptr<const Picture> makePicture(Image image, const std::filesystem::path& path) {
  auto picture = std::make_shared<Picture>();
  picture->path = path;
  picture->image = std::move(image);
  picture->levels = mipLevels(withoutHiddenColours(picture->image));
  if (!picture->image.alpha.empty()) picture->alpha = mipLevels(picture->image.alpha);
  return picture;
}

void halveInto(const cv::Mat& src, const cv::Rect& rect, cv::Mat& dst) {
  const int channels = src.channels();
  for (int y = rect.y; y < rect.y + rect.height; ++y) {
    const auto* upper = src.ptr<float>(2 * y);
    const auto* lower = src.ptr<float>(std::min(2 * y + 1, src.rows - 1));
    auto* out = dst.ptr<float>(y) + static_cast<std::ptrdiff_t>(rect.x) * channels;
    for (int x = rect.x; x < rect.x + rect.width; ++x) {
      const int left = 2 * x * channels;
      const int right = std::min(2 * x + 1, src.cols - 1) * channels;
      for (int c = 0; c < channels; ++c) {
        *out++ = 0.25F * (upper[left + c] + upper[right + c] + lower[left + c] + lower[right + c]);
      }
    }
  }
}

int levelFor(double scale, int levels) {
  if (!(scale < 1.0)) return 0;
  const int level = static_cast<int>(std::floor(std::log2(1.0 / scale) + 1e-9));
  return std::clamp(level, 0, levels - 1);
}

cv::Rect toLevel(const cv::Rect& rect, int level, const cv::Size& size) {
  const int step = 1 << level;
  const int left = std::max(0, rect.x) / step;
  const int top = std::max(0, rect.y) / step;
  const int right = (std::max(0, rect.x + rect.width) + step - 1) / step;
  const int bottom = (std::max(0, rect.y + rect.height) + step - 1) / step;
  return cv::Rect(left, top, right - left, bottom - top) & cv::Rect({0, 0}, size);
}

}  // namespace pristine
