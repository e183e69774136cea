#include "vision_attention/attention/sparse.h"

#include <omp.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <span>
#include <stdexcept>

#include "vision_attention/attention/partial_rope.h"
#include "vision_attention/ops/attention_tiles.h"
#include "vision_attention/ops/conv.h"
#include "vision_attention/ops/row_softmax.h"
#include "vision_attention/ops/scratch_layout.h"
#include "vision_attention/ops/thread_matmul.h"
#include "vision_attention/ops/token_rows.h"
#include "vision_attention/ops/top_k.h"

namespace va {

namespace {

constexpr Dim kKeyTile = 256;
constexpr float kInfinity = std::numeric_limits<float>::infinity();

/// Selection blocks and compression windows of one grid.
struct Geometry {
  Dim h = 0;
  Dim w = 0;
  SparseOptions o;

  Dim tokens() const { return h * w; }
  Dim tilesAcross() const { return (w + o.tile - 1) / o.tile; }
  Dim tilesDown() const { return (h + o.tile - 1) / o.tile; }
  Dim tiles() const { return tilesAcross() * tilesDown(); }
  Dim windowsAcross() const {
    return w < o.compressWidth ? 0 : (w - o.compressWidth) / o.strideWidth + 1;
  }
  Dim windowsDown() const {
    return h < o.compressHeight ? 0 : (h - o.compressHeight) / o.strideHeight + 1;
  }
  Dim windows() const { return windowsAcross() * windowsDown(); }
};

struct Rectangle {
  Dim top = 0;
  Dim bottom = 0;  ///< behind the last row
  Dim left = 0;
  Dim right = 0;

