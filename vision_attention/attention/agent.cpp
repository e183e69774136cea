#include "vision_attention/attention/agent.h"

#include <omp.h>

#include <algorithm>
#include <cmath>
#include <stdexcept>

#include "vision_attention/bfloat16.h"
#include "vision_attention/multiversion.h"
#include "vision_attention/ops/conv.h"
#include "vision_attention/ops/row_softmax.h"
#include "vision_attention/ops/thread_matmul.h"
#include "vision_attention/ops/vector_math.h"

namespace va {

namespace {

constexpr Dim kBiasSide = 7;  ///< of the learned bias pictures, resized to the window
/// A small file may ask for large windows: 1 GiB of resized biases is more than any network needs.
constexpr Dim kMostBiasValues = Dim{1} << 28;

struct Sizes {
  Dim mb = 0;
  Dim h = 0;
  Dim w = 0;
  Dim c = 0;
  Dim heads = 0;
  Dim side = 0;

  Dim positions() const { return h * w; }
  Dim agents() const { return side * side; }
  Dim d() const { return c / heads; }
};

/// Bilinear resize of a [kBiasSide, kBiasSide] picture, half-pixel centres, edges repeated.
std::vector<float> resizeBias(const float* src, Dim h, Dim w) {
  struct Tap {
    Dim low;
    Dim high;
    float weight;
  };
  const auto taps = [](Dim size) {
    std::vector<Tap> result;
    for (Dim i = 0; i < size; ++i) {
      const double scale = static_cast<double>(kBiasSide) / static_cast<double>(size);
      const double centre = std::max(0.0, (static_cast<double>(i) + 0.5) * scale - 0.5);
      const Dim low = std::min(static_cast<Dim>(centre), kBiasSide - 1);
      result.push_back({low, std::min(low + 1, kBiasSide - 1),
                        static_cast<float>(centre - static_cast<double>(low))});
    }
    return result;
  };
  std::vector<float> dst;
  for (const Tap& y : taps(h)) {
    for (const Tap& x : taps(w)) {
      const auto row = [&](Dim r) {
        const float* const at = src + r * kBiasSide;
        return at[x.low] + x.weight * (at[x.high] - at[x.low]);
      };
      dst.push_back(row(y.low) + y.weight * (row(y.high) - row(y.low)));
    }
  }
  return dst;
}

/// [heads, agents, positions]: what the agents add to their scores of the keys.
std::vector<float> agentBias(GraphBuilder& graph, const std::string& scope, const Sizes& s) {
  const Dim n = s.agents();
  const auto& picture = graph.weight(scope + ".agent_bias", {s.heads, n, kBiasSide, kBiasSide});
  const auto& rows = graph.weight(scope + ".agent_row", {s.heads, n, s.h});
  const auto& columns = graph.weight(scope + ".agent_column", {s.heads, n, s.w});
  std::vector<float> bias;
  bias.reserve(static_cast<std::size_t>(s.heads * n * s.positions()));
  for (Dim i = 0; i < s.heads * n; ++i) {
    const auto resized = resizeBias(picture.data() + i * kBiasSide * kBiasSide, s.h, s.w);
    for (Dim y = 0; y < s.h; ++y) {
      for (Dim x = 0; x < s.w; ++x) {
        bias.push_back(resized[static_cast<std::size_t>(y * s.w + x)] +
                       rows[static_cast<std::size_t>(i * s.h + y)] +
                       columns[static_cast<std::size_t>(i * s.w + x)]);
      }
    }
  }
  return bias;
}

/// [heads, positions, agents]: what the queries add to their scores of the agents.
std::vector<float> queryBias(GraphBuilder& graph, const std::string& scope, const Sizes& s) {
  const Dim n = s.agents();
  const auto& picture = graph.weight(scope + ".query_bias", {s.heads, n, kBiasSide, kBiasSide});
  const auto& rows = graph.weight(scope + ".query_row", {s.heads, s.h, n});
  const auto& columns = graph.weight(scope + ".query_column", {s.heads, s.w, n});
  std::vector<float> bias(static_cast<std::size_t>(s.heads * s.positions() * n));
  for (Dim head = 0; head < s.heads; ++head) {
    for (Dim agent = 0; agent < n; ++agent) {
      const auto resized =
          resizeBias(picture.data() + (head * n + agent) * kBiasSide * kBiasSide, s.h, s.w);
      for (Dim y = 0; y < s.h; ++y) {
        for (Dim x = 0; x < s.w; ++x) {
          const Dim p = y * s.w + x;
          bias[static_cast<std::size_t>((head * s.positions() + p) * n + agent)] =
              resized[static_cast<std::size_t>(p)] +
              rows[static_cast<std::size_t>((head * s.h + y) * n + agent)] +
              columns[static_cast<std::size_t>((head * s.w + x) * n + agent)];
        }
      }
    }
  }
  return bias;
}

template <typename T>
VA_INLINE void scaleRows(const float* src, const float* factors, Dim rows, Dim columns, Dim stride,
                         T* dst) {
  for (Dim i = 0; i < rows; ++i) {
    for (Dim j = 0; j < columns; ++j)
      store(dst + i * stride + j, src[i * columns + j] * factors[i]);
  }
}

VA_MULTIVERSION void scaleRowsTo(const float* src, const float* factors, Dim rows, Dim columns,
                                 Dim stride, float* dst) {
  scaleRows(src, factors, rows, columns, stride, dst);
}
VA_MULTIVERSION void scaleRowsTo(const float* src, const float* factors, Dim rows, Dim columns,
                                 Dim stride, BFloat16* dst) {
  scaleRows(src, factors, rows, columns, stride, dst);
}

/// Copies the channels of one head from rows that are `stride` apart.
template <typename T>
VA_INLINE void packRows(const T* src, Dim rows, Dim stride, Dim columns, T* dst) {
  for (Dim i = 0; i < rows; ++i) {
    for (Dim j = 0; j < columns; ++j) dst[i * columns + j] = src[i * stride + j];
  }
}

VA_MULTIVERSION void packRowsTo(const float* src, Dim rows, Dim stride, Dim columns, float* dst) {
  packRows(src, rows, stride, columns, dst);
}
VA_MULTIVERSION void packRowsTo(const BFloat16* src, Dim rows, Dim stride, Dim columns,
                                BFloat16* dst) {
  packRows(src, rows, stride, columns, dst);
}

template <typename T>
VA_INLINE void addRow(const T* src, Dim count, float* sums) {
  for (Dim i = 0; i < count; ++i) sums[i] += static_cast<float>(src[i]);
}

VA_MULTIVERSION void addRowTo(const float* src, Dim count, float* sums) {
  addRow(src, count, sums);
}
VA_MULTIVERSION void addRowTo(const BFloat16* src, Dim count, float* sums) {
  addRow(src, count, sums);
}

template <typename T>
class AgentCore final : public Operator {
 public:
  AgentCore(Sizes sizes, std::vector<float> agentBias, std::vector<float> queryBias, DataType type)
      : sizes_(sizes),
        scale_(1.0F / std::sqrt(static_cast<float>(sizes.d()))),
        agentBias_(std::move(agentBias)),
        queryBias_(std::move(queryBias)),
        agentScores_({.m = sizes.agents(),
                      .n = sizes.positions(),
                      .k = sizes.d(),
                      .transposeB = true,
                      .type = type}),
        agentValues_({.m = sizes.agents(), .n = sizes.d(), .k = sizes.positions(), .type = type}),
        queryScores_({.m = sizes.positions(),
                      .n = sizes.agents(),
                      .k = sizes.d(),
                      .transposeB = true,
                      .type = type}),
        queryValues_({.m = sizes.positions(), .n = sizes.d(), .k = sizes.agents(), .type = type}) {}

