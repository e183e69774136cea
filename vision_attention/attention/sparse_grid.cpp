#include "vision_attention/attention/sparse_grid.h"

#include <algorithm>
#include <stdexcept>

namespace va::sparse {

Rectangle Grid::tileRectangle(Dim tile) const {
  const Dim top = tile / tilesAcross() * o.tile;
  const Dim left = tile % tilesAcross() * o.tile;
  return {top, std::min(top + o.tile, h), left, std::min(left + o.tile, w)};
}

Rectangle Grid::reach(Dim tile) const {
  const Rectangle own = tileRectangle(tile);
  const Dim reach = o.window == SparseWindow::Tiles ? o.tile : o.radius;
  // A short tile at the edge has whole neighbours: the reach starts at its full place.
  return {std::max<Dim>(own.top - reach, 0), std::min(own.bottom + reach, h),
          std::max<Dim>(own.left - reach, 0), std::min(own.right + reach, w)};
}

void validate(const std::string& name, const SparseOptions& o) {
  const bool sizes = o.heads >= 1 && o.keyHeads >= 1 && o.heads % o.keyHeads == 0 &&
                     o.compressHeight >= 1 && o.compressWidth >= 1 && o.strideHeight >= 1 &&
                     o.strideWidth >= 1 && o.tile >= 1 && o.selected >= 0 && o.radius >= 0 &&
                     o.rotated >= 0;
  const bool multiples = sizes && o.compressHeight % o.strideHeight == 0 &&
                         o.compressWidth % o.strideWidth == 0 && o.tile % o.strideHeight == 0 &&
                         o.tile % o.strideWidth == 0;
  if (!multiples) {
    throw std::invalid_argument(
        "sparse attention '" + name + "': windows of " + std::to_string(o.compressWidth) + "x" +
        std::to_string(o.compressHeight) + " every " + std::to_string(o.strideWidth) + "x" +
        std::to_string(o.strideHeight) + ", tiles of " + std::to_string(o.tile) + ", " +
        std::to_string(o.heads) + " heads, " + std::to_string(o.keyHeads) +
        " of keys; a stride divides its window and the tile, key heads divide the heads");
  }
}

Grid checkedGrid(const std::string& name, const Tensor& tokens, Dim width,
                 const SparseOptions& options) {
  validate(name, options);
  if (tokens.shape.rank() != 3 || width < 1 || tokens.shape.elements() == 0 ||
      tokens.shape[1] % width != 0) {
    throw std::invalid_argument("sparse attention '" + name + "': tokens are " +
                                tokens.shape.toString() + " in rows of " + std::to_string(width));
  }
  return {tokens.shape[1] / width, width, options};
}

}  // namespace va::sparse
