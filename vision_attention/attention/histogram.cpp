#include "vision_attention/attention/histogram.h"

#include <omp.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <stdexcept>

#include "vision_attention/attention/dynamic_range_conv.h"
#include "vision_attention/bfloat16.h"
#include "vision_attention/multiversion.h"
#include "vision_attention/ops/conv.h"
#include "vision_attention/ops/depth_to_space.h"
#include "vision_attention/ops/elementwise.h"
#include "vision_attention/ops/sort.h"
#include "vision_attention/ops/thread_matmul.h"
#include "vision_attention/ops/vector_math.h"

namespace va {

namespace {

constexpr float kNormEpsilon = 1e-12F;
/// Logits are cosines times the temperature: up to here e^logit needs no maximum subtracted and is
/// within the reach of boundedExponential().
constexpr float kLargestTemperature = 60.0F;

struct Sizes {
  Dim mb = 0;
  Dim positions = 0;
  Dim c = 0;
  Dim heads = 0;
  Dim bins = 0;

  Dim d() const { return c / heads; }
  /// Features of a token: ranks per bin, the last bin padded with zeros.
  Dim length() const { return (positions + bins - 1) / bins; }
  Dim padded() const { return length() * bins; }
  Dim tokens() const { return d() * bins; }
};

template <typename T>
VA_INLINE void inverseNorms(const T* tokens, Dim count, Dim length, float factor, float* norms) {
  for (Dim t = 0; t < count; ++t, tokens += length) {
    float squares = 0;
#pragma omp simd reduction(+ : squares)
    for (Dim i = 0; i < length; ++i) {
      const float value = static_cast<float>(tokens[i]);
      squares += value * value;
    }
    norms[t] = factor / std::sqrt(squares + kNormEpsilon);
  }
}

VA_MULTIVERSION void inverseNormsOf(const float* tokens, Dim count, Dim length, float factor,
                                    float* norms) {
  inverseNorms(tokens, count, length, factor, norms);
}
VA_MULTIVERSION void inverseNormsOf(const BFloat16* tokens, Dim count, Dim length, float factor,
                                    float* norms) {
  inverseNorms(tokens, count, length, factor, norms);
}

/// Turns scores q k^T into e^(cosine * temperature) and writes per row the factor that makes them
/// softmax_1. rows hold temperature / |q|, columns 1 / |k|.
template <typename T>
VA_INLINE void softmaxPlusOne(const float* scores, const float* rows, const float* columns,
                              Dim count, T* dst, float* factors) {
  for (Dim i = 0; i < count; ++i, scores += count, dst += count) {
    const float row = rows[i];
    float sum = 1.0F;
#pragma omp simd reduction(+ : sum)
    for (Dim j = 0; j < count; ++j) {
      const float value = boundedExponential(scores[j] * row * columns[j]);
      store(dst + j, value);
      sum += value;
    }
    factors[i] = 1.0F / sum;
  }
}

VA_MULTIVERSION void softmaxPlusOneTo(const float* scores, const float* rows, const float* columns,
                                      Dim count, float* dst, float* factors) {
  softmaxPlusOne(scores, rows, columns, count, dst, factors);
}
VA_MULTIVERSION void softmaxPlusOneTo(const float* scores, const float* rows, const float* columns,
                                      Dim count, BFloat16* dst, float* factors) {
  softmaxPlusOne(scores, rows, columns, count, dst, factors);
}

template <typename T>
VA_INLINE void narrow(const float* src, Dim count, T* dst) {
  for (Dim i = 0; i < count; ++i) store(dst + i, src[i]);
}

VA_MULTIVERSION void narrowTo(const float* src, Dim count, float* dst) {
  narrow(src, count, dst);
}
VA_MULTIVERSION void narrowTo(const float* src, Dim count, BFloat16* dst) {
  narrow(src, count, dst);
}

/// ranks [length, bins] -> tokens [bins, length]: token f takes every bins-th rank from f.
template <typename T>
void frequencyTokens(const T* ranks, Dim length, Dim bins, T* tokens) {
  for (Dim r = 0; r < length; ++r) {
    for (Dim f = 0; f < bins; ++f) tokens[f * length + r] = ranks[r * bins + f];
  }
}

/// The product of both branches of one channel in the order of ranks.
VA_MULTIVERSION void multiplyBranches(const float* byBin, const float* binFactors,
                                      const float* byFrequency, const float* frequencyFactors,
                                      Dim length, Dim bins, float* product) {
  for (Dim r = 0; r < length; ++r) {
    for (Dim f = 0; f < bins; ++f) {
      product[r * bins + f] = byFrequency[f * length + r] * frequencyFactors[f];
    }
  }
  for (Dim b = 0; b < bins; ++b) {
    for (Dim r = b * length; r < (b + 1) * length; ++r) product[r] *= byBin[r] * binFactors[b];
  }
}

template <typename T>
class HistogramCore final : public Operator {
 public:
  HistogramCore(Sizes sizes, std::vector<float> temperature, DataType type)
      : sizes_(sizes),
        temperature_(std::move(temperature)),
        scores_({.m = sizes.tokens(),
                 .n = sizes.tokens(),
                 .k = sizes.length(),
                 .transposeB = true,
                 .type = type}),
        values_({.m = sizes.tokens(), .n = sizes.length(), .k = sizes.tokens(), .type = type}) {
    for (float& value : temperature_) {
      value = std::clamp(value, -kLargestTemperature, kLargestTemperature);
    }
  }

