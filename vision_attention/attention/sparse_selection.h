#pragma once

#include <cstdint>
#include <vector>

#include "vision_attention/attention/sparse_group.h"

namespace va::sparse {

/// A window's common tokens with a block, over the stride's area.
struct Overlap {
  Dim tile = 0;
  float weight = 0.0F;
};

/// Of window i the blocks overlaps[first[i]] to overlaps[first[i + 1] - 1].
struct OverlapTable {
  std::vector<std::size_t> first;
  std::vector<Overlap> overlaps;
};

OverlapTable overlapTable(const Grid& grid);

/// The branch of selected blocks: chooses them by what compression gave the windows, attends to all
/// their tokens.
template <typename T>
class Selection {
 public:
  Selection(const Grid& grid, const Heads& heads);

  void prepare(const Engine& engine);
  std::size_t threadBytes() const { return threadBytes_; }
  void bindThread(const Engine& engine, int thread, std::byte* scratch);

  /// Writes the indices of the tile's selections; sums as Compression::sums(), null: no windows.
  void choose(const View<T>& view, const Item& item, const Rectangle& own, const float* sums);
  /// Adds to out [perGroup, tile area, d].
  void attend(const View<T>& view, const Item& item, const Rectangle& own, Group<T>& group,
              float* out);

 private:
  template <typename U>
  U* at(int thread, std::size_t offset) const {
    return reinterpret_cast<U*>(scratch_[static_cast<std::size_t>(thread)] + offset);
  }
  std::int32_t* indices(const View<T>& view, const Item& item, const Rectangle& own, Dim i) const;
  void stream(const View<T>& view, AttentionTiles<T>& tiles, const Item& item,
              const std::int32_t* selection, Dim rows) const;
  void attendPerQuery(const View<T>& view, const Item& item, const Rectangle& own, float* out);

  bool perQuery_;
  float scale_;
  OverlapTable table_;
  Dim tileCount_;
  AttentionTiles<T> single_;  ///< one query's heads
  std::vector<std::byte*> scratch_;
  std::size_t importance_ = 0;
  std::size_t order_ = 0;
  std::size_t tiles_ = 0;
  std::size_t threadBytes_ = 0;
};

extern template class Selection<float>;
extern template class Selection<BFloat16>;

}  // namespace va::sparse
