#include "vision_attention/attention/agent_training_free.h"

#include <cmath>
#include <stdexcept>

#include "vision_attention/ops/conv.h"
#include "vision_attention/ops/pool.h"
#include "vision_attention/ops/streamed_attention.h"
#include "vision_attention/ops/token_rows.h"
#include "vision_attention/ops/vector_math.h"

namespace va {

namespace {

/// a + factor * b.
template <typename T>
class AddShare final : public Operator {
 public:
  AddShare(Dim rows, Dim c, float factor) : rows_(rows), c_(c), factor_(factor) {}
  void prepare(const Engine& engine, bool /*inPlace*/) override { threads_ = engine.threads(); }
  void bind(const Engine& /*engine*/, const Buffers& buffers) override { buffers_ = buffers; }

  void run(const Engine& /*engine*/) override {
    const T* const a = reinterpret_cast<const T*>(buffers_.src[0]);
    const T* const b = reinterpret_cast<const T*>(buffers_.src[1]);
    T* const dst = reinterpret_cast<T*>(buffers_.dst[0]);
#pragma omp parallel for schedule(static) num_threads(threads_)
    for (Dim row = 0; row < rows_; ++row) {
      for (Dim i = row * c_; i < (row + 1) * c_; ++i) {
        store(dst + i, static_cast<float>(a[i]) + factor_ * static_cast<float>(b[i]));
      }
    }
  }
  int inPlaceSource() const override {
    return 0;
  }
  std::string kind() const override {
    return "elementwise";
  }

 private:
  Dim rows_;
  Dim c_;
  float factor_;
  int threads_ = 1;
  Buffers buffers_;
};

}  // namespace

Tensor agentTrainingFreeCore(GraphBuilder& graph, const std::string& name, const Tensor& agents,
                             const Tensor& q, const Tensor& k, const Tensor& v,
                             const AgentTrainingFreeOptions& options) {
  if (agents.shape.rank() != 3 || q.shape.rank() != 3 || v.shape != q.shape || options.heads < 1 ||
      q.shape[2] % options.heads != 0 || agents.shape[2] != q.shape[2] ||
      !std::isfinite(options.queryScalePower) || !std::isfinite(options.shortcut)) {
    throw std::invalid_argument("agent attention '" + name + "': agents are " +
                                agents.shape.toString() + ", q is " + q.shape.toString() +
                                ", v is " + v.shape.toString() + " in " +
                                std::to_string(options.heads) + " heads");
  }
  if (2 * agents.shape[1] >= q.shape[1]) {
    return streamedAttention(graph, name, q, k, v, {.heads = options.heads});
  }
  const float scale =
      1.0F / std::sqrt(static_cast<float>(q.shape[2]) / static_cast<float>(options.heads));
  const Tensor collected =
      streamedAttention(graph, name + ".collect", agents, k, v, {.heads = options.heads});
  Tensor spread = streamedAttention(
      graph, name + ".spread", q, agents, collected,
      {.heads = options.heads, .scale = std::pow(scale, options.queryScalePower)});
  if (options.shortcut == 0.0F) return spread;
  const Dim rows = v.shape[0] * v.shape[1];
  std::unique_ptr<Operator> op;
  if (v.type == DataType::BF16) {
    op = std::make_unique<AddShare<BFloat16>>(rows, v.shape[2], options.shortcut);
  } else {
    op = std::make_unique<AddShare<float>>(rows, v.shape[2], options.shortcut);
  }
  return graph.add(name + ".shortcut", std::move(op), {spread, v}, v.shape, v.type);
}

Tensor agentTrainingFree(GraphBuilder& graph, const Tensor& src, const std::string& scope,
                         const AgentTrainingFreeOptions& options) {
  if (src.shape.rank() != 4) {
    throw std::invalid_argument("agent attention '" + scope + "': src is " + src.shape.toString() +
                                ", expected [mb, h, w, c]");
  }
  const Dim c = src.shape[3];
  const Tensor tokens = graph.reshape(src, {src.shape[0], src.shape[1] * src.shape[2], c});
  const LinearOptions square{.outputChannels = c};
  const Tensor q = linear(graph, tokens, scope + ".q", square);
  const Tensor k = linear(graph, tokens, scope + ".k", square);
  const Tensor v = linear(graph, tokens, scope + ".v", square);
  Tensor agents;
  if (options.source == AgentSource::Pool) {
    agents = adaptivePool(graph, scope + ".agents", graph.reshape(q, src.shape), options.side);
  } else {
    // A linear layer of means is the mean of the linear layer: the queries are merged directly.
    const Tensor assignment = matchTokens(graph, scope + ".match", tokens, options.match);
    agents = mergeTokens(graph, scope + ".agents", q, assignment, options.match.merged).tokens;
  }
  const Tensor attended = agentTrainingFreeCore(graph, scope + ".core", agents, q, k, v, options);
  return graph.reshape(linear(graph, attended, scope + ".projection", square), src.shape);
}

}  // namespace va