  Dim height() const { return bottom - top; }
  Dim width() const { return right - left; }
  Dim area() const { return height() * width(); }
};

Rectangle tileRectangle(const Geometry& g, Dim tile) {
  const Dim top = tile / g.tilesAcross() * g.o.tile;
  const Dim left = tile % g.tilesAcross() * g.o.tile;
  return {top, std::min(top + g.o.tile, g.h), left, std::min(left + g.o.tile, g.w)};
}

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

OverlapTable overlapTable(const Geometry& g) {
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

struct Sizes {
  Dim mb = 0;
  Dim keyHeads = 0;
  Dim perGroup = 0;  ///< query heads that share a key head
  Dim d = 0;

  Dim queryChannels() const { return keyHeads * perGroup * d; }
  Dim keyChannels() const { return keyHeads * d; }
};

template <typename T>
class SparseCore final : public Operator {
 public:
  SparseCore(Sizes sizes, Geometry geometry)
      : s_(sizes),
        g_(std::move(geometry)),
        scale_(1.0F / std::sqrt(static_cast<float>(sizes.d))),
        area_(g_.o.tile * g_.o.tile),
        chunk_(evenTile(std::max<Dim>(g_.windows(), 1), kKeyTile)),
        table_(overlapTable(g_)),
        windowScores_({.m = area_, .n = chunk_, .k = sizes.d, .transposeB = true, .type = type()}),
        windowValues_({.m = area_, .n = sizes.d, .k = chunk_, .type = type()}),
        blocks_({.queries = sizes.perGroup * area_,
                 .keys = evenTile(largestKeys(), kKeyTile),
                 .keySize = sizes.d,
                 .valueSize = sizes.d}),
        single_({.queries = sizes.perGroup,
                 .keys = evenTile(largestKeys(), kKeyTile),
                 .keySize = sizes.d,
                 .valueSize = sizes.d}) {}

  void prepare(const Engine& engine, bool /*inPlace*/) override {
    threads_ = engine.threads();
    windowScores_.prepare(engine);
    windowValues_.prepare(engine);
    blocks_.prepare(engine);
    if (g_.o.perQuery) single_.prepare(engine);
    ScratchLayout layout;
    queries_ = layout.reserve<T>(area_ * s_.d);
    keys_ = layout.reserve<T>(chunk_ * s_.d);
    values_ = layout.reserve<T>(chunk_ * s_.d);
    product_ = layout.reserve<float>(area_ * std::max(chunk_, s_.d));
    weights_ = layout.reserve<T>(area_ * chunk_);
    scores_ = layout.reserve<float>(area_ * g_.windows());
    factors_ = layout.reserve<float>(area_);
    sums_ = layout.reserve<float>(selections() * std::max<Dim>(g_.windows(), 1));
    importance_ = layout.reserve<float>(g_.tiles());
    order_ = layout.reserve<std::int32_t>(g_.tiles());
    mask_ = layout.reserve<float>(s_.perGroup * area_ * blocks_.options().keys);
    out_ = layout.reserve<float>(s_.perGroup * area_ * s_.d);
    matmul_ = layout.reserve<std::byte>(
        static_cast<Dim>(std::max(windowScores_.scratchBytes(), windowValues_.scratchBytes())));
    tiles_ = layout.reserve<std::byte>(static_cast<Dim>(blocks_.scratchBytes()));
    singleTiles_ =
        layout.reserve<std::byte>(g_.o.perQuery ? static_cast<Dim>(single_.scratchBytes()) : 0);
    threadBytes_ = layout.bytes();
  }

  std::size_t scratchBytes() const override {
    return static_cast<std::size_t>(threads_) * threadBytes_;
  }

  void bind(const Engine& engine, const Buffers& buffers) override {
    buffers_ = buffers;
    for (int t = 0; t < threads_; ++t) {
      windowScores_.bind(engine, t, own<T>(t, queries_), own<T>(t, keys_), own<float>(t, product_),
                         own<std::byte>(t, matmul_));
      windowValues_.bind(engine, t, own<T>(t, weights_), own<T>(t, values_),
                         own<float>(t, product_), own<std::byte>(t, matmul_));
      blocks_.bind(engine, t, own<std::byte>(t, tiles_));
      if (g_.o.perQuery) single_.bind(engine, t, own<std::byte>(t, singleTiles_));
    }
  }

  void run(const Engine& /*engine*/) override {
    const Dim items = s_.mb * s_.keyHeads * g_.tiles();
#pragma omp parallel for schedule(dynamic) num_threads(threads_)
    for (Dim item = 0; item < items; ++item) {
      const Dim group = item / g_.tiles();
      attend({group / s_.keyHeads, group % s_.keyHeads, item % g_.tiles(), omp_get_thread_num()});
    }
  }

  std::string kind() const override {
    return "sparse";
  }
  std::string implementation() const override {
    return windowScores_.implementation() + "; " + windowValues_.implementation() + "; " +
           blocks_.implementation();
  }

  std::uint64_t macs() const override {
    Dim keys = g_.windows() * g_.tokens();
    for (Dim tile = 0; tile < g_.tiles(); ++tile) {
      const Dim queries = tileRectangle(g_, tile).area();
      // Which blocks are selected is not known before the run: counted as whole ones.
      keys += queries * std::min(g_.o.selected * area_, g_.tokens());
      if (g_.o.window != SparseWindow::None) keys += queries * windowRectangle(tile).area();
    }
    return static_cast<std::uint64_t>(2 * s_.mb * s_.keyHeads * s_.perGroup * s_.d * keys);
  }

 private:
  /// One tile of queries of one group of heads.
  struct Item {
    Dim batch;
    Dim group;
    Dim tile;
    int thread;
  };

  static DataType type() {
    return std::is_same_v<T, BFloat16> ? DataType::BF16 : DataType::F32;
  }

  Dim selections() const {
    return g_.o.perQuery ? area_ : 1;
  }

  Dim largestKeys() const {
    const Dim side = 2 * g_.o.radius + g_.o.tile;
    Dim keys = std::max<Dim>(std::min(g_.o.selected * area_, g_.tokens()), 1);
    if (g_.o.window == SparseWindow::Tiles) keys = std::max(keys, 9 * area_);
    if (g_.o.window == SparseWindow::Radius) keys = std::max(keys, side * side);
    return std::min(keys, std::max<Dim>(g_.tokens(), 1));
  }

  template <typename U>
  U* own(int thread, std::size_t offset) const {
    return reinterpret_cast<U*>(buffers_.scratch + static_cast<std::size_t>(thread) * threadBytes_ +
                                offset);
  }

  const T* source(std::size_t i) const {
    return reinterpret_cast<const T*>(buffers_.src[i]);
  }

  Rectangle windowRectangle(Dim tile) const {
    const Rectangle own = tileRectangle(g_, tile);
    const Dim reach = g_.o.window == SparseWindow::Tiles ? g_.o.tile : g_.o.radius;
    // A short tile at the edge has whole neighbours: the reach starts at its full place.
    return {std::max<Dim>(own.top - reach, 0), std::min(own.bottom + reach, g_.h),
            std::max<Dim>(own.left - reach, 0), std::min(own.right + reach, g_.w)};
  }

  /// Copies the head's channels of a rectangle's tokens.
  void packRectangle(const T* src, Dim batch, Dim channels, Dim offset, const Rectangle& r,
                     T* dst) const {
    for (Dim y = r.top; y < r.bottom; ++y) {
      copyRows(src + ((batch * g_.h + y) * g_.w + r.left) * channels + offset, channels, r.width(),
               s_.d, dst + (y - r.top) * r.width() * s_.d, s_.d);
    }
  }

  float gate(const Item& item, Dim head, Dim token, Dim branch) const {
    const Dim heads = s_.keyHeads * s_.perGroup;
    const auto* const gates = reinterpret_cast<const float*>(buffers_.src[8]);
    return gates[(item.batch * g_.tokens() + token) * 3 * heads + branch * heads +
                 item.group * s_.perGroup + head];
  }

  Dim tokenOf(const Rectangle& r, Dim i) const {
    return (r.top + i / r.width()) * g_.w + r.left + i % r.width();
  }

  void attend(const Item& item) {
    const Rectangle own = tileRectangle(g_, item.tile);
    float* const out = this->own<float>(item.thread, out_);
    std::fill_n(out, s_.perGroup * area_ * s_.d, 0.0F);
    std::fill_n(this->own<float>(item.thread, sums_), selections() * std::max<Dim>(g_.windows(), 1),
                0.0F);
    if (g_.windows() > 0) {
      for (Dim head = 0; head < s_.perGroup; ++head) compressed(item, own, head);
    }
    if (g_.o.selected > 0) {
      for (Dim i = 0; i < (g_.o.perQuery ? own.area() : 1); ++i) select(item, own, i);
      g_.o.perQuery ? selectedPerQuery(item, own) : selectedPerTile(item, own);
    }
    if (g_.o.window != SparseWindow::None) window(item, own);
    T* const dst = reinterpret_cast<T*>(buffers_.dst[0]);
    for (Dim head = 0; head < s_.perGroup; ++head) {
      for (Dim i = 0; i < own.area(); ++i) {
        copyRows(out + (head * area_ + i) * s_.d, s_.d, 1, s_.d,
                 dst + (item.batch * g_.tokens() + tokenOf(own, i)) * s_.queryChannels() +
                     (item.group * s_.perGroup + head) * s_.d,
                 s_.d);
      }
    }
  }

  /// Output of the compressed branch, and its weights summed per window: by queries or of all.
  void compressed(const Item& item, const Rectangle& own, Dim head) {
    const int t = item.thread;
    const Dim windows = g_.windows();
    const Dim rows = own.area();
    float* const scores = this->own<float>(t, scores_);
    float* const product = this->own<float>(t, product_);
    float* const factors = this->own<float>(t, factors_);
    packRectangle(source(0), item.batch, s_.queryChannels(),
                  (item.group * s_.perGroup + head) * s_.d, own, this->own<T>(t, queries_));
    const auto pack = [&](std::size_t from, Dim first, Dim columns, std::size_t to) {
      copyRows(source(from) + (item.batch * windows + first) * s_.keyChannels() + item.group * s_.d,
               s_.keyChannels(), columns, s_.d, this->own<T>(t, to), s_.d);
    };
    for (Dim first = 0; first < windows; first += chunk_) {
      const Dim columns = std::min(chunk_, windows - first);
      pack(2, first, columns, keys_);
      windowScores_.run(t);
      copyRows(product, chunk_, rows, columns, scores + first, windows);
    }
    float* const sums = this->own<float>(t, sums_);
    for (Dim i = 0; i < rows; ++i) {
      float* const row = scores + i * windows;
      factors[i] = exponentialRow(row, nullptr, scale_, false, windows, row);
      addScaled(row, factors[i], windows, sums + (g_.o.perQuery ? i * windows : 0));
    }
    float* const out = this->own<float>(t, out_) + head * area_ * s_.d;
    for (Dim first = 0; first < windows; first += chunk_) {
      const Dim columns = std::min(chunk_, windows - first);
      T* const weights = this->own<T>(t, weights_);
      T* const values = this->own<T>(t, values_);
      copyRows(scores + first, windows, rows, columns, weights, chunk_);
      for (Dim i = 0; i < rows && columns < chunk_; ++i) {
        std::fill_n(weights + i * chunk_ + columns, chunk_ - columns, T(0.0F));
      }
      pack(3, first, columns, values_);
      std::fill_n(values + columns * s_.d, (chunk_ - columns) * s_.d, T(0.0F));
      windowValues_.run(t);
      for (Dim i = 0; i < rows; ++i) {
        const float factor = factors[i] * gate(item, head, tokenOf(own, i), 0);
        addScaled(product + i * s_.d, factor, s_.d, out + i * s_.d);
      }
    }
  }

  std::int32_t* selectionOf(const Item& item, const Rectangle& own, Dim i) const {
    const Dim place = g_.o.perQuery ? tokenOf(own, i) : item.tile;
    const Dim places = g_.o.perQuery ? g_.tokens() : g_.tiles();
    return reinterpret_cast<std::int32_t*>(buffers_.dst[1]) +
           ((item.batch * s_.keyHeads + item.group) * places + place) * g_.o.selected;
  }

  void select(const Item& item, const Rectangle& own, Dim i) {
    const int t = item.thread;
    const float* const sums = this->own<float>(t, sums_) + (g_.o.perQuery ? i * g_.windows() : 0);
    float* const importance = this->own<float>(t, importance_);
    std::fill_n(importance, g_.tiles(), 0.0F);
    for (Dim j = 0; j < g_.windows(); ++j) {
      const auto index = static_cast<std::size_t>(j);
      for (std::size_t e = table_.first[index]; e < table_.first[index + 1]; ++e) {
        importance[table_.overlaps[e].tile] += table_.overlaps[e].weight * sums[j];
      }
    }
    if (g_.o.forceOwn) importance[item.tile] = kInfinity;
    const auto tiles = static_cast<std::size_t>(g_.tiles());
    topKRow({importance, tiles}, TopKOrder::Index, {this->own<std::int32_t>(t, order_), tiles},
            {selectionOf(item, own, i), static_cast<std::size_t>(g_.o.selected)});
  }

  /// Streams the blocks of a selection past the queries that `tiles` holds, a full key tile at a
  /// time.
  void streamBlocks(AttentionTiles<T>& tiles, const Item& item, const std::int32_t* selection,
                    Dim rows) {
    const Dim capacity = tiles.options().keys;
    Dim filled = 0;
    const TileLogits logits{.scale = scale_};
    const auto flush = [&] {
      if (filled > 0) tiles.accumulate(item.thread, rows, filled, logits);
      filled = 0;
    };
    for (Dim i = 0; i < g_.o.selected; ++i) {
      const Rectangle block = tileRectangle(g_, selection[i]);
      // Row by row: a block may be larger than what is left of the key tile.
      for (Dim y = block.top; y < block.bottom; ++y) {
        for (Dim x = block.left; x < block.right;) {
          const Dim run = std::min(block.right - x, capacity - filled);
          const Rectangle piece{y, y + 1, x, x + run};
          packRectangle(source(4), item.batch, s_.keyChannels(), item.group * s_.d, piece,
                        tiles.keys(item.thread) + filled * s_.d);
          packRectangle(source(5), item.batch, s_.keyChannels(), item.group * s_.d, piece,
                        tiles.values(item.thread) + filled * s_.d);
          filled += run;
          x += run;
          if (filled == capacity) flush();
        }
      }
    }
    flush();
  }

  /// All heads of the group side by side: rows of head h start at h * own.area().
  Dim packGroup(const Item& item, const Rectangle& own) {
    for (Dim head = 0; head < s_.perGroup; ++head) {
      packRectangle(source(1), item.batch, s_.queryChannels(),
                    (item.group * s_.perGroup + head) * s_.d, own,
                    blocks_.queries(item.thread) + head * own.area() * s_.d);
    }
    const Dim rows = s_.perGroup * own.area();
    blocks_.begin(item.thread, rows);
    return rows;
  }

  void addGroup(const Item& item, const Rectangle& own, Dim rows, Dim branch) {
    const float* const result = blocks_.finish(item.thread, rows);
    float* const out = this->own<float>(item.thread, out_);
    for (Dim head = 0; head < s_.perGroup; ++head) {
      for (Dim i = 0; i < own.area(); ++i) {
        addScaled(result + (head * own.area() + i) * s_.d,
                  gate(item, head, tokenOf(own, i), branch), s_.d, out + (head * area_ + i) * s_.d);
      }
    }
  }

  void selectedPerTile(const Item& item, const Rectangle& own) {
    const Dim rows = packGroup(item, own);
    streamBlocks(blocks_, item, selectionOf(item, own, 0), rows);
    addGroup(item, own, rows, 1);
  }

  void selectedPerQuery(const Item& item, const Rectangle& own) {
    const int t = item.thread;
    float* const out = this->own<float>(t, out_);
    for (Dim i = 0; i < own.area(); ++i) {
      const Dim token = tokenOf(own, i);
      copyRows(source(1) + (item.batch * g_.tokens() + token) * s_.queryChannels() +
                   item.group * s_.perGroup * s_.d,
               s_.d, s_.perGroup, s_.d, single_.queries(t), s_.d);
      single_.begin(t, s_.perGroup);
      streamBlocks(single_, item, selectionOf(item, own, i), s_.perGroup);
      const float* const result = single_.finish(t, s_.perGroup);
      for (Dim head = 0; head < s_.perGroup; ++head) {
        addScaled(result + head * s_.d, gate(item, head, token, 1), s_.d,
                  out + (head * area_ + i) * s_.d);
      }
    }
  }

  void window(const Item& item, const Rectangle& own) {
    const int t = item.thread;
    const Dim rows = packGroup(item, own);
    const Rectangle reach = windowRectangle(item.tile);
    const Dim capacity = blocks_.options().keys;
    float* const mask = this->own<float>(t, mask_);
    for (Dim first = 0; first < reach.area(); first += capacity) {
      const Dim columns = std::min(capacity, reach.area() - first);
      for (Dim j = 0; j < columns;) {
        const Dim y = reach.top + (first + j) / reach.width();
        const Dim x = reach.left + (first + j) % reach.width();
        const Rectangle piece{y, y + 1, x, std::min(reach.right, x + columns - j)};
        packRectangle(source(6), item.batch, s_.keyChannels(), item.group * s_.d, piece,
                      blocks_.keys(t) + j * s_.d);
        packRectangle(source(7), item.batch, s_.keyChannels(), item.group * s_.d, piece,
                      blocks_.values(t) + j * s_.d);
        j += piece.width();
      }
      TileLogits logits{.scale = scale_};
      if (g_.o.window == SparseWindow::Radius) {
        maskRadius(own, reach, first, columns, mask);
        logits.bias = mask;
        logits.biasStride = capacity;
      }
      blocks_.accumulate(t, rows, columns, logits);
    }
    addGroup(item, own, rows, 2);
  }

  void maskRadius(const Rectangle& own, const Rectangle& reach, Dim first, Dim columns,
                  float* mask) const {
    const Dim capacity = blocks_.options().keys;
    for (Dim i = 0; i < own.area(); ++i) {
      const Dim y = own.top + i / own.width();
      const Dim x = own.left + i % own.width();
      for (Dim j = 0; j < columns; ++j) {
        const Dim dy = reach.top + (first + j) / reach.width() - y;
        const Dim dx = reach.left + (first + j) % reach.width() - x;
        const bool near = std::max(std::abs(dy), std::abs(dx)) <= g_.o.radius;
        mask[i * capacity + j] = near ? 0.0F : -kInfinity;
      }
    }
    for (Dim head = 1; head < s_.perGroup; ++head) {
      std::copy_n(mask, own.area() * capacity, mask + head * own.area() * capacity);
    }
  }

  Sizes s_;
  Geometry g_;
  float scale_;
  Dim area_;
  Dim chunk_;
  OverlapTable table_;
  ThreadMatmul windowScores_;
  ThreadMatmul windowValues_;
  AttentionTiles<T> blocks_;
  AttentionTiles<T> single_;
  std::size_t queries_ = 0;
  std::size_t keys_ = 0;
  std::size_t values_ = 0;
  std::size_t product_ = 0;
  std::size_t weights_ = 0;
  std::size_t scores_ = 0;
  std::size_t factors_ = 0;
  std::size_t sums_ = 0;
  std::size_t importance_ = 0;
  std::size_t order_ = 0;
  std::size_t mask_ = 0;
  std::size_t out_ = 0;
  std::size_t matmul_ = 0;
  std::size_t tiles_ = 0;
  std::size_t singleTiles_ = 0;
  std::size_t threadBytes_ = 0;
  int threads_ = 1;
  Buffers buffers_;
};

/// Tokens of every compression window side by side, [mb, windows, keyHeads, l * d] plus positions
/// [l, d], or their mean, [mb, windows, keyHeads * d].
template <typename T>
class CompressionWindows final : public Operator {
 public:
  CompressionWindows(Dim mb, Dim keyHeads, Dim d, Geometry geometry, std::vector<float> position)
      : mb_(mb),
        keyHeads_(keyHeads),
        d_(d),
        g_(std::move(geometry)),
        position_(std::move(position)) {}

  void prepare(const Engine& engine, bool /*inPlace*/) override { threads_ = engine.threads(); }
  std::size_t scratchBytes() const override {
    return static_cast<std::size_t>(threads_ * d_) * sizeof(float);
  }
  void bind(const Engine& /*engine*/, const Buffers& buffers) override { buffers_ = buffers; }

  void run(const Engine& /*engine*/) override {
    const T* const src = reinterpret_cast<const T*>(buffers_.src[0]);
    T* const dst = reinterpret_cast<T*>(buffers_.dst[0]);
    const Dim windows = g_.windows();
    const Dim length = g_.o.compressHeight * g_.o.compressWidth;
    const bool mean = position_.empty();
#pragma omp parallel for schedule(static) num_threads(threads_)
    for (Dim item = 0; item < mb_ * windows * keyHeads_; ++item) {
      float* const row = reinterpret_cast<float*>(buffers_.scratch) + omp_get_thread_num() * d_;
      const Dim head = item % keyHeads_;
      const Dim window = item / keyHeads_ % windows;
      const Dim batch = item / keyHeads_ / windows;
      const Dim top = window / g_.windowsAcross() * g_.o.strideHeight;
      const Dim left = window % g_.windowsAcross() * g_.o.strideWidth;
      if (mean) std::fill_n(row, d_, 0.0F);
      for (Dim j = 0; j < length; ++j) {
        const Dim y = top + j / g_.o.compressWidth;
        const Dim x = left + j % g_.o.compressWidth;
        const T* const from = src + ((batch * g_.h + y) * g_.w + x) * keyHeads_ * d_ + head * d_;
        if (mean) {
          addScaled(from, 1.0F / static_cast<float>(length), d_, row);
        } else {
          std::copy_n(position_.data() + j * d_, d_, row);
          addScaled(from, 1.0F, d_, row);
          copyRows(row, d_, 1, d_, dst + (item * length + j) * d_, d_);
        }
      }
      if (mean) copyRows(row, d_, 1, d_, dst + item * d_, d_);
    }
  }
  std::string kind() const override {
    return "compress";
  }

 private:
  Dim mb_;
  Dim keyHeads_;
  Dim d_;
  Geometry g_;
  std::vector<float> position_;
  int threads_ = 1;
  Buffers buffers_;
};

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

Geometry checkedGeometry(const std::string& name, const Tensor& tokens, Dim width,
                         const SparseOptions& options) {
  validate(name, options);
  if (tokens.shape.rank() != 3 || width < 1 || tokens.shape.elements() == 0 ||
      tokens.shape[1] % width != 0) {
    throw std::invalid_argument("sparse attention '" + name + "': tokens are " +
                                tokens.shape.toString() + " in rows of " + std::to_string(width));
  }
  return {tokens.shape[1] / width, width, options};
}

}  // namespace

Dim sparseWindows(Dim height, Dim width, const SparseOptions& options) {
  validate("windows", options);
  return Geometry{height, width, options}.windows();
}

Tensor sparseCompress(GraphBuilder& graph, const Tensor& src, const std::string& scope, Dim width,
                      const SparseOptions& options) {
  const Geometry g = checkedGeometry(scope, src, width, options);
  const Dim keyHeads = options.keyHeads;
  if (g.windows() == 0 || src.shape[2] % keyHeads != 0 || src.type != graph.activationType()) {
    throw std::invalid_argument("sparse attention '" + scope + "': " + src.shape.toString() + " " +
                                toString(src.type) + " in rows of " + std::to_string(width) +
                                " holds no window of " + std::to_string(options.compressWidth) +
                                "x" + std::to_string(options.compressHeight));
  }
  const Dim mb = src.shape[0];
  const Dim d = src.shape[2] / keyHeads;
  const Dim length = options.compressHeight * options.compressWidth;
  const bool mlp = options.compression == SparseCompression::Mlp;
  std::vector<float> position;
  if (mlp) position = graph.weight(scope + ".position", {length, d});
  std::unique_ptr<Operator> op;
  if (src.type == DataType::BF16) {
    op = std::make_unique<CompressionWindows<BFloat16>>(mb, keyHeads, d, g, std::move(position));
  } else {
    op = std::make_unique<CompressionWindows<float>>(mb, keyHeads, d, g, std::move(position));
  }
  const Shape result{mb, g.windows(), keyHeads * d};
  if (!mlp) return graph.add(scope + ".mean", std::move(op), {src}, result, src.type);
  const Tensor windows = graph.add(scope + ".windows", std::move(op), {src},
                                   {mb, g.windows() * keyHeads, length * d}, src.type);
  const Tensor hidden = linear(graph, windows, scope + ".hidden",
                               {.outputChannels = 2 * d, .activation = Activation::GeluErf});
  return graph.reshape(linear(graph, hidden, scope + ".out", {.outputChannels = d}), result);
}

SparseResult sparseCore(GraphBuilder& graph, const std::string& name, const SparseInputs& in,
                        Dim width, const SparseOptions& options) {
  const Geometry g = checkedGeometry(name, in.q, width, options);
  const Dim mb = in.q.shape[0];
  const Dim n = in.q.shape[1];
  const Dim c = in.q.shape[2];
  const DataType type = graph.activationType();
  const auto require = [&](const char* label, const Tensor& t, const Shape& shape,
                           DataType wanted) {
    if (t.shape == shape && t.type == wanted) return;
    throw std::invalid_argument("sparse attention '" + name + "': " + label + " is " +
                                t.shape.toString() + " " + toString(t.type) + ", expected " +
                                shape.toString() + " " + toString(wanted));
  };
  if (c % options.heads != 0) {
    throw std::invalid_argument("sparse attention '" + name + "': " + std::to_string(c) +
                                " channels in " + std::to_string(options.heads) + " heads");
  }
  if (options.selected > g.tiles()) {
    throw std::invalid_argument("sparse attention '" + name +
                                "': " + std::to_string(options.selected) + " of " +
                                std::to_string(g.tiles()) + " blocks are selected");
  }
  const Dim d = c / options.heads;
  const Shape keys{mb, n, options.keyHeads * d};
  const Shape compressed{mb, g.windows(), options.keyHeads * d};
  require("q", in.q, {mb, n, c}, type);
  require("rotated q", in.rotated, {mb, n, c}, type);
  require("compressed keys", in.compressedKeys, compressed, type);
  require("compressed values", in.compressedValues, compressed, type);
  require("selection keys", in.selectionKeys, keys, type);
  require("selection values", in.selectionValues, keys, type);
  require("window keys", in.windowKeys, keys, type);
  require("window values", in.windowValues, keys, type);
  require("gates", in.gates, {mb, n, 3 * options.heads}, DataType::F32);
  const Sizes sizes{mb, options.keyHeads, options.heads / options.keyHeads, d};
  std::unique_ptr<Operator> op;
  if (type == DataType::BF16) {
    op = std::make_unique<SparseCore<BFloat16>>(sizes, g);
  } else {
    op = std::make_unique<SparseCore<float>>(sizes, g);
  }
  const Dim places = options.perQuery ? n : g.tiles();
  const auto outputs = graph.add(
      name, std::move(op),
      {in.q, in.rotated, in.compressedKeys, in.compressedValues, in.selectionKeys,
       in.selectionValues, in.windowKeys, in.windowValues, in.gates},
      {{in.q.shape, type}, {Shape{mb, options.keyHeads, places, options.selected}, DataType::S32}});
  return {outputs[0], outputs[1]};
}

SparseResult sparseAttention(GraphBuilder& graph, const Tensor& src, const std::string& scope,
                             const SparseOptions& options) {
  validate(scope, options);
  if (src.shape.rank() != 4 || src.shape[3] % options.heads != 0) {
    throw std::invalid_argument("sparse attention '" + scope + "': src is " + src.shape.toString() +
                                " in " + std::to_string(options.heads) + " heads");
  }
  const Dim width = src.shape[2];
  const Dim c = src.shape[3];
  const Dim keyChannels = c / options.heads * options.keyHeads;
  const Tensor tokens = graph.reshape(src, {src.shape[0], src.shape[1] * width, c});
  const auto project = [&](const std::string& name) {
    return linear(graph, tokens, scope + name, {.outputChannels = keyChannels});
  };
  const auto rotate = [&](const Tensor& t, const std::string& name, Dim heads) {
    return partialRope(graph, t, scope + name,
                       {.heads = heads, .rotated = options.rotated, .width = width});
  };
  SparseInputs in;
  in.q = linear(graph, tokens, scope + ".q", {.outputChannels = c});
  in.rotated = options.rotated > 0 ? rotate(in.q, ".q", options.heads) : in.q;
  in.compressedKeys =
      sparseCompress(graph, project(".k_compressed"), scope + ".compress_k", width, options);
  in.compressedValues =
      sparseCompress(graph, project(".v_compressed"), scope + ".compress_v", width, options);
  in.selectionKeys = rotate(project(".k_selected"), ".k_selected", options.keyHeads);
  in.selectionValues = project(".v_selected");
  in.windowKeys = rotate(project(".k_window"), ".k_window", options.keyHeads);
  in.windowValues = project(".v_window");
  in.gates = linear(graph, tokens, scope + ".gate",
                    {.outputChannels = 3 * options.heads,
                     .activation = Activation::Logistic,
                     .outputType = DataType::F32});
  const SparseResult core = sparseCore(graph, scope + ".core", in, width, options);
  const Tensor projected = linear(graph, core.dst, scope + ".projection", {.outputChannels = c});
  return {graph.reshape(projected, src.shape), core.selection};
}

}  // namespace va
