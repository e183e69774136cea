#include "vision_attention/attention/sparse_selection.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "vision_attention/ops/scratch_layout.h"
#include "vision_attention/ops/top_k.h"

namespace va::sparse {

namespace {

constexpr Dim kKeyTile = 256;

}  // namespace

OverlapTable overlapTable(const Grid& g) {
  OverlapTable table;
  const auto stride = static_cast<float>(g.o.strideHeight * g.o.strideWidth);
  for (Dim i = 0; i < g.windows(); ++i) {
    table.first.push_back(table.overlaps.size());
    const Dim top = i / g.windowsAcross() * g.o.strideHeight;
    const Dim left = i % g.windowsAcross() * g.o.strideWidth;
    for (Dim ty = top / g.o.tile; ty <= (top + g.o.compressHeight - 1) / g.o.tile; ++ty) {
      for (Dim tx = left / g.o.tile; tx <= (left + g.o.compressWidth - 1) / g.o.tile; ++tx) {
        const Dim rows =
            std::min((ty + 1) * g.o.tile, top + g.o.compressHeight) - std::max(ty * g.o.tile, top);
        const Dim columns =
            std::min((tx + 1) * g.o.tile, left + g.o.compressWidth) - std::max(tx * g.o.tile, left);
        table.overlaps.push_back(
            {ty * g.tilesAcross() + tx, static_cast<float>(rows * columns) / stride});
      }
    }
  }
  table.first.push_back(table.overlaps.size());
  return table;
}

template <typename T>
Selection<T>::Selection(const Grid& grid, const Heads& heads)
    : perQuery_(grid.o.perQuery),
      scale_(1.0F / std::sqrt(static_cast<float>(heads.d))),
      table_(overlapTable(grid)),
      tileCount_(grid.tiles()),
      single_({.queries = heads.perGroup,
               .keys = evenTile(std::max<Dim>(grid.o.selected * grid.tileArea(), 1), kKeyTile),
               .keySize = heads.d,
               .valueSize = heads.d}) {}

template <typename T>
void Selection<T>::prepare(const Engine& engine) {
  if (perQuery_) single_.prepare(engine);
  ScratchLayout layout;
  importance_ = layout.reserve<float>(tileCount_);
  order_ = layout.reserve<std::int32_t>(tileCount_);
  tiles_ = layout.reserve<std::byte>(perQuery_ ? static_cast<Dim>(single_.threadBytes()) : 0);
  threadBytes_ = layout.bytes();
  scratch_.resize(static_cast<std::size_t>(engine.threads()));
}

template <typename T>
void Selection<T>::bindThread(const Engine& engine, int thread, std::byte* scratch) {
  scratch_.at(static_cast<std::size_t>(thread)) = scratch;
  if (perQuery_) single_.bindThread(engine, thread, scratch + tiles_);
}

template <typename T>
std::int32_t* Selection<T>::indices(const View<T>& view, const Item& item, const Rectangle& own,
                                    Dim i) const {
  const Dim place = perQuery_ ? view.grid.tokenOf(own, i) : item.tile;
  const Dim places = perQuery_ ? view.grid.tokens() : tileCount_;
  return reinterpret_cast<std::int32_t*>(view.buffers.dst[1]) +
         ((item.batch * view.heads.keyHeads + item.group) * places + place) * view.grid.o.selected;
}

template <typename T>
void Selection<T>::choose(const View<T>& view, const Item& item, const Rectangle& own,
                          const float* sums) {
  float* const importance = at<float>(item.thread, importance_);
  const auto tiles = static_cast<std::size_t>(tileCount_);
  const Dim windows = view.grid.windows();
  for (Dim i = 0; i < (perQuery_ ? own.area() : 1); ++i) {
    std::fill_n(importance, tileCount_, 0.0F);
    for (Dim j = 0; sums != nullptr && j < windows; ++j) {
      const auto index = static_cast<std::size_t>(j);
      for (std::size_t e = table_.first[index]; e < table_.first[index + 1]; ++e) {
        importance[table_.overlaps[e].tile] += table_.overlaps[e].weight * sums[i * windows + j];
      }
    }
    if (view.grid.o.forceOwn) importance[item.tile] = std::numeric_limits<float>::infinity();
    topKRow({importance, tiles}, TopKOrder::Index, {at<std::int32_t>(item.thread, order_), tiles},
            {indices(view, item, own, i), static_cast<std::size_t>(view.grid.o.selected)});
  }
}

/// Streams the blocks of a selection past the queries that `tiles` holds, a full key tile at a
/// time.
template <typename T>
void Selection<T>::stream(const View<T>& view, AttentionTiles<T>& tiles, const Item& item,
                          const std::int32_t* selection, Dim rows) const {
  const Dim d = view.heads.d;
  const Dim capacity = tiles.options().keys;
  Dim filled = 0;
  const auto flush = [&] {
    if (filled > 0) tiles.accumulate(item.thread, rows, filled, {.scale = scale_});
    filled = 0;
  };
  for (Dim i = 0; i < view.grid.o.selected; ++i) {
    const Rectangle block = view.grid.tileRectangle(selection[i]);
    // Row by row: a block may be larger than what is left of the key tile.
    for (Dim y = block.top; y < block.bottom; ++y) {
      for (Dim x = block.left; x < block.right;) {
        const Dim run = std::min(block.right - x, capacity - filled);
        const Rectangle piece{y, y + 1, x, x + run};
        view.packKeys(kSelectionKeys, item, piece, tiles.keys(item.thread) + filled * d);
        view.packKeys(kSelectionValues, item, piece, tiles.values(item.thread) + filled * d);
        filled += run;
        x += run;
        if (filled == capacity) flush();
      }
    }
  }
  flush();
}

template <typename T>
void Selection<T>::attend(const View<T>& view, const Item& item, const Rectangle& own,
                          Group<T>& group, float* out) {
  if (perQuery_) return attendPerQuery(view, item, own, out);
  const Dim rows = group.begin(view, item, own, kRotatedQueries);
  stream(view, group.tiles(), item, indices(view, item, own, 0), rows);
  group.finish(view, item, own, 1, out);
}

template <typename T>
void Selection<T>::attendPerQuery(const View<T>& view, const Item& item, const Rectangle& own,
                                  float* out) {
  const int t = item.thread;
  const Heads& s = view.heads;
  for (Dim i = 0; i < own.area(); ++i) {
    const Dim token = view.grid.tokenOf(own, i);
    copyRows(view.source(kRotatedQueries) +
                 (item.batch * view.grid.tokens() + token) * s.queryChannels() +
                 item.group * s.perGroup * s.d,
             s.d, s.perGroup, s.d, single_.queries(t), s.d);
    single_.begin(t, s.perGroup);
    stream(view, single_, item, indices(view, item, own, i), s.perGroup);
    const float* const result = single_.finish(t, s.perGroup);
    for (Dim head = 0; head < s.perGroup; ++head) {
      addScaled(result + head * s.d, view.gate(item, head, token, 1), s.d,
                out + (head * view.grid.tileArea() + i) * s.d);
    }
  }
}

template class Selection<float>;
template class Selection<BFloat16>;

}  // namespace va::sparse
