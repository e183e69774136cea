#include "core/tile_grid.h"

#include <algorithm>
#include <limits>
#include <string>

#include "core/error.h"

namespace pristine {

namespace {

int roundUp(int value, int multiple) {
  return (value + multiple - 1) / multiple * multiple;
}

/// Distinct starts of up to `count` tiles of `size` spread over `padded`; empty if two overlap too
/// little.
std::vector<int> spread(int padded, int size, int count, int alignment, int halo) {
  std::vector<int> starts;
  const std::int64_t room = (padded - size) / alignment;
  count = static_cast<int>(std::min<std::int64_t>(count, room + 1));
  for (int i = 0; i < count; ++i) {
    const std::int64_t step = count == 1 ? 0 : (room * i + (count - 1) / 2) / (count - 1);
    starts.push_back(static_cast<int>(step) * alignment);
    if (i > 0 && starts[static_cast<std::size_t>(i)] + 2 * halo >
                     starts[static_cast<std::size_t>(i) - 1] + size) {
      return {};
    }
  }
  return starts;
}

}  // namespace

TileAxis enlarged(const TileAxis& axis, int scale) {
  TileAxis result = axis;
  result.size *= scale;
  for (int& start : result.starts) start *= scale;
  for (int& border : result.borders) border *= scale;
  return result;
}

TileAxis splitAxis(int length, int count, int alignment, int halo) {
  if (length < 1 || count < 1 || alignment < 1 || halo < 0) {
    throw Error(ErrorCode::Usage, "tile axis: length " + std::to_string(length) + " in " +
                                      std::to_string(count) + " tiles, alignment " +
                                      std::to_string(alignment) + ", halo " + std::to_string(halo));
  }
  TileAxis axis;
  const int padded = roundUp(length, alignment);
  for (axis.size = roundUp(std::max(1, padded / count), alignment); axis.size < padded;
       axis.size += alignment) {
    axis.starts = spread(padded, axis.size, count, alignment, halo);
    if (!axis.starts.empty()) break;
  }
  if (axis.size >= padded || axis.starts.empty()) {
    axis.size = padded;
    axis.starts = {0};
  }
  axis.borders.push_back(0);
  for (std::size_t i = 1; i < axis.starts.size(); ++i) {
    axis.borders.push_back((axis.starts[i] + axis.starts[i - 1] + axis.size) / 2);
  }
  axis.borders.push_back(length);
  return axis;
}

TileGrid::TileGrid(int width, int height, const TileGridOptions& options) {
  if (width < 1 || height < 1 || options.alignment < 1 || options.halo < 0) {
    throw Error(ErrorCode::Usage, "tile grid: picture is " + std::to_string(width) + "x" +
                                      std::to_string(height) + ", alignment " +
                                      std::to_string(options.alignment) + ", halo " +
                                      std::to_string(options.halo));
  }
  const int mostColumns = roundUp(width, options.alignment) / options.alignment;
  const int mostRows = roundUp(height, options.alignment) / options.alignment;
  std::vector<TileAxis> rows;
  rows.reserve(static_cast<std::size_t>(mostRows));
  for (int n = 1; n <= mostRows; ++n) {
    rows.push_back(splitAxis(height, n, options.alignment, options.halo));
  }
  // Least computed area within the budget; without a fit, the smallest tile there is.
  std::int64_t best = std::numeric_limits<std::int64_t>::max();
  bool bestFits = false;
  for (int n = 1; n <= mostColumns; ++n) {
    const TileAxis column = splitAxis(width, n, options.alignment, options.halo);
    for (const TileAxis& row : rows) {
      const std::int64_t tile = static_cast<std::int64_t>(column.size) * row.size;
      const bool fits = tile <= options.budget && std::max(column.size, row.size) <= options.side;
      const std::int64_t cost =
          fits ? tile * static_cast<std::int64_t>(column.starts.size() * row.starts.size()) : tile;
      if ((fits && !bestFits) || (fits == bestFits && cost < best)) {
        best = cost;
        bestFits = fits;
        x_ = column;
        y_ = row;
      }
    }
  }
}

TileGrid TileGrid::enlarged(int scale) const {
  TileGrid grid = *this;
  grid.x_ = pristine::enlarged(x_, scale);
  grid.y_ = pristine::enlarged(y_, scale);
  return grid;
}

}  // namespace pristine
