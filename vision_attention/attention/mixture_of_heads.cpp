#include "vision_attention/attention/mixture_of_heads.h"

#include <omp.h>

#include <algorithm>
#include <cmath>
#include <span>
#include <stdexcept>

#include "vision_attention/ops/attention_tiles.h"
#include "vision_attention/ops/conv.h"
#include "vision_attention/ops/elementwise.h"
#include "vision_attention/ops/scratch_layout.h"
#include "vision_attention/ops/token_rows.h"
#include "vision_attention/ops/top_k.h"

namespace va {

namespace {

constexpr Dim kQueryTile = 256;
constexpr Dim kKeyTile = 256;

void softmaxRow(const float* src, Dim count, float* dst) {
  const float top = *std::max_element(src, src + count);
  float sum = 0.0F;
  for (Dim i = 0; i < count; ++i) {
    dst[i] = std::exp(src[i] - top);
    sum += dst[i];
  }
  for (Dim i = 0; i < count; ++i) dst[i] /= sum;
}

/// Router logits to gates; sources: group (or none), shared (or none), routed (or none).
class HeadGates final : public Operator {
 public:
  HeadGates(Dim mb, Dim n, MixtureOfHeadsOptions options) : mb_(mb), n_(n), options_(options) {
    routed_ = options.heads - options.shared;
    if (options.routing == HeadRouting::Tile) {
      across_ = (options.width + options.tile - 1) / options.tile;
      const Dim height = n / options.width;
      tiles_ = across_ * ((height + options.tile - 1) / options.tile);
    } else {
      tiles_ = n;
    }
  }

  void prepare(const Engine& engine, bool /*inPlace*/) override {
    threads_ = engine.threads();
    ScratchLayout layout;
    probabilities_ = layout.reserve<float>(routed_);
    mean_ = layout.reserve<float>(routed_);
    order_ = layout.reserve<std::int32_t>(routed_);
    chosen_ = layout.reserve<std::int32_t>(options_.active);
    threadBytes_ = layout.bytes();
  }
  std::size_t scratchBytes() const override {
    return static_cast<std::size_t>(threads_) * threadBytes_;
  }
  void bind(const Engine& /*engine*/, const Buffers& buffers) override { buffers_ = buffers; }

  void run(const Engine& /*engine*/) override {
#pragma omp parallel for schedule(static) num_threads(threads_)
    for (Dim item = 0; item < mb_ * tiles_; ++item) {
      gateTile(item / tiles_, item % tiles_, omp_get_thread_num());
    }
  }

  std::string kind() const override {
    return "router";
  }

 private:
  const float* source(std::size_t i) const {
    return reinterpret_cast<const float*>(buffers_.src[i]);
  }

  /// Calls use(token) for every token of a tile.
  template <typename Use>
  void forTokens(Dim tile, Use use) const {
    if (options_.routing == HeadRouting::Token) return use(tile);
    const Dim height = n_ / options_.width;
    const Dim top = tile / across_ * options_.tile;
    const Dim left = tile % across_ * options_.tile;
    for (Dim y = top; y < std::min(top + options_.tile, height); ++y) {
      for (Dim x = left; x < std::min(left + options_.tile, options_.width); ++x) {
        use(y * options_.width + x);
      }
    }
  }

  template <typename U>
  std::span<U> own(int thread, std::size_t offset, Dim count) const {
    return {reinterpret_cast<U*>(buffers_.scratch +
                                 static_cast<std::size_t>(thread) * threadBytes_ + offset),
            static_cast<std::size_t>(count)};
  }

  void gateTile(Dim batch, Dim tile, int thread) const {
    const Dim shared = options_.shared;
    const bool grouped = shared > 0 && routed_ > 0;
    const float* const groups = grouped ? source(0) : nullptr;
    const float* const sharedLogits = shared > 0 ? source(grouped ? 1 : 0) : nullptr;
    const float* const routedLogits = routed_ > 0 ? source(grouped ? 2 : 0) : nullptr;
    float* const routedPart = own<float>(thread, probabilities_, routed_).data();
    const auto mean = own<float>(thread, mean_, routed_);
    const auto order = own<std::int32_t>(thread, order_, routed_);
    const auto chosen = own<std::int32_t>(thread, chosen_, options_.active);
    if (routed_ > 0) {
      std::ranges::fill(mean, 0.0F);
      forTokens(tile, [&](Dim token) {
        softmaxRow(routedLogits + (batch * n_ + token) * routed_, routed_, routedPart);
        for (Dim i = 0; i < routed_; ++i) mean[static_cast<std::size_t>(i)] += routedPart[i];
      });
      topKRow(mean, TopKOrder::Index, order, chosen);
    }
    forTokens(tile, [&](Dim token) {
      const Dim row = batch * n_ + token;
      float* const gates = reinterpret_cast<float*>(buffers_.dst[0]) + row * options_.heads;
      float share[2] = {1.0F, 1.0F};
      if (grouped) softmaxRow(groups + row * 2, 2, share);
      const bool code = options_.form == GateForm::Code;
      const float factor = code && grouped ? 2.0F : 1.0F;
      std::fill_n(gates, options_.heads, 0.0F);
      if (shared > 0) {
        softmaxRow(sharedLogits + row * shared, shared, gates);
        const float scale = factor * share[0] * (code ? static_cast<float>(shared) : 1.0F);
        for (Dim i = 0; i < shared; ++i) gates[i] *= scale;
      }
      if (routed_ == 0) return;
      softmaxRow(routedLogits + row * routed_, routed_, routedPart);
      float sum = 0.0F;
      for (const std::int32_t head : chosen) sum += routedPart[head];
      // Far from the chosen heads a token of a tile may give them no probability at all.
      const float norm = sum > 0.0F ? static_cast<float>(options_.active) / sum : 0.0F;
      for (const std::int32_t head : chosen) {
        gates[shared + head] = factor * share[1] * routedPart[head] * (code ? norm : 1.0F);
      }
    });
  }

