#pragma once

#include "vision_attention/attention/sparse_group.h"

namespace va::sparse {

/// The branch of neighbours: the tiles around the query's own, or a square around the query.
template <typename T>
class Window {
 public:
  explicit Window(const Heads& heads);

  void prepare(const Grid& grid, const Group<T>& group, const Engine& engine);
  std::size_t threadBytes() const { return threadBytes_; }
  void bindThread(int thread, std::byte* scratch) {
    masks_.at(static_cast<std::size_t>(thread)) = reinterpret_cast<float*>(scratch);
  }

  /// Adds to out [perGroup, tile area, d].
  void attend(const View<T>& view, const Item& item, const Rectangle& own, Group<T>& group,
              float* out) const;

 private:
  float scale_;
  std::size_t threadBytes_ = 0;
  std::vector<float*> masks_;  ///< of a radius, [rows, keys of a tile]
};

extern template class Window<float>;
extern template class Window<BFloat16>;

}  // namespace va::sparse
