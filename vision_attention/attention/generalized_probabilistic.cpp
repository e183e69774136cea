#include "vision_attention/attention/generalized_probabilistic.h"

#include <algorithm>
#include <cmath>
#include <stdexcept>

#include "vision_attention/ops/attention_tiles.h"
#include "vision_attention/ops/conv.h"
#include "vision_attention/ops/elementwise.h"
#include "vision_attention/ops/token_rows.h"

namespace va {

namespace {

constexpr Dim kQueryTile = 128;
constexpr Dim kKeyTile = 256;

struct Sizes {
  Dim mb = 0;
  Dim n = 0;
  Dim m = 0;
  Dim heads = 0;
  Dim d = 0;
};

template <typename T>
class DualAttention final : public Operator {
 public:
  DualAttention(Sizes sizes, std::vector<float> plus, std::vector<float> minus)
      : sizes_(sizes),
        plus_(std::move(plus)),
        minus_(std::move(minus)),
        positive_(tileOptions(sizes)),
        negative_(tileOptions(sizes)) {}

  void prepare(const Engine& engine, bool /*inPlace*/) override {
    positive_.prepare(engine);
    negative_.prepare(engine);
  }
  std::size_t scratchBytes() const override {
    return positive_.scratchBytes() + negative_.scratchBytes();
  }
  void bind(const Engine& engine, const Buffers& buffers) override {
    buffers_ = buffers;
    positive_.bind(engine, buffers.scratch);
    negative_.bind(engine, buffers.scratch + positive_.scratchBytes());
  }
  void run(const Engine& /*engine*/) override {
    positive_.forTiles(sizes_.mb * sizes_.heads, sizes_.n,
                       [this](Dim group, Dim first, Dim rows, int thread) {
                         attend(group / sizes_.heads, group % sizes_.heads, first, rows, thread);
                       });
  }

  std::string kind() const override { return "attention"; }
  std::string implementation() const override { return positive_.implementation(); }
  std::uint64_t macs() const override {
    return static_cast<std::uint64_t>(4 * sizes_.mb * sizes_.heads * sizes_.n * sizes_.m *
                                      sizes_.d);
  }

 private:
  static AttentionTilesOptions tileOptions(const Sizes& s) {
    return {.queries = evenTile(s.n, kQueryTile),
            .keys = evenTile(s.m, kKeyTile),
            .keySize = s.d,
            .valueSize = s.d};
  }

  void attend(Dim batch, Dim head, Dim firstQuery, Dim rows, int thread) {
    const auto& [mb, n, m, heads, d] = sizes_;
    const Dim stride = heads * d;
    const Dim query = (batch * n + firstQuery) * stride + head * d;
    const auto source = [&](std::size_t i) { return reinterpret_cast<const T*>(buffers_.src[i]); };
    copyRows(source(0) + query, stride, rows, d, positive_.queries(thread), d);
    copyRows(source(1) + query, stride, rows, d, negative_.queries(thread), d);
    const TileLogits logits{.scale = 1.0F / std::sqrt(static_cast<float>(d))};
    const Dim key = batch * m * stride + head * d;
    const KeyRows<T> keys{source(2) + key, stride, source(3) + key, stride, m};
    const float* const p = positive_.attend(thread, rows, keys, logits);
    const float* const q = negative_.attend(thread, rows, keys, logits);
    const float plus = 1.0F + plus_[static_cast<std::size_t>(head)];
    const float minus = minus_[static_cast<std::size_t>(head)];
    T* const dst = reinterpret_cast<T*>(buffers_.dst[0]) + query;
    for (Dim i = 0; i < rows; ++i) {
      for (Dim j = 0; j < d; ++j) {
        dst[i * stride + j] = T(plus * p[i * d + j] - minus * q[i * d + j]);
      }
    }
  }