  void prepare(const Engine& engine, bool /*inPlace*/) override {
    threads_ = engine.threads();
    scores_.prepare(engine);
    values_.prepare(engine);
    layOut();
  }

  std::size_t scratchBytes() const override {
    return static_cast<std::size_t>(threads_) * threadBytes_;
  }

  void bind(const Engine& engine, const Buffers& buffers) override {
    buffers_ = buffers;
    for (int t = 0; t < threads_; ++t) {
      const Scratch s = scratchOf(t);
      scores_.bind(engine, t, s.q, s.k, s.scores, s.matmul);
      // Both branches write their weights to `weights`; only the values differ.
      values_.bind(engine, t, s.weights, s.v, s.out, s.matmul);
    }
  }

  void run(const Engine& /*engine*/) override {
    const Dim items = sizes_.mb * sizes_.heads;
#pragma omp parallel for schedule(static) num_threads(threads_)
    for (Dim item = 0; item < items; ++item) {
      attend(item / sizes_.heads, item % sizes_.heads, omp_get_thread_num());
    }
  }

  std::string kind() const override {
    return "histogram";
  }
  std::string implementation() const override {
    return scores_.implementation() + "; " + values_.implementation();
  }
  std::uint64_t macs() const override {
    return static_cast<std::uint64_t>(sizes_.mb * sizes_.heads) * 2 *
           (scores_.macs() + values_.macs());
  }

 private:
  /// What one head of one window needs; small enough for a second-level cache.
  struct Scratch {
    std::int32_t* order;  ///< [d, positions]
    T* q;                 ///< [tokens, length]
    T* k;
    T* v;
    T* ranks;          ///< [padded]: one channel in the order of ranks
    float* sorted;     ///< [padded]
    float* scores;     ///< [tokens, tokens]
    T* weights;        ///< [tokens, tokens]
    float* out;        ///< [tokens, length], what the second product gives
    float* binOut;     ///< [tokens, length], kept from the first branch
    float* rows;       ///< [tokens]
    float* columns;    ///< [tokens]
    float* binFactor;  ///< [tokens]
    float* factor;     ///< [tokens]
    std::byte* keys;
    std::byte* matmul;
  };

  template <typename U>
  std::size_t reserve(Dim count) {
    const std::size_t at = threadBytes_;
    threadBytes_ += (static_cast<std::size_t>(count) * sizeof(U) + 63) / 64 * 64;
    return at;
  }

