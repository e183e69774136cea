#include "vision_attention/attention/token_merging.h"

#include <omp.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <span>
#include <stdexcept>

#include "vision_attention/attention/multi_head.h"
#include "vision_attention/ops/attention_tiles.h"
#include "vision_attention/ops/gather.h"
#include "vision_attention/ops/scratch_layout.h"
#include "vision_attention/ops/thread_matmul.h"
#include "vision_attention/ops/token_rows.h"
#include "vision_attention/ops/top_k.h"

namespace va {

namespace {

constexpr Dim kTile = 256;

/// Which tokens may merge and which take them up.
struct Partition {
  std::vector<std::int32_t> sources;
  std::vector<std::int32_t> destinations;
};

Partition partition(Dim n, const TokenMatchOptions& o) {
  Partition result;
  for (Dim i = 0; i < n; ++i) {
    const bool destination =
        o.width == 0 ? i % 2 == 1
                     : i / o.width % o.regionHeight == 0 && i % o.width % o.regionWidth == 0;
    (destination ? result.destinations : result.sources).push_back(static_cast<std::int32_t>(i));
  }
  return result;
}

template <typename T>
class MatchTokens final : public Operator {
 public:
  MatchTokens(Dim mb, Dim n, Dim c, Dim merged, Partition partition)
      : mb_(mb),
        n_(n),
        c_(c),
        merged_(merged),
        partition_(std::move(partition)),
        sourceTile_(evenTile(sourceCount(), kTile)),
        destinationTile_(evenTile(destinationCount(), kTile)),
        product_({.m = sourceTile_, .n = destinationTile_, .k = c, .transposeB = true}) {}

  void prepare(const Engine& engine, bool /*inPlace*/) override {
    threads_ = engine.threads();
    product_.prepare(engine);
    ScratchLayout shared;
    best_ = shared.reserve<float>(mb_ * sourceCount());
    bestAt_ = shared.reserve<std::int32_t>(mb_ * sourceCount());
    order_ = shared.reserve<std::int32_t>(mb_ * sourceCount());
    chosen_ = shared.reserve<std::int32_t>(mb_ * sourceCount());
    sharedBytes_ = shared.bytes();
    ScratchLayout layout;
    a_ = layout.reserve<float>(sourceTile_ * c_);
    b_ = layout.reserve<float>(destinationTile_ * c_);
    scores_ = layout.reserve<float>(sourceTile_ * destinationTile_);
    matmul_ = layout.reserve<std::byte>(static_cast<Dim>(product_.scratchBytes()));
    threadBytes_ = layout.bytes();
  }

  std::size_t scratchBytes() const override {
    return sharedBytes_ + static_cast<std::size_t>(threads_) * threadBytes_;
  }

  void bind(const Engine& engine, const Buffers& buffers) override {
    buffers_ = buffers;
    for (int t = 0; t < threads_; ++t) {
      product_.bind(engine, t, own<float>(t, a_), own<float>(t, b_), own<float>(t, scores_),
                    own<std::byte>(t, matmul_));
    }
  }

  void run(const Engine& /*engine*/) override {
    const Dim pieces = (sourceCount() + sourceTile_ - 1) / sourceTile_;
#pragma omp parallel for schedule(dynamic) num_threads(threads_)
    for (Dim item = 0; item < mb_ * pieces; ++item) {
      match(item / pieces, item % pieces * sourceTile_, omp_get_thread_num());
    }
#pragma omp parallel for schedule(static) num_threads(threads_)
    for (Dim b = 0; b < mb_; ++b) assign(b);
  }

  std::string kind() const override {
    return "match";
  }
  std::string implementation() const override {
    return product_.implementation();
  }
  std::uint64_t macs() const override {
    return static_cast<std::uint64_t>(mb_ * sourceCount() * destinationCount() * c_);
  }

 private:
  Dim sourceCount() const {
    return static_cast<Dim>(partition_.sources.size());
  }
  Dim destinationCount() const {
    return static_cast<Dim>(partition_.destinations.size());
  }

  template <typename U>
  U* own(int thread, std::size_t offset) const {
    return reinterpret_cast<U*>(buffers_.scratch + sharedBytes_ +
                                static_cast<std::size_t>(thread) * threadBytes_ + offset);
  }
  template <typename U>
  U* shared(std::size_t offset, Dim batch) const {
    return reinterpret_cast<U*>(buffers_.scratch + offset) + batch * sourceCount();
  }