  Sizes sizes_;
  std::vector<float> plus_;
  std::vector<float> minus_;
  AttentionTiles<T> positive_;
  AttentionTiles<T> negative_;
  Buffers buffers_;
};

std::vector<float> lambdas(GraphBuilder& graph, const std::string& name, Dim heads, float largest) {
  std::vector<float> values = graph.weight(name, {heads});
  for (float& value : values) value = largest / (1.0F + std::exp(-value));
  return values;
}

/// A d x d matrix per head: a 1x1 convolution in as many groups.
Tensor perHead(GraphBuilder& graph, const Tensor& src, const std::string& name, Dim heads) {
  const Dim c = src.shape[2];
  const Tensor map = graph.reshape(src, {src.shape[0], 1, src.shape[1], c});
  const Tensor result =
      conv(graph, map, name, {.outputChannels = c, .kernel = 1, .groups = heads, .bias = false},
           graph.weight(name + ".weight", {c, c / heads}), {});
  return graph.reshape(result, src.shape);
}

Tensor negativeQueries(GraphBuilder& graph, const Tensor& q, const std::string& scope,
                       const GeneralizedProbabilisticOptions& options) {
  const std::string name = scope + ".negative";
  switch (options.negativeQuery) {
    case NegativeQuery::Linear:
      return perHead(graph, q, name, options.heads);
    case NegativeQuery::ReluLinear:
      return perHead(graph, activate(graph, name + ".relu", q, Activation::Relu), name,
                     options.heads);
    case NegativeQuery::LinearReluLinear: {
      const Tensor inner = perHead(graph, q, name + "0", options.heads);
      return perHead(graph, activate(graph, name + ".relu", inner, Activation::Relu), name,
                     options.heads);
    }
  }
  throw std::invalid_argument("unknown form of the negative query");
}

}  // namespace

Tensor generalizedProbabilisticCore(GraphBuilder& graph, const std::string& name, const Tensor& q,
                                    const Tensor& negative, const Tensor& k, const Tensor& v,
                                    const GeneralizedProbabilisticCoreOptions& options) {
  const auto fail = [&](const std::string& what) {
    throw std::invalid_argument("generalised attention '" + name + "': " + what);
  };
  const DataType type = graph.activationType();
  const bool typed = q.type == type && negative.type == type && k.type == type && v.type == type;
  if (!typed || q.shape.rank() != 3 || negative.shape != q.shape || k.shape.rank() != 3 ||
      v.shape != k.shape || k.shape[0] != q.shape[0] || k.shape[2] != q.shape[2] ||
      options.heads < 1 || q.shape[2] % options.heads != 0 || q.shape.elements() == 0 ||
      k.shape.elements() == 0) {
    fail("q is " + q.shape.toString() + ", negative is " + negative.shape.toString() + ", k is " +
         k.shape.toString() + ", v is " + v.shape.toString() + " in " +
         std::to_string(options.heads) + " heads");
  }
  for (const auto* values : {&options.plus, &options.minus}) {
    if (static_cast<Dim>(values->size()) != options.heads ||
        std::ranges::any_of(*values, [](float x) { return !(x >= 0.0F); })) {
      fail("lambdas must be " + std::to_string(options.heads) + " values >= 0");
    }
  }
  const Sizes s{q.shape[0], q.shape[1], k.shape[1], options.heads, q.shape[2] / options.heads};
  std::unique_ptr<Operator> op;
  if (type == DataType::BF16) {
    op = std::make_unique<DualAttention<BFloat16>>(s, options.plus, options.minus);
  } else {
    op = std::make_unique<DualAttention<float>>(s, options.plus, options.minus);
  }
  return graph.add(name, std::move(op), {q, negative, k, v}, q.shape, type);
}

Tensor generalizedProbabilisticAttention(GraphBuilder& graph, const Tensor& src,
                                         const std::string& scope,
                                         const GeneralizedProbabilisticOptions& options) {
  const Dim c = src.shape[-1];
  if (options.heads < 1 || c % options.heads != 0 || !(options.largestLambda >= 0.0F)) {
    throw std::invalid_argument("generalised attention '" + scope + "': " + std::to_string(c) +
                                " channels in " + std::to_string(options.heads) +
                                " heads, lambda up to " + std::to_string(options.largestLambda));
  }
  const LinearOptions square{.outputChannels = c};
  const Tensor q = linear(graph, src, scope + ".q", square);
  const Tensor k = linear(graph, src, scope + ".k", square);
  const Tensor v = linear(graph, src, scope + ".v", square);
  GeneralizedProbabilisticCoreOptions core{.heads = options.heads};
  const float largest = options.largestLambda;
  core.plus =
      lambdas(graph, scope + (options.tied ? ".lambda" : ".lambda_plus"), options.heads, largest);
  core.minus =
      options.tied ? core.plus : lambdas(graph, scope + ".lambda_minus", options.heads, largest);
  const Tensor attended = generalizedProbabilisticCore(
      graph, scope + ".core", q, negativeQueries(graph, q, scope, options), k, v, core);
  return linear(graph, attended, scope + ".projection", square);
}

}  // namespace va