  void layOut() {
    const Dim tokens = sizes_.tokens();
    const Dim all = tokens * sizes_.length();
    threadBytes_ = 0;
    offsets_ = {reserve<std::int32_t>(sizes_.d() * sizes_.positions),
                reserve<T>(all),
                reserve<T>(all),
                reserve<T>(all),
                reserve<T>(sizes_.padded()),
                reserve<float>(sizes_.padded()),
                reserve<float>(tokens * tokens),
                reserve<T>(tokens * tokens),
                reserve<float>(all),
                reserve<float>(all),
                reserve<float>(tokens),
                reserve<float>(tokens),
                reserve<float>(tokens),
                reserve<float>(tokens),
                reserve<std::byte>(static_cast<Dim>(argsortScratchBytes(sizes_.positions))),
                reserve<std::byte>(
                    static_cast<Dim>(std::max(scores_.scratchBytes(), values_.scratchBytes())))};
  }

  Scratch scratchOf(int thread) const {
    std::byte* const base = buffers_.scratch + static_cast<std::size_t>(thread) * threadBytes_;
    std::size_t i = 0;
    const auto next = [&] { return base + offsets_[i++]; };
    Scratch s;
    s.order = reinterpret_cast<std::int32_t*>(next());
    s.q = reinterpret_cast<T*>(next());
    s.k = reinterpret_cast<T*>(next());
    s.v = reinterpret_cast<T*>(next());
    s.ranks = reinterpret_cast<T*>(next());
    s.sorted = reinterpret_cast<float*>(next());
    s.scores = reinterpret_cast<float*>(next());
    s.weights = reinterpret_cast<T*>(next());
    s.out = reinterpret_cast<float*>(next());
    s.binOut = reinterpret_cast<float*>(next());
    s.rows = reinterpret_cast<float*>(next());
    s.columns = reinterpret_cast<float*>(next());
    s.binFactor = reinterpret_cast<float*>(next());
    s.factor = reinterpret_cast<float*>(next());
    s.keys = next();
    s.matmul = next();
    return s;
  }

  /// Tokens of one of q1, k1, q2, k2: src points at the head's first channel.
  void gather(const Scratch& s, const T* src, bool byFrequency, T* tokens) const {
    const Dim n = sizes_.positions;
    const Dim stride = 4 * sizes_.c;
    const Dim padded = sizes_.padded();
    for (Dim c = 0; c < sizes_.d(); ++c) {
      const std::int32_t* const order = s.order + c * n;
      T* const ranks = byFrequency ? s.ranks : tokens + c * padded;
      for (Dim r = 0; r < n; ++r) ranks[r] = src[order[r] * stride + c];
      std::fill(ranks + n, ranks + padded, T());
      if (byFrequency) frequencyTokens(ranks, sizes_.length(), sizes_.bins, tokens + c * padded);
    }
  }

  void gatherValues(const Scratch& s, const float* src, bool byFrequency) const {
    const Dim n = sizes_.positions;
    const Dim padded = sizes_.padded();
    std::fill(s.sorted + n, s.sorted + padded, 0.0F);
    for (Dim c = 0; c < sizes_.d(); ++c) {
      const std::int32_t* const order = s.order + c * n;
      for (Dim r = 0; r < n; ++r) s.sorted[r] = src[order[r] * sizes_.c + c];
      T* const tokens = s.v + c * padded;
      narrowTo(s.sorted, padded, byFrequency ? s.ranks : tokens);
      if (byFrequency) frequencyTokens(s.ranks, sizes_.length(), sizes_.bins, tokens);
    }
  }