  /// Rows of the named tokens, of length 1 (zero rows stay zero).
  void packUnit(Dim batch, const std::int32_t* tokens, Dim count, float* dst) const {
    const T* const src = reinterpret_cast<const T*>(buffers_.src[0]) + batch * n_ * c_;
    for (Dim i = 0; i < count; ++i) {
      float* const row = dst + i * c_;
      copyRows(src + tokens[i] * c_, c_, 1, c_, row, c_);
      double squares = 0.0;
      for (Dim j = 0; j < c_; ++j) squares += static_cast<double>(row[j]) * row[j];
      const float factor = squares > 0.0 ? static_cast<float>(1.0 / std::sqrt(squares)) : 0.0F;
      for (Dim j = 0; j < c_; ++j) row[j] *= factor;
    }
  }

  void match(Dim batch, Dim first, int thread) {
    const Dim rows = std::min(sourceTile_, sourceCount() - first);
    packUnit(batch, partition_.sources.data() + first, rows, own<float>(thread, a_));
    float* const best = shared<float>(best_, batch) + first;
    std::int32_t* const bestAt = shared<std::int32_t>(bestAt_, batch) + first;
    std::fill_n(best, rows, -std::numeric_limits<float>::infinity());
    std::fill_n(bestAt, rows, 0);
    for (Dim from = 0; from < destinationCount(); from += destinationTile_) {
      const Dim columns = std::min(destinationTile_, destinationCount() - from);
      packUnit(batch, partition_.destinations.data() + from, columns, own<float>(thread, b_));
      product_.run(thread);
      for (Dim i = 0; i < rows; ++i) {
        const float* const row = own<float>(thread, scores_) + i * destinationTile_;
        const float* const top = std::max_element(row, row + columns);
        if (*top > best[i]) {
          best[i] = *top;
          bestAt[i] = static_cast<std::int32_t>(from + (top - row));
        }
      }
    }
  }

  void assign(Dim batch) {
    const float* const best = shared<float>(best_, batch);
    const std::int32_t* const bestAt = shared<std::int32_t>(bestAt_, batch);
    std::int32_t* const order = shared<std::int32_t>(order_, batch);
    std::int32_t* const dst = reinterpret_cast<std::int32_t*>(buffers_.dst[0]) + batch * n_;
    std::fill_n(dst, n_, 0);
    const auto count = static_cast<std::size_t>(sourceCount());
    const std::span<std::int32_t> chosen(shared<std::int32_t>(chosen_, batch),
                                         static_cast<std::size_t>(merged_));
    topKRow({best, count}, TopKOrder::Index, {order, count}, chosen);
    for (const std::int32_t i : chosen) {
      dst[partition_.sources[static_cast<std::size_t>(i)]] = -1;
    }
    std::int32_t row = 0;
    for (Dim i = 0; i < n_; ++i) {
      if (dst[i] == 0) dst[i] = row++;
    }
    for (const std::int32_t i : chosen) {
      const std::int32_t to = partition_.destinations[static_cast<std::size_t>(bestAt[i])];
      dst[partition_.sources[static_cast<std::size_t>(i)]] = dst[to];
    }
  }

  Dim mb_;
  Dim n_;
  Dim c_;
  Dim merged_;
  Partition partition_;
  Dim sourceTile_;
  Dim destinationTile_;
  ThreadMatmul product_;
  std::size_t best_ = 0;
  std::size_t bestAt_ = 0;
  std::size_t order_ = 0;
  std::size_t chosen_ = 0;
  std::size_t sharedBytes_ = 0;
  std::size_t a_ = 0;
  std::size_t b_ = 0;
  std::size_t scores_ = 0;
  std::size_t matmul_ = 0;
  std::size_t threadBytes_ = 0;
  int threads_ = 1;
  Buffers buffers_;
};

template <typename T>
class MergeTokens final : public Operator {
 public:
  MergeTokens(Dim mb, Dim n, Dim c, Dim m) : mb_(mb), n_(n), c_(c), m_(m) {}

  void prepare(const Engine& engine, bool /*inPlace*/) override { threads_ = engine.threads(); }
  std::size_t scratchBytes() const override {
    return static_cast<std::size_t>(mb_ * m_ * c_) * sizeof(float);
  }
  void bind(const Engine& /*engine*/, const Buffers& buffers) override { buffers_ = buffers; }