  Dim mb_;
  Dim n_;
  MixtureOfHeadsOptions options_;
  Dim routed_ = 0;
  Dim across_ = 0;
  Dim tiles_ = 0;
  std::size_t probabilities_ = 0;
  std::size_t mean_ = 0;
  std::size_t order_ = 0;
  std::size_t chosen_ = 0;
  std::size_t threadBytes_ = 0;
  int threads_ = 1;
  Buffers buffers_;
};

struct Sizes {
  Dim mb = 0;
  Dim n = 0;
  Dim heads = 0;
  Dim d = 0;
  Dim active = 0;
};

template <typename T>
class MixtureCore final : public Operator {
 public:
  explicit MixtureCore(Sizes sizes)
      : sizes_(sizes),
        tiles_({.queries = std::min(sizes.n, kQueryTile),
                .keys = evenTile(sizes.n, kKeyTile),
                .keySize = sizes.d,
                .valueSize = sizes.d}) {}

  void prepare(const Engine& engine, bool /*inPlace*/) override {
    threads_ = engine.threads();
    tiles_.prepare(engine);
    listBytes_ =
        (static_cast<std::size_t>(sizes_.mb * sizes_.heads * (sizes_.n + 1)) * 4 + 63) / 64 * 64;
  }

  std::size_t scratchBytes() const override { return listBytes_ + tiles_.scratchBytes(); }

  void bind(const Engine& engine, const Buffers& buffers) override {
    buffers_ = buffers;
    tiles_.bind(engine, buffers.scratch + listBytes_);
  }

  void run(const Engine& /*engine*/) override {
    const Dim groups = sizes_.mb * sizes_.heads;
#pragma omp parallel for schedule(static) num_threads(threads_)
    for (Dim group = 0; group < groups; ++group) list(group);
    tiles_.forTiles(groups, sizes_.n, [this](Dim group, Dim first, Dim rows, int thread) {
      const Dim chosen = listOf(group)[0];
      if (first < chosen) attend(group, first, std::min(rows, chosen - first), thread);
    });
  }

  std::string kind() const override {
    return "attention";
  }
  std::string implementation() const override {
    return tiles_.implementation();
  }
  std::uint64_t macs() const override {
    return static_cast<std::uint64_t>(2 * sizes_.mb * sizes_.active * sizes_.n * sizes_.n *
                                      sizes_.d);
  }

 private:
  /// [n + 1]: how many tokens use the head, then which.
  std::int32_t* listOf(Dim group) const {
    return reinterpret_cast<std::int32_t*>(buffers_.scratch) + group * (sizes_.n + 1);
  }
  const float* gatesOf(Dim group) const {
    return reinterpret_cast<const float*>(buffers_.src[3]) +
           group / sizes_.heads * sizes_.n * sizes_.heads + group % sizes_.heads;
  }
  Dim offsetOf(Dim group) const {
    return group / sizes_.heads * sizes_.n * sizes_.heads * sizes_.d +
           group % sizes_.heads * sizes_.d;
  }

  void list(Dim group) const {
    const Dim stride = sizes_.heads * sizes_.d;
    const float* const gates = gatesOf(group);
    T* const dst = reinterpret_cast<T*>(buffers_.dst[0]) + offsetOf(group);
    std::int32_t* const tokens = listOf(group);
    std::int32_t count = 0;
    for (Dim i = 0; i < sizes_.n; ++i) {
      if (gates[i * sizes_.heads] != 0.0F) {
        tokens[++count] = static_cast<std::int32_t>(i);
      } else {
        std::fill_n(dst + i * stride, sizes_.d, T(0.0F));
      }
    }
    tokens[0] = count;
  }

