#pragma once

#include "vision_attention/attention/sparse_grid.h"
#include "vision_attention/ops/attention_tiles.h"

namespace va::sparse {

/// The queries of a tile from all heads of a group, side by side, which attend to what a branch
/// packs: rows of head h start at h * own.area().
template <typename T>
class Group {
 public:
  Group(const Grid& grid, const Heads& heads);

  void prepare(const Engine& engine) { tiles_.prepare(engine); }
  std::size_t threadBytes() const { return tiles_.threadBytes(); }
  void bindThread(const Engine& engine, int thread, std::byte* scratch) {
    tiles_.bindThread(engine, thread, scratch);
  }

  AttentionTiles<T>& tiles() { return tiles_; }
  const AttentionTiles<T>& tiles() const { return tiles_; }
  /// Packs the queries of a tile; returns how many rows they are.
  Dim begin(const View<T>& view, const Item& item, const Rectangle& own, Source queries);
  /// Adds the result times the branch's gates to out [perGroup, tile area, d].
  void finish(const View<T>& view, const Item& item, const Rectangle& own, Dim branch, float* out);

 private:
  AttentionTiles<T> tiles_;
};

extern template class Group<float>;
extern template class Group<BFloat16>;

}  // namespace va::sparse
