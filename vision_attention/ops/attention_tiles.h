#pragma once

#include <omp.h>

#include <algorithm>
#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "vision_attention/bfloat16.h"
#include "vision_attention/engine.h"
#include "vision_attention/ops/thread_matmul.h"
#include "vision_attention/shape.h"

namespace va {

struct AttentionTilesOptions {
  Dim queries = 0;    ///< rows of a query tile
  Dim keys = 0;       ///< rows of a key tile
  Dim keySize = 0;    ///< values of a query and of a key
  Dim valueSize = 0;  ///< values of a value
};

/// How one tile's scores become logits: scale * score + bias[row * biasStride + column] +
/// keyBias[column], scale > 0. -infinity hides a key.
struct TileLogits {
  float scale = 1.0F;
  const float* bias = nullptr;
  Dim biasStride = 0;
  const float* keyBias = nullptr;
};

/// Keys and values of one head in tensors whose rows are the strides apart.
template <typename T>
struct KeyRows {
  const T* keys = nullptr;
  Dim keyStride = 0;
  const T* values = nullptr;
  Dim valueStride = 0;
  Dim count = 0;
};

/// Where one tile's weights go before they are divided: [rows, stride] f32, and what was subtracted
/// from the logits of each row.
struct TileWeights {
  float* weights = nullptr;
  Dim stride = 0;
  float* offsets = nullptr;
};

/// The largest of `tile` or less that cuts `count` into pieces of about the same size.
Dim evenTile(Dim count, Dim tile);

/// Streamed softmax attention inside a parallel loop, every thread on memory of its own: one tile
/// of queries meets tile after tile of keys with a running maximum and a running sum per row
/// (Milakov and Gimelshein, arXiv 1805.02867; Dao et al., arXiv 2205.14135). T is float or
/// BFloat16; sums are f32.
template <typename T>
class AttentionTiles {
 public:
  explicit AttentionTiles(const AttentionTilesOptions& options);

  void prepare(const Engine& engine);
  /// Bytes of one thread, after prepare().
  std::size_t threadBytes() const;
  void bindThread(const Engine& engine, int thread, std::byte* scratch);
  /// The same for all threads, one after the other.
  std::size_t scratchBytes() const { return scratch_.size() * threadBytes(); }
  void bind(const Engine& engine, std::byte* scratch);

  /// Where the caller packs a tile's rows: [queries, keySize], [keys, keySize], [keys, valueSize].
  T* queries(int thread) const { return at<T>(thread, queries_); }
  T* keys(int thread) const { return at<T>(thread, keys_); }
  T* values(int thread) const { return at<T>(thread, values_); }

  /// Forgets what `rows` queries have seen.
  void begin(int thread, Dim rows);
  /// Lets the first `rows` queries attend to the first `columns` packed keys.
  void accumulate(int thread, Dim rows, Dim columns, const TileLogits& logits,
                  const TileWeights& kept = {});
  /// What kept weights are multiplied with to be softmax weights, after the last accumulate().
  float share(int thread, Dim row, float offset) const;
  /// Divides by the sums: [queries, valueSize], zeros for a row that saw no key. Rows beyond what
  /// short tiles fill take part in the products; nobody reads their results.
  const float* finish(int thread, Dim rows);
  /// All of it: the first `rows` packed queries attend to every key. Biases begin at the first key.
  const float* attend(int thread, Dim rows, const KeyRows<T>& source, TileLogits logits);

  /// Cuts `queries` of every group into tiles and calls body(group, first, rows, thread) for each
  /// on the threads of the engine.
  template <typename Body>
  void forTiles(Dim groups, Dim queries, Body body) const {
    const Dim pieces = (queries + options_.queries - 1) / options_.queries;
#pragma omp parallel for schedule(dynamic) num_threads(static_cast <int>(scratch_.size()))
    for (Dim item = 0; item < groups * pieces; ++item) {
      const Dim first = item % pieces * options_.queries;
      body(item / pieces, first, std::min(options_.queries, queries - first), omp_get_thread_num());
    }
  }
  std::string implementation() const;
  /// Of one accumulate().
  std::uint64_t macs() const {
    return scoreProduct_->macs() + valueProduct_->macs();
  }
  const AttentionTilesOptions& options() const {
    return options_;
  }

 private:
  template <typename U>
  U* at(int thread, std::size_t offset) const {
    return reinterpret_cast<U*>(scratch_[static_cast<std::size_t>(thread)] + offset);
  }

  AttentionTilesOptions options_;
  std::unique_ptr<ThreadMatmul> scoreProduct_;
  std::unique_ptr<ThreadMatmul> valueProduct_;
  std::vector<std::byte*> scratch_;
  std::size_t queries_ = 0;
  std::size_t keys_ = 0;
  std::size_t values_ = 0;
  std::size_t scores_ = 0;
  std::size_t weights_ = 0;
  std::size_t product_ = 0;
  std::size_t sums_ = 0;
  std::size_t maxima_ = 0;
  std::size_t out_ = 0;
  std::size_t matmul_ = 0;
  std::size_t bytes_ = 0;
};

extern template class AttentionTiles<float>;
extern template class AttentionTiles<BFloat16>;

}  // namespace va