  void prepare(const Engine& engine, bool /*inPlace*/) override {
    threads_ = engine.threads();
    std::size_t matmulBytes = 0;
    for (ThreadMatmul* product : {&agentScores_, &agentValues_, &queryScores_, &queryValues_}) {
      product->prepare(engine);
      matmulBytes = std::max(matmulBytes, product->scratchBytes());
    }
    layOut(matmulBytes);
  }

  std::size_t scratchBytes() const override {
    return static_cast<std::size_t>(threads_) * threadBytes_;
  }

  void bind(const Engine& engine, const Buffers& buffers) override {
    buffers_ = buffers;
    for (int t = 0; t < threads_; ++t) {
      const Scratch s = scratchOf(t);
      agentScores_.bind(engine, t, s.agents, s.k, s.scores, s.matmul);
      agentValues_.bind(engine, t, s.weights, s.v, s.out, s.matmul);
      queryScores_.bind(engine, t, s.q, s.agents, s.scores, s.matmul);
      queryValues_.bind(engine, t, s.weights, s.gathered, s.out, s.matmul);
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
    return "agent";
  }
  std::string implementation() const override {
    return agentScores_.implementation() + "; " + agentValues_.implementation() + "; " +
           queryScores_.implementation() + "; " + queryValues_.implementation();
  }
  std::uint64_t macs() const override {
    return static_cast<std::uint64_t>(sizes_.mb * sizes_.heads) *
           (agentScores_.macs() + agentValues_.macs() + queryScores_.macs() + queryValues_.macs());
  }

 private:
  struct Scratch {
    T* q;            ///< [positions, d]
    T* k;            ///< [positions, d]
    T* v;            ///< [positions, d]
    T* agents;       ///< [agents, d]
    T* gathered;     ///< [agents, d]: what the agents collected from the values
    float* scores;   ///< [agents, positions] or [positions, agents]
    T* weights;      ///< like scores
    float* out;      ///< [positions or agents, d]
    float* factors;  ///< [positions or agents]
    float* pooled;   ///< [d]
    std::byte* matmul;
  };

  template <typename U>
  std::size_t reserve(Dim count) {
    const std::size_t at = threadBytes_;
    threadBytes_ += (static_cast<std::size_t>(count) * sizeof(U) + 63) / 64 * 64;
    return at;
  }

  void layOut(std::size_t matmulBytes) {
    const Dim n = sizes_.positions();
    const Dim a = sizes_.agents();
    const Dim d = sizes_.d();
    threadBytes_ = 0;
    offsets_ = {reserve<T>(n * d),
                reserve<T>(n * d),
                reserve<T>(n * d),
                reserve<T>(a * d),
                reserve<T>(a * d),
                reserve<float>(a * n),
                reserve<T>(a * n),
                reserve<float>(std::max(a, n) * d),
                reserve<float>(std::max(a, n)),
                reserve<float>(d),
                reserve<std::byte>(static_cast<Dim>(matmulBytes))};
  }

  Scratch scratchOf(int thread) const {
    std::byte* const base = buffers_.scratch + static_cast<std::size_t>(thread) * threadBytes_;
    std::size_t i = 0;
    const auto next = [&] { return base + offsets_[i++]; };
    Scratch s;
    s.q = reinterpret_cast<T*>(next());
    s.k = reinterpret_cast<T*>(next());
    s.v = reinterpret_cast<T*>(next());
    s.agents = reinterpret_cast<T*>(next());
    s.gathered = reinterpret_cast<T*>(next());
    s.scores = reinterpret_cast<float*>(next());
    s.weights = reinterpret_cast<T*>(next());
    s.out = reinterpret_cast<float*>(next());
    s.factors = reinterpret_cast<float*>(next());
    s.pooled = reinterpret_cast<float*>(next());
    s.matmul = next();
    return s;
  }

  /// Adaptive average pooling: agent i takes rows floor(i h / side) to ceil((i + 1) h / side) - 1.
  void poolAgents(const Scratch& s) const {
    const Dim d = sizes_.d();
    const Dim side = sizes_.side;
    for (Dim i = 0; i < side; ++i) {
      const Dim top = i * sizes_.h / side;
      const Dim bottom = ((i + 1) * sizes_.h + side - 1) / side;
      for (Dim j = 0; j < side; ++j) {
        const Dim left = j * sizes_.w / side;
        const Dim right = ((j + 1) * sizes_.w + side - 1) / side;
        std::fill(s.pooled, s.pooled + d, 0.0F);
        for (Dim y = top; y < bottom; ++y) {
          for (Dim x = left; x < right; ++x) addRowTo(s.q + (y * sizes_.w + x) * d, d, s.pooled);
        }
        const float factor = 1.0F / static_cast<float>((bottom - top) * (right - left));
        scaleRowsTo(s.pooled, &factor, 1, d, d, s.agents + (i * side + j) * d);
      }
    }
  }

  void softmaxRows(const Scratch& s, const float* bias, Dim rows, Dim columns) const {
    for (Dim i = 0; i < rows; ++i) {
      s.factors[i] = exponentialRow(s.scores + i * columns, bias + i * columns, scale_, false,
                                    columns, s.weights + i * columns);
    }
  }

  void attend(Dim window, Dim head, int thread) {
    const Scratch s = scratchOf(thread);
    const Dim n = sizes_.positions();
    const Dim a = sizes_.agents();
    const Dim c = sizes_.c;
    const Dim d = sizes_.d();
    const Dim first = window * n * c + head * d;
    const auto source = [&](std::size_t i) {
      return reinterpret_cast<const T*>(buffers_.src[i]) + first;
    };
    packRowsTo(source(0), n, c, d, s.q);
    packRowsTo(source(1), n, c, d, s.k);
    packRowsTo(source(2), n, c, d, s.v);
    poolAgents(s);
    agentScores_.run(thread);
    softmaxRows(s, agentBias_.data() + head * a * n, a, n);
    agentValues_.run(thread);
    scaleRowsTo(s.out, s.factors, a, d, d, s.gathered);
    queryScores_.run(thread);
    softmaxRows(s, queryBias_.data() + head * a * n, n, a);
    queryValues_.run(thread);
    scaleRowsTo(s.out, s.factors, n, d, c, reinterpret_cast<T*>(buffers_.dst[0]) + first);
  }

  Sizes sizes_;
  float scale_;
  std::vector<float> agentBias_;
  std::vector<float> queryBias_;
  ThreadMatmul agentScores_;
  ThreadMatmul agentValues_;
  ThreadMatmul queryScores_;
  ThreadMatmul queryValues_;
  int threads_ = 1;
  std::size_t threadBytes_ = 0;
  std::vector<std::size_t> offsets_;
  Buffers buffers_;
};

}  // namespace

Tensor agentCore(GraphBuilder& graph, const Tensor& q, const Tensor& k, const Tensor& v,
                 const std::string& scope, const AgentOptions& options) {
  const auto fail = [&](const std::string& what) {
    throw std::invalid_argument("agent attention '" + scope + "': " + what);
  };
  const DataType type = graph.activationType();
  if (q.shape.rank() != 4 || k.shape != q.shape || v.shape != q.shape || q.type != type ||
      k.type != type || v.type != type) {
    fail("q is " + q.shape.toString() + " " + toString(q.type) + ", k is " + k.shape.toString() +
         " " + toString(k.type) + ", v is " + v.shape.toString() + " " + toString(v.type));
  }
  const Dim c = q.shape[3];
  if (c < 1 || options.heads < 1 || c % options.heads != 0) {
    fail(std::to_string(c) + " channels in " + std::to_string(options.heads) + " heads");
  }
  if (options.agents < 1 || options.agents > q.shape[1] || options.agents > q.shape[2]) {
    fail(std::to_string(options.agents) + " agents a side for windows " + q.shape.toString());
  }
  const Sizes sizes{q.shape[0], q.shape[1], q.shape[2], c, options.heads, options.agents};
  if (sizes.heads * sizes.agents() > kMostBiasValues / sizes.positions()) {
    fail("biases of " + Shape{sizes.heads, sizes.agents(), sizes.positions()}.toString() +
         " are too large");
  }
  auto b1 = agentBias(graph, scope, sizes);
  auto b2 = queryBias(graph, scope, sizes);
  std::unique_ptr<Operator> core;
  if (type == DataType::BF16) {
    core = std::make_unique<AgentCore<BFloat16>>(sizes, std::move(b1), std::move(b2), type);
  } else {
    core = std::make_unique<AgentCore<float>>(sizes, std::move(b1), std::move(b2), type);
  }
  return graph.add(scope + ".core", std::move(core), {q, k, v}, q.shape, type);
}

Tensor agentAttention(GraphBuilder& graph, const Tensor& src, const std::string& scope,
                      const AgentOptions& options) {
  const Dim c = src.shape[-1];
  const LinearOptions square{.outputChannels = c};
  const Tensor q = linear(graph, src, scope + ".q", square);
  const Tensor k = linear(graph, src, scope + ".k", square);
  const Tensor v = linear(graph, src, scope + ".v", square);
  const Tensor attended = agentCore(graph, q, k, v, scope, options);
  // A map of at most `agents` ranks goes through the agents; the convolution brings back detail.
  const Tensor detailed =
      conv(graph, v, scope + ".local", {.outputChannels = c, .groups = c, .residual = attended});
  return linear(graph, detailed, scope + ".projection", square);
}

}  // namespace va
