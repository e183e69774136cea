#include "vision_attention/ops/top_k.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <stdexcept>

namespace va {

namespace {

class TopK final : public Operator {
 public:
  TopK(Dim mb, Dim n, Dim k, TopKOrder order) : mb_(mb), n_(n), k_(k), order_(order) {}

  void prepare(const Engine& engine, bool /*inPlace*/) override { threads_ = engine.threads(); }
  std::size_t scratchBytes() const override { return static_cast<std::size_t>(mb_ * n_) * 4; }
  void bind(const Engine& /*engine*/, const Buffers& buffers) override { buffers_ = buffers; }

  void run(const Engine& /*engine*/) override {
    const auto* const scores = reinterpret_cast<const float*>(buffers_.src[0]);
    auto* const scratch = reinterpret_cast<std::int32_t*>(buffers_.scratch);
    auto* const indices = reinterpret_cast<std::int32_t*>(buffers_.dst[0]);
    const auto n = static_cast<std::size_t>(n_);
#pragma omp parallel for schedule(static) num_threads(threads_)
    for (Dim row = 0; row < mb_; ++row) {
      topKRow({scores + row * n_, n}, order_, {scratch + row * n_, n},
              {indices + row * k_, static_cast<std::size_t>(k_)});
    }
  }
  std::string kind() const override {
    return "top_k";
  }

 private:
  Dim mb_;
  Dim n_;
  Dim k_;
  TopKOrder order_;
  int threads_ = 1;
  Buffers buffers_;
};

}  // namespace

void topKRow(std::span<const float> scores, TopKOrder order, std::span<std::int32_t> scratch,
             std::span<std::int32_t> indices) {
  const auto before = [&](std::int32_t a, std::int32_t b) {
    const float x = scores[static_cast<std::size_t>(a)];
    const float y = scores[static_cast<std::size_t>(b)];
    if (std::isnan(x) || std::isnan(y))
      return std::isnan(x) == std::isnan(y) ? a < b : !std::isnan(x);
    return x == y ? a < b : x > y;
  };
  const auto end = scratch.begin() + static_cast<std::ptrdiff_t>(indices.size());
  std::iota(scratch.begin(), scratch.end(), 0);
  if (indices.size() < scratch.size())
    std::nth_element(scratch.begin(), end, scratch.end(), before);
  if (order == TopKOrder::Score) {
    std::sort(scratch.begin(), end, before);
  } else {
    std::sort(scratch.begin(), end);
  }
  std::copy(scratch.begin(), end, indices.begin());
}

Tensor topK(GraphBuilder& graph, const std::string& name, const Tensor& scores, Dim k,
            TopKOrder order) {
  if (scores.shape.rank() != 2 || scores.type != DataType::F32 || k < 1 || k > scores.shape[1]) {
    throw std::invalid_argument("top k '" + name + "': " + std::to_string(k) + " of " +
                                scores.shape.toString() + " " + toString(scores.type));
  }
  const Dim mb = scores.shape[0];
  return graph.add(name, std::make_unique<TopK>(mb, scores.shape[1], k, order), {scores}, {mb, k},
                   DataType::S32);
}

}  // namespace va
