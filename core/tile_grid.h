#pragma once

#include <cstdint>
#include <limits>
#include <vector>

namespace pristine {

/// Where the tiles of one axis lie. All have the same size; starts are multiples of the alignment.
struct TileAxis {
  int size = 0;             ///< pixels of a tile
  std::vector<int> starts;  ///< in the padded picture
  std::vector<int>
      borders;  ///< starts.size() + 1: tile i alone answers for [borders[i], borders[i+1])
};

/// The same tiles in a picture whose sides are `scale` times as long.
TileAxis enlarged(const TileAxis& axis, int scale);

/// Splits [0, length) into `count` equal tiles, or fewer, that overlap by at least 2 * halo, the
/// smallest that do. length, alignment, count >= 1, halo >= 0, else throws Error(Usage).
TileAxis splitAxis(int length, int count, int alignment, int halo);

struct TileGridOptions {
  int alignment = 128;  ///< tile sides and starts are multiples of it, counted from the origin
  int halo = 64;        ///< pixels of context around the pixels that a tile answers for
  std::int64_t budget = 1 << 20;  ///< pixels of a tile at most, where alignment and halo allow it
  int side = std::numeric_limits<int>::max();  ///< of a tile at most, where they allow it
};

/// Equal tiles over a picture, chosen for the least computed area within the budget, or the
/// smallest tiles there are if none fits it. The picture is thought to be continued by reflection
/// to the right and below where tiles reach over its edge. Throws Error(Usage) on sizes below 1.
class TileGrid {
 public:
  TileGrid(int width, int height, const TileGridOptions& options);

  int tileWidth() const { return x_.size; }
  int tileHeight() const { return y_.size; }
  int columns() const { return static_cast<int>(x_.starts.size()); }
  int rows() const { return static_cast<int>(y_.starts.size()); }
  int count() const { return columns() * rows(); }
  const TileAxis& x() const { return x_; }
  const TileAxis& y() const { return y_; }

  /// The same tiles in a picture whose sides are `scale` times as long.
  TileGrid enlarged(int scale) const;

 private:
  TileAxis x_;
  TileAxis y_;
};

}  // namespace pristine
