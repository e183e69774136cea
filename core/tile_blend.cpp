#include "core/tile_blend.h"

#include <algorithm>

namespace pristine {

namespace {

/// Reflect-101 index of position i in a line of `length` pixels.
int reflect(int i, int length) {
  if (length == 1) return 0;
  const int period = 2 * (length - 1);
  i %= period;
  return i < length ? i : period - i;
}

}  // namespace

std::vector<float> blendWeights(const TileAxis& axis, std::size_t index, int feather, int length) {
  std::vector<float> weights(static_cast<std::size_t>(axis.size), 0.0F);
  const auto rise = [&](int border, int position) {  // 0 before, 1 after the border
    if (feather <= 0) return position >= border ? 1.0F : 0.0F;
    const float t =
        (static_cast<float>(position - border) + 0.5F) / (2.0F * static_cast<float>(feather));
    return std::clamp(t + 0.5F, 0.0F, 1.0F);
  };
  for (int i = 0; i < axis.size; ++i) {
    const int position = axis.starts[index] + i;
    if (position >= length) break;
    // Differences of ramps sum to 1 even where ramps of neighbouring borders overlap.
    const float before = index > 0 ? rise(axis.borders[index], position) : 1.0F;
    const float after =
        index + 1 < axis.starts.size() ? rise(axis.borders[index + 1], position) : 0.0F;
    weights[static_cast<std::size_t>(i)] = before - after;
  }
  return weights;
}

void readTile(const cv::Mat& picture, const TileGrid& grid, int column, int row,
              std::span<float> tile) {
  const int left = grid.x().starts[static_cast<std::size_t>(column)];
  const int top = grid.y().starts[static_cast<std::size_t>(row)];
  const int inside = std::clamp(picture.cols - left, 0, grid.tileWidth());
  for (int y = 0; y < grid.tileHeight(); ++y) {
    const auto* src = picture.ptr<float>(reflect(top + y, picture.rows));
    float* dst = tile.data() + static_cast<std::ptrdiff_t>(y) * grid.tileWidth() * 3;
    std::copy_n(src + static_cast<std::ptrdiff_t>(left) * 3, inside * 3, dst);
    for (int x = inside; x < grid.tileWidth(); ++x) {
      std::copy_n(src + static_cast<std::ptrdiff_t>(reflect(left + x, picture.cols)) * 3, 3,
                  dst + static_cast<std::ptrdiff_t>(x) * 3);
    }
  }
}

void addTile(std::span<const float> tile, const TileGrid& grid, int column, int row, int feather,
             cv::Mat& sum) {
  const auto wx = blendWeights(grid.x(), static_cast<std::size_t>(column), feather, sum.cols);
  const auto wy = blendWeights(grid.y(), static_cast<std::size_t>(row), feather, sum.rows);
  const int left = grid.x().starts[static_cast<std::size_t>(column)];
  const int top = grid.y().starts[static_cast<std::size_t>(row)];
  for (int y = 0; y < grid.tileHeight(); ++y) {
    const float rowWeight = wy[static_cast<std::size_t>(y)];
    if (rowWeight == 0.0F) continue;
    const float* src = tile.data() + static_cast<std::ptrdiff_t>(y) * grid.tileWidth() * 3;
    auto* dst = sum.ptr<float>(top + y) + static_cast<std::ptrdiff_t>(left) * 3;
    for (int x = 0; x < grid.tileWidth(); ++x) {
      const float weight = rowWeight * wx[static_cast<std::size_t>(x)];
      if (weight == 0.0F) continue;
      for (int c = 0; c < 3; ++c) dst[3 * x + c] += weight * src[3 * x + c];
    }
  }
}

}  // namespace pristine
