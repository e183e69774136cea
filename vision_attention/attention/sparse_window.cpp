#include "vision_attention/attention/sparse_window.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <limits>

namespace va::sparse {

namespace {

/// 0 where a key of the reach, from `first` on, is within the radius of a query, else -infinity;
/// the same for every head.
void maskRadius(const Grid& g, const Heads& s, const Rectangle& own, const Rectangle& reach,
                Dim first, Dim columns, Dim capacity, float* mask) {
  for (Dim i = 0; i < own.area(); ++i) {
    const Dim y = own.top + i / own.width();
    const Dim x = own.left + i % own.width();
    for (Dim j = 0; j < columns; ++j) {
      const Dim dy = reach.top + (first + j) / reach.width() - y;
      const Dim dx = reach.left + (first + j) % reach.width() - x;
      const bool near = std::max(std::abs(dy), std::abs(dx)) <= g.o.radius;
      mask[i * capacity + j] = near ? 0.0F : -std::numeric_limits<float>::infinity();
    }
  }
  for (Dim head = 1; head < s.perGroup; ++head) {
    std::copy_n(mask, own.area() * capacity, mask + head * own.area() * capacity);
  }
}

}  // namespace

template <typename T>
Window<T>::Window(const Heads& heads) : scale_(1.0F / std::sqrt(static_cast<float>(heads.d))) {}

template <typename T>
void Window<T>::prepare(const Grid& grid, const Group<T>& group, const Engine& engine) {
  const auto& tiles = group.tiles().options();
  if (grid.o.window == SparseWindow::Radius) {
    threadBytes_ = static_cast<std::size_t>(tiles.queries * tiles.keys) * sizeof(float);
  }
  masks_.resize(static_cast<std::size_t>(engine.threads()));
}

template <typename T>
void Window<T>::attend(const View<T>& view, const Item& item, const Rectangle& own, Group<T>& group,
                       float* out) const {
  const int t = item.thread;
  const Dim d = view.heads.d;
  AttentionTiles<T>& tiles = group.tiles();
  const Dim rows = group.begin(view, item, own, kRotatedQueries);
  const Rectangle reach = view.grid.reach(item.tile);
  const Dim capacity = tiles.options().keys;
  float* const mask = masks_[static_cast<std::size_t>(t)];
  for (Dim first = 0; first < reach.area(); first += capacity) {
    const Dim columns = std::min(capacity, reach.area() - first);
    for (Dim j = 0; j < columns;) {
      const Dim y = reach.top + (first + j) / reach.width();
      const Dim x = reach.left + (first + j) % reach.width();
      const Rectangle piece{y, y + 1, x, std::min(reach.right, x + columns - j)};
      view.packKeys(kWindowKeys, item, piece, tiles.keys(t) + j * d);
      view.packKeys(kWindowValues, item, piece, tiles.values(t) + j * d);
      j += piece.width();
    }
    TileLogits logits{.scale = scale_};
    if (view.grid.o.window == SparseWindow::Radius) {
      maskRadius(view.grid, view.heads, own, reach, first, columns, capacity, mask);
      logits.bias = mask;
      logits.biasStride = capacity;
    }
    tiles.accumulate(t, rows, columns, logits);
  }
  group.finish(view, item, own, 2, out);
}

template class Window<float>;
template class Window<BFloat16>;

}  // namespace va::sparse
