#include "vision_attention/attention/sparse_group.h"

#include <algorithm>

namespace va::sparse {

namespace {

constexpr Dim kKeyTile = 256;

/// Keys that the largest of the three branches meets.
Dim largestKeys(const Grid& g) {
  const Dim side = 2 * g.o.radius + g.o.tile;
  Dim keys = std::min(g.o.selected * g.tileArea(), g.tokens());
  if (g.o.window == SparseWindow::Tiles) keys = std::max(keys, 9 * g.tileArea());
  if (g.o.window == SparseWindow::Radius) keys = std::max(keys, side * side);
  return std::max<Dim>(std::min(std::max(keys, g.windows()), g.tokens()), 1);
}

}  // namespace

template <typename T>
Group<T>::Group(const Grid& grid, const Heads& heads)
    : tiles_({.queries = heads.perGroup * grid.tileArea(),
              .keys = evenTile(largestKeys(grid), kKeyTile),
              .keySize = heads.d,
              .valueSize = heads.d}) {}

template <typename T>
Dim Group<T>::begin(const View<T>& view, const Item& item, const Rectangle& own, Source queries) {
  const Heads& s = view.heads;
  for (Dim head = 0; head < s.perGroup; ++head) {
    view.pack(queries, item.batch, s.queryChannels(), (item.group * s.perGroup + head) * s.d, own,
              tiles_.queries(item.thread) + head * own.area() * s.d);
  }
  const Dim rows = s.perGroup * own.area();
  tiles_.begin(item.thread, rows);
  return rows;
}

template <typename T>
void Group<T>::finish(const View<T>& view, const Item& item, const Rectangle& own, Dim branch,
                      float* out) {
  const Heads& s = view.heads;
  const float* const result = tiles_.finish(item.thread, s.perGroup * own.area());
  for (Dim head = 0; head < s.perGroup; ++head) {
    for (Dim i = 0; i < own.area(); ++i) {
      addScaled(result + (head * own.area() + i) * s.d,
                view.gate(item, head, view.grid.tokenOf(own, i), branch), s.d,
                out + (head * view.grid.tileArea() + i) * s.d);
    }
  }
}

template class Group<float>;
template class Group<BFloat16>;

}  // namespace va::sparse