  void branch(const Scratch& s, const T* q, const float* v, float temperature, bool byFrequency,
              int thread, float* factors) {
    const Dim tokens = sizes_.tokens();
    gather(s, q, byFrequency, s.q);
    gather(s, q + sizes_.c, byFrequency, s.k);
    gatherValues(s, v, byFrequency);
    inverseNormsOf(s.q, tokens, sizes_.length(), temperature, s.rows);
    inverseNormsOf(s.k, tokens, sizes_.length(), 1.0F, s.columns);
    scores_.run(thread);
    softmaxPlusOneTo(s.scores, s.rows, s.columns, tokens, s.weights, factors);
    values_.run(thread);
  }

  void attend(Dim window, Dim head, int thread) {
    const Sizes& z = sizes_;
    const Scratch s = scratchOf(thread);
    const Dim first = head * z.d();
    const T* const q =
        reinterpret_cast<const T*>(buffers_.src[0]) + window * z.positions * 4 * z.c + first;
    const float* const v =
        reinterpret_cast<const float*>(buffers_.src[1]) + window * z.positions * z.c + first;
    T* const dst = reinterpret_cast<T*>(buffers_.dst[0]) + window * z.positions * z.c + first;
    const float temperature = temperature_[static_cast<std::size_t>(head)];

    argsort(v, z.c, z.positions, z.d(), {s.order, 1, z.positions}, s.keys);
    branch(s, q, v, temperature, false, thread, s.binFactor);
    std::copy(s.out, s.out + z.tokens() * z.length(), s.binOut);
    branch(s, q + 2 * z.c, v, temperature, true, thread, s.factor);
    for (Dim c = 0; c < z.d(); ++c) {
      const std::int32_t* const order = s.order + c * z.positions;
      multiplyBranches(s.binOut + c * z.padded(), s.binFactor + c * z.bins, s.out + c * z.padded(),
                       s.factor + c * z.bins, z.length(), z.bins, s.sorted);
      narrowTo(s.sorted, z.padded(), s.ranks);
      for (Dim r = 0; r < z.positions; ++r) dst[order[r] * z.c + c] = s.ranks[r];
    }
  }

  Sizes sizes_;
  std::vector<float> temperature_;
  ThreadMatmul scores_;
  ThreadMatmul values_;
  int threads_ = 1;
  std::size_t threadBytes_ = 0;
  std::vector<std::size_t> offsets_;
  Buffers buffers_;
};

/// Rows [from, from + count) of a weight seen as [rows, row].
std::vector<float> rowsOf(const std::vector<float>& weights, Dim row, Dim from, Dim count) {
  return {weights.begin() + from * row, weights.begin() + (from + count) * row};
}

/// mish(gate) * value on [mb, 2h, 2w, c], gathered to [mb, h, w, 4c] (inverse of depthToSpace).
template <typename T>
VA_INLINE void gate(const T* gates, const T* values, Dim count, T* dst) {
  for (Dim i = 0; i < count; ++i) {
    store(dst + i, mish(static_cast<float>(gates[i])) * static_cast<float>(values[i]));
  }
}

VA_MULTIVERSION void gateRun(const float* gates, const float* values, Dim count, float* dst) {
  gate(gates, values, count, dst);
}
VA_MULTIVERSION void gateRun(const BFloat16* gates, const BFloat16* values, Dim count,
                             BFloat16* dst) {
  gate(gates, values, count, dst);
}

class MishGate final : public Operator {
 public:
  MishGate(Dim rows, Dim width, Dim channels, DataType type)
      : rows_(rows), width_(width), channels_(channels), type_(type) {}

  void prepare(const Engine& /*engine*/, bool /*inPlace*/) override {}
  void bind(const Engine& /*engine*/, const Buffers& buffers) override { buffers_ = buffers; }
  void run(const Engine& /*engine*/) override {
    type_ == DataType::F32 ? runAs<float>() : runAs<BFloat16>();
  }
  std::string kind() const override { return "mish_gate"; }

