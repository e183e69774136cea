#pragma once

#include "vision_attention/attention/sparse_group.h"

namespace va::sparse {

/// The branch of compressed keys: its output, and what every window weighs for the tile's queries.
template <typename T>
class Compression {
 public:
  Compression(const Grid& grid, const Heads& heads);

  void prepare(const Group<T>& group, const Engine& engine);
  std::size_t threadBytes() const { return threadBytes_; }
  void bindThread(int thread, std::byte* scratch) {
    scratch_.at(static_cast<std::size_t>(thread)) = scratch;
  }

  /// Adds to out [perGroup, tile area, d]; the grid has windows.
  void attend(const View<T>& view, const Item& item, const Rectangle& own, Group<T>& group,
              float* out);
  /// After attend(): softmax weights of the windows summed over the heads of the group and, unless
  /// every query selects alone, over the tile's queries: [selections, windows].
  const float* sums(int thread) const { return at(thread, sums_); }

 private:
  float* at(int thread, std::size_t offset) const {
    return reinterpret_cast<float*>(scratch_[static_cast<std::size_t>(thread)] + offset);
  }

  Dim rows_;
  Dim windows_;
  Dim selections_;
  float scale_;
  Dim chunk_ = 1;  ///< windows at a time
  std::vector<std::byte*> scratch_;
  std::size_t weights_ = 0;
  std::size_t offsets_ = 0;
  std::size_t sums_ = 0;
  std::size_t threadBytes_ = 0;
};

extern template class Compression<float>;
extern template class Compression<BFloat16>;

}  // namespace va::sparse