  void run(const Engine& /*engine*/) override {
    const auto* const assignment = reinterpret_cast<const std::int32_t*>(buffers_.src[1]);
    const T* const src = reinterpret_cast<const T*>(buffers_.src[0]);
    float* const sizes = reinterpret_cast<float*>(buffers_.dst[1]);
    float* const logSizes = reinterpret_cast<float*>(buffers_.dst[2]);
    // One thread an item: the order of a sum must not depend on the threads.
#pragma omp parallel for schedule(static) num_threads(threads_)
    for (Dim b = 0; b < mb_; ++b) {
      float* const sums = reinterpret_cast<float*>(buffers_.scratch) + b * m_ * c_;
      std::fill_n(sums, m_ * c_, 0.0F);
      std::fill_n(sizes + b * m_, m_, 0.0F);
      for (Dim i = 0; i < n_; ++i) {
        const Dim row = assignment[b * n_ + i];
        if (row < 0 || row >= m_) continue;
        addScaled(src + (b * n_ + i) * c_, 1.0F, c_, sums + row * c_);
        sizes[b * m_ + row] += 1.0F;
      }
      for (Dim i = 0; i < m_; ++i) {
        const float size = sizes[b * m_ + i];
        logSizes[b * m_ + i] = std::log(size);
        // Division, not a reciprocal: means of equal values stay exact.
        for (Dim j = 0; j < c_; ++j) sums[i * c_ + j] /= std::max(size, 1.0F);
      }
      copyRows(sums, c_, m_, c_, reinterpret_cast<T*>(buffers_.dst[0]) + b * m_ * c_, c_);
    }
  }
  std::string kind() const override {
    return "merge";
  }

 private:
  Dim mb_;
  Dim n_;
  Dim c_;
  Dim m_;
  int threads_ = 1;
  Buffers buffers_;
};

}  // namespace

Tensor matchTokens(GraphBuilder& graph, const std::string& name, const Tensor& metric,
                   const TokenMatchOptions& options) {
  const auto fail = [&](const std::string& what) {
    throw std::invalid_argument("token match '" + name + "': " + what);
  };
  if (metric.shape.rank() != 3 || metric.shape.elements() == 0 ||
      metric.type != graph.activationType()) {
    fail("metric is " + metric.shape.toString() + " " + toString(metric.type));
  }
  const Dim n = metric.shape[1];
  if (options.width != 0 && (options.width < 0 || n % options.width != 0 ||
                             options.regionHeight < 1 || options.regionWidth < 1)) {
    fail(std::to_string(n) + " tokens in rows of " + std::to_string(options.width) +
         ", regions of " + std::to_string(options.regionWidth) + "x" +
         std::to_string(options.regionHeight));
  }
  Partition sets = partition(n, options);
  if (options.merged < 0 || options.merged > static_cast<Dim>(sets.sources.size()) ||
      sets.destinations.empty() || sets.sources.empty()) {
    fail(std::to_string(options.merged) + " of " + std::to_string(n) + " tokens merge, of " +
         std::to_string(sets.sources.size()) + " that may");
  }
  std::unique_ptr<Operator> op;
  if (metric.type == DataType::BF16) {
    op = std::make_unique<MatchTokens<BFloat16>>(metric.shape[0], n, metric.shape[2],
                                                 options.merged, std::move(sets));
  } else {
    op = std::make_unique<MatchTokens<float>>(metric.shape[0], n, metric.shape[2], options.merged,
                                              std::move(sets));
  }
  return graph.add(name, std::move(op), {metric}, {metric.shape[0], n}, DataType::S32);
}

MergedTokens mergeTokens(GraphBuilder& graph, const std::string& name, const Tensor& src,
                         const Tensor& assignment, Dim merged) {
  if (src.shape.rank() != 3 || src.type != graph.activationType() ||
      assignment.shape != Shape{src.shape[0], src.shape[1]} || assignment.type != DataType::S32 ||
      merged < 0 || merged >= src.shape[1]) {
    throw std::invalid_argument("token merge '" + name + "': src is " + src.shape.toString() +
                                ", assignment is " + assignment.shape.toString() + ", " +
                                std::to_string(merged) + " merge");
  }
  const Dim mb = src.shape[0];
  const Dim n = src.shape[1];
  const Dim c = src.shape[2];
  const Dim m = n - merged;
  std::unique_ptr<Operator> op;
  if (src.type == DataType::BF16) {
    op = std::make_unique<MergeTokens<BFloat16>>(mb, n, c, m);
  } else {
    op = std::make_unique<MergeTokens<float>>(mb, n, c, m);
  }
  const auto outputs = graph.add(
      name, std::move(op), {src, assignment},
      {{Shape{mb, m, c}, src.type}, {Shape{mb, m}, DataType::F32}, {Shape{mb, m}, DataType::F32}});
  return {outputs[0], outputs[1], outputs[2]};
}

Tensor mergedAttention(GraphBuilder& graph, const Tensor& src, const std::string& scope,
                       const MergedAttentionOptions& options) {
  const Tensor assignment = matchTokens(graph, scope + ".match", src, options.match);
  const MergedTokens merged =
      mergeTokens(graph, scope + ".merge", src, assignment, options.match.merged);
  const Tensor attended = multiHeadAttention(graph, merged.tokens, scope,
                                             {.heads = options.heads, .keyBias = merged.logSizes});
  return gatherRows(graph, scope + ".unmerge", attended, assignment);
}

}  // namespace va