 private:
  template <typename T>
  void runAs() {
    const T* const gates = reinterpret_cast<const T*>(buffers_.src[0]);
    const T* const values = reinterpret_cast<const T*>(buffers_.src[1]);
    T* const dst = reinterpret_cast<T*>(buffers_.dst[0]);
    const Dim pair = 2 * channels_;
#pragma omp parallel for schedule(static)
    for (Dim row = 0; row < rows_; ++row) {
      for (Dim dy = 0; dy < 2; ++dy) {
        for (Dim x = 0; x < width_; ++x) {
          const Dim from = ((row * 2 + dy) * width_ + x) * pair;
          gateRun(gates + from, values + from, pair, dst + ((row * width_ + x) * 2 + dy) * pair);
        }
      }
    }
  }

  Dim rows_;
  Dim width_;
  Dim channels_;
  DataType type_;
  Buffers buffers_;
};

/// One half of the feed-forward's hidden channels at twice the resolution, filtered.
Tensor scaleBranch(GraphBuilder& graph, const Tensor& src, const std::string& scope, Dim half,
                   Dim quarter, const ConvOptions& filter, const std::string& filterName) {
  const Dim c = src.shape[3];
  const auto& expand = graph.weight(scope + ".expand.weight", {8 * quarter, c, 1, 1});
  // The file's pixel shuffle reads channel 4 i + 2 dy + dx, depthToSpace (2 dy + dx) quarter + i.
  std::vector<float> weights;
  weights.reserve(static_cast<std::size_t>(4 * quarter * c));
  for (Dim offset = 0; offset < 4; ++offset) {
    for (Dim i = 0; i < quarter; ++i) {
      const auto row = rowsOf(expand, c, 4 * (half * quarter + i) + offset, 1);
      weights.insert(weights.end(), row.begin(), row.end());
    }
  }
  const std::string name = scope + ".expand." + std::to_string(half);
  const Tensor packed =
      conv(graph, src, name, {.outputChannels = 4 * quarter, .kernel = 1, .bias = false},
           std::move(weights), {});
  const Tensor shuffled = depthToSpace(graph, name + ".shuffle", packed, 2);
  return conv(graph, shuffled, scope + filterName, filter);
}

}  // namespace

Tensor histogramCore(GraphBuilder& graph, const Tensor& qk, const Tensor& v,
                     const std::string& scope, const HistogramOptions& options) {
  const auto fail = [&](const std::string& what) {
    throw std::invalid_argument("histogram attention '" + scope + "': " + what);
  };
  if (v.shape.rank() != 4 || v.type != DataType::F32 ||
      qk.shape != Shape{v.shape[0], v.shape[1], v.shape[2], 4 * v.shape[3]} ||
      qk.type != graph.activationType()) {
    fail("q and k are " + qk.shape.toString() + " " + toString(qk.type) + ", v is " +
         v.shape.toString() + " " + toString(v.type));
  }
  const Dim c = v.shape[3];
  const Dim positions = v.shape[1] * v.shape[2];
  if (c < 1 || options.heads < 1 || c % options.heads != 0) {
    fail(std::to_string(c) + " channels in " + std::to_string(options.heads) + " heads");
  }
  if (positions < 1 || options.bins < 1 || options.bins > positions ||
      positions > std::numeric_limits<std::int32_t>::max() / (4 * c)) {
    fail(std::to_string(options.bins) + " bins of " + std::to_string(positions) + " positions");
  }
  const Sizes sizes{v.shape[0], positions, c, options.heads, options.bins};
  (void)Shape{sizes.tokens(), sizes.tokens()}.elements();  // throws if the scores overflow
  const auto& temperature = graph.weight(scope + ".temperature", {options.heads});
  std::unique_ptr<Operator> core;
  if (qk.type == DataType::BF16) {
    core = std::make_unique<HistogramCore<BFloat16>>(sizes, temperature, qk.type);
  } else {
    core = std::make_unique<HistogramCore<float>>(sizes, temperature, qk.type);
  }
  return graph.add(scope + ".core", std::move(core), {qk, v}, v.shape, qk.type);
}

Tensor histogramAttention(GraphBuilder& graph, const Tensor& src, const std::string& scope,
                          const HistogramOptions& options) {
  if (src.shape.rank() != 4) {
    throw std::invalid_argument("histogram attention '" + scope + "': src is " +
                                src.shape.toString() + ", expected [mb, h, w, c]");
  }
  const Dim c = src.shape[3];
  SortedMap sorted;
  if (options.dynamicRange) {
    sorted = dynamicRangeSort(graph, scope + ".sort", src, {.channels = c / 2});
  } else {
    sorted.map = convert(graph, scope + ".convert", src, graph.activationType());
  }
  // v decides the order, so it leaves its convolution in f32; q and k need not.
  const auto& pointwise = graph.weight(scope + ".qkv.weight", {5 * c, c, 1, 1});
  const auto& depthwise = graph.weight(scope + ".qkv_depthwise.weight", {5 * c, 1, 3, 3});
  const auto project = [&](const std::string& part, Dim from, Dim channels, DataType type) {
    const Tensor mixed = conv(graph, sorted.map, scope + ".qkv." + part,
                              {.outputChannels = channels, .kernel = 1, .bias = false},
                              rowsOf(pointwise, c, from, channels), {});
    return conv(graph, mixed, scope + ".qkv_depthwise." + part,
                {.outputChannels = channels, .groups = channels, .bias = false, .outputType = type},
                rowsOf(depthwise, 9, from, channels), {});
  };
  const Tensor qk = project("qk", 0, 4 * c, graph.activationType());
  const Tensor v = project("v", 4 * c, c, DataType::F32);
  const Tensor attended = histogramCore(graph, qk, v, scope, options);
  Tensor out = conv(graph, attended, scope + ".projection",
                    {.outputChannels = c, .kernel = 1, .bias = false});
  if (!options.dynamicRange) return out;
  return dynamicRangeUnsort(graph, scope + ".unsort", out, sorted.origin);
}

Tensor dualScaleGatedFeedForward(GraphBuilder& graph, const Tensor& src, const std::string& scope,
                                 const Tensor& residual) {
  if (src.shape.rank() != 4) {
    throw std::invalid_argument("feed-forward '" + scope + "': src is " + src.shape.toString() +
                                ", expected [mb, h, w, c]");
  }
  const Dim c = src.shape[3];
  const Dim quarter = static_cast<Dim>(std::nearbyint(static_cast<double>(c) * 2.667 / 4.0));
  const Tensor values = scaleBranch(
      graph, src, scope, 0, quarter,
      {.outputChannels = quarter, .kernel = 5, .groups = quarter, .bias = false}, ".depthwise5");
  const Tensor gates = scaleBranch(
      graph, src, scope, 1, quarter,
      {.outputChannels = quarter, .dilation = 2, .groups = quarter, .bias = false}, ".depthwise3");
  const Dim mb = src.shape[0];
  const Dim h = src.shape[1];
  const Dim w = src.shape[2];
  const Tensor gated =
      graph.add(scope + ".gate", std::make_unique<MishGate>(mb * h, w, quarter, gates.type),
                {gates, values}, {mb, h, w, 4 * quarter}, gates.type);
  // The inverse of the channel order above.
  const auto& reduce = graph.weight(scope + ".reduce.weight", {c, 4 * quarter, 1, 1});
  std::vector<float> weights(reduce.size());
  for (Dim oc = 0; oc < c; ++oc) {
    for (Dim ic = 0; ic < 4 * quarter; ++ic) {
      weights[static_cast<std::size_t>(oc * 4 * quarter + ic)] =
          reduce[static_cast<std::size_t>(oc * 4 * quarter + 4 * (ic % quarter) + ic / quarter)];
    }
  }
  return conv(graph, gated, scope + ".reduce",
              {.outputChannels = c, .kernel = 1, .bias = false, .residual = residual},
              std::move(weights), {});
}

}  // namespace va