  void attend(Dim group, Dim firstQuery, Dim rows, int thread) {
    const auto& [mb, n, heads, d, active] = sizes_;
    const Dim stride = heads * d;
    const std::int32_t* const chosen = listOf(group) + 1 + firstQuery;
    const auto source = [&](std::size_t i) {
      return reinterpret_cast<const T*>(buffers_.src[i]) + offsetOf(group);
    };
    for (Dim i = 0; i < rows; ++i) {
      copyRows(source(0) + chosen[i] * stride, stride, 1, d, tiles_.queries(thread) + i * d, d);
    }
    const float* const out = tiles_.attend(thread, rows, {source(1), stride, source(2), stride, n},
                                           {.scale = 1.0F / std::sqrt(static_cast<float>(d))});
    const float* const gates = gatesOf(group);
    T* const dst = reinterpret_cast<T*>(buffers_.dst[0]) + offsetOf(group);
    for (Dim i = 0; i < rows; ++i) {
      const float gate = gates[chosen[i] * heads];
      for (Dim j = 0; j < d; ++j) dst[chosen[i] * stride + j] = T(gate * out[i * d + j]);
    }
  }

  Sizes sizes_;
  AttentionTiles<T> tiles_;
  std::size_t listBytes_ = 0;
  int threads_ = 1;
  Buffers buffers_;
};

}  // namespace

Tensor headGates(GraphBuilder& graph, const Tensor& src, const std::string& scope,
                 const MixtureOfHeadsOptions& options) {
  const Dim routed = options.heads - options.shared;
  if (src.shape.rank() != 3 || options.heads < 1 || options.shared < 0 || routed < 0 ||
      options.active > routed || options.active < (routed > 0 ? 1 : 0)) {
    throw std::invalid_argument("mixture of heads '" + scope + "': src is " + src.shape.toString() +
                                ", " + std::to_string(options.shared) + " shared and " +
                                std::to_string(options.active) + " active of " +
                                std::to_string(options.heads) + " heads");
  }
  const Dim n = src.shape[1];
  if (options.routing == HeadRouting::Tile &&
      (options.width < 1 || options.tile < 1 || n % options.width != 0)) {
    throw std::invalid_argument("mixture of heads '" + scope + "': " + std::to_string(n) +
                                " tokens in rows of " + std::to_string(options.width) +
                                ", tiles of " + std::to_string(options.tile));
  }
  // Rounded router logits would tie, and ties decide which heads are used.
  const Tensor tokens = convert(graph, scope + ".router.convert", src, DataType::F32);
  const auto router = [&](const std::string& name, Dim outputs) {
    return linear(graph, tokens, scope + name,
                  {.outputChannels = outputs, .bias = false, .outputType = DataType::F32});
  };
  std::vector<Tensor> logits;
  if (options.shared > 0 && routed > 0) logits.push_back(router(".router_group", 2));
  if (options.shared > 0) logits.push_back(router(".router_shared", options.shared));
  if (routed > 0) logits.push_back(router(".router_routed", routed));
  return graph.add(scope + ".gates", std::make_unique<HeadGates>(src.shape[0], n, options), logits,
                   {src.shape[0], n, options.heads}, DataType::F32);
}

Tensor mixtureOfHeadsCore(GraphBuilder& graph, const std::string& name, const Tensor& q,
                          const Tensor& k, const Tensor& v, const Tensor& gates, Dim activeHeads) {
  const DataType type = graph.activationType();
  const bool rightTypes =
      q.type == type && k.type == type && v.type == type && gates.type == DataType::F32;
  if (!rightTypes || q.shape.rank() != 3 || k.shape != q.shape || v.shape != q.shape ||
      q.shape.elements() == 0 || gates.shape.rank() != 3 || gates.shape[0] != q.shape[0] ||
      gates.shape[1] != q.shape[1] || gates.shape[2] < 1 || q.shape[2] % gates.shape[2] != 0 ||
      activeHeads < 0 || activeHeads > gates.shape[2]) {
    throw std::invalid_argument("mixture of heads '" + name + "': q is " + q.shape.toString() +
                                ", k is " + k.shape.toString() + ", v is " + v.shape.toString() +
                                ", gates are " + gates.shape.toString() + " " +
                                toString(gates.type));
  }
  const Dim heads = gates.shape[2];
  const Sizes s{q.shape[0], q.shape[1], heads, q.shape[2] / heads, activeHeads};
  std::unique_ptr<Operator> op;
  if (type == DataType::BF16) {
    op = std::make_unique<MixtureCore<BFloat16>>(s);
  } else {
    op = std::make_unique<MixtureCore<float>>(s);
  }
  return graph.add(name, std::move(op), {q, k, v, gates}, q.shape, type);
}

Tensor mixtureOfHeads(GraphBuilder& graph, const Tensor& src, const std::string& scope,
                      const MixtureOfHeadsOptions& options) {
  const Dim c = src.shape[-1];
  const Tensor gates = headGates(graph, src, scope, options);
  const LinearOptions square{.outputChannels = c};
  const Tensor q = linear(graph, src, scope + ".q", square);
  const Tensor k = linear(graph, src, scope + ".k", square);
  const Tensor v = linear(graph, src, scope + ".v", square);
  const Tensor attended =
      mixtureOfHeadsCore(graph, scope + ".core", q, k, v, gates, options.shared + options.active);
  return linear(graph, attended, scope + ".projection", square);
}

}  // namespace va
