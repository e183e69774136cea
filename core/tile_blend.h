#pragma once

#include <opencv2/core/mat.hpp>
#include <span>
#include <vector>

#include "core/tile_grid.h"

namespace pristine {

/// Weight of tile `index` at each of its pixels along one axis: 1 inside, linear ramps of `feather`
/// pixels on each side of an inner border. With feather <= halo of the axis the weights of all
/// tiles sum to 1 at every pixel of [0, length).
std::vector<float> blendWeights(const TileAxis& axis, std::size_t index, int feather, int length);

/// Copies the tile's pixels [tileHeight, tileWidth, 3] out of a CV_32FC3 picture, reflecting it
/// (without repeating the edge, as often as needed) beyond its right and lower edge.
void readTile(const cv::Mat& picture, const TileGrid& grid, int column, int row,
              std::span<float> tile);

/// Adds the weighted tile, of the size and place that the grid gives it, to `sum`, a CV_32FC3
/// picture that starts at zero.
void addTile(std::span<const float> tile, const TileGrid& grid, int column, int row, int feather,
             cv::Mat& sum);

}  // namespace pristine
