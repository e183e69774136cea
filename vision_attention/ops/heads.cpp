#include "vision_attention/ops/heads.h"

#include <stdexcept>

#include "vision_attention/ops/token_rows.h"

namespace va {

namespace {

/// A block of equally long runs that moves from one place to another: for every i of `outer` and
/// j of `inner`, `count` values.
struct Move {
  std::size_t source = 0;
  Dim outer = 1;
  Dim inner = 1;
  Dim count = 0;
  Dim srcOffset = 0;
  Dim srcOuter = 0;
  Dim srcInner = 0;
  Dim dstOffset = 0;
  Dim dstOuter = 0;
  Dim dstInner = 0;
};

class Rearrange final : public Operator {
 public:
  Rearrange(std::vector<Move> moves, DataType type) : moves_(std::move(moves)), type_(type) {}

  void prepare(const Engine& engine, bool /*inPlace*/) override { threads_ = engine.threads(); }
  void bind(const Engine& /*engine*/, const Buffers& buffers) override { buffers_ = buffers; }
  void run(const Engine& /*engine*/) override {
    type_ == DataType::F32 ? runAs<float>() : runAs<BFloat16>();
  }
  std::string kind() const override { return "rearrange"; }

 private:
  template <typename T>
  void runAs() {
    for (const Move& move : moves_) {
      const T* const src = reinterpret_cast<const T*>(buffers_.src[move.source]) + move.srcOffset;
      T* const dst = reinterpret_cast<T*>(buffers_.dst[0]) + move.dstOffset;
#pragma omp parallel for schedule(static) num_threads(threads_)
      for (Dim i = 0; i < move.outer; ++i) {
        copyRows(src + i * move.srcOuter, move.srcInner, move.inner, move.count,
                 dst + i * move.dstOuter, move.dstInner);
      }
    }
  }

  std::vector<Move> moves_;
  DataType type_;
  int threads_ = 1;
  Buffers buffers_;
};

void requireTokens(const std::string& name, const Tensor& src, std::size_t rank) {
  if (src.shape.rank() != rank || (src.type != DataType::F32 && src.type != DataType::BF16)) {
    throw std::invalid_argument("heads '" + name + "': src is " + src.shape.toString() + " " +
                                toString(src.type));
  }
}

}  // namespace

Tensor splitHeads(GraphBuilder& graph, const std::string& name, const Tensor& src, Dim heads,
                  Dim first, Dim count) {
  requireTokens(name, src, 3);
  const Dim taken = count == 0 ? heads - first : count;
  if (heads < 1 || src.shape[2] % heads != 0 || first < 0 || taken < 1 || first + taken > heads) {
    throw std::invalid_argument("heads '" + name + "': src is " + src.shape.toString() + ", " +
                                std::to_string(taken) + " of " + std::to_string(heads) +
                                " heads from " + std::to_string(first));
  }
  const Dim n = src.shape[1];
  const Dim c = src.shape[2];
  const Dim d = c / heads;
  std::vector<Move> moves;
  for (Dim i = 0; i < taken; ++i) {
    moves.push_back({.outer = src.shape[0],
                     .inner = n,
                     .count = d,
                     .srcOffset = (first + i) * d,
                     .srcOuter = n * c,
                     .srcInner = c,
                     .dstOffset = i * n * d,
                     .dstOuter = taken * n * d,
                     .dstInner = d});
  }
  return graph.add(name, std::make_unique<Rearrange>(std::move(moves), src.type), {src},
                   {src.shape[0], taken, n, d}, src.type);
}

Tensor mergeHeads(GraphBuilder& graph, const std::string& name, const std::vector<Tensor>& parts) {
  Dim heads = 0;
  for (const Tensor& part : parts) {
    requireTokens(name, part, 4);
    if (part.shape[0] != parts[0].shape[0] || part.shape[2] != parts[0].shape[2] ||
        part.shape[3] != parts[0].shape[3] || part.type != parts[0].type) {
      throw std::invalid_argument("heads '" + name + "': " + parts[0].shape.toString() + " and " +
                                  part.shape.toString());
    }
    heads += part.shape[1];
  }
  if (parts.empty()) throw std::invalid_argument("heads '" + name + "': nothing to merge");
  const Dim n = parts[0].shape[2];
  const Dim d = parts[0].shape[3];
  std::vector<Move> moves;
  Dim head = 0;
  for (std::size_t p = 0; p < parts.size(); ++p) {
    const Dim own = parts[p].shape[1];
    for (Dim i = 0; i < own; ++i, ++head) {
      moves.push_back({.source = p,
                       .outer = parts[p].shape[0],
                       .inner = n,
                       .count = d,
                       .srcOffset = i * n * d,
                       .srcOuter = own * n * d,
                       .srcInner = d,
                       .dstOffset = head * d,
                       .dstOuter = n * heads * d,
                       .dstInner = heads * d});
    }
  }
  return graph.add(name, std::make_unique<Rearrange>(std::move(moves), parts[0].type), parts,
                   {parts[0].shape[0], n, heads * d}, parts[0].type);
}

Tensor joinHeads(GraphBuilder& graph, const std::string& name, const Tensor& a, const Tensor& b,
                 Dim heads, bool sharedB) {
  requireTokens(name, a, 3);
  requireTokens(name, b, 3);
  const Dim da = heads < 1 ? 0 : a.shape[2] / heads;
  if (heads < 1 || da < 1 || a.shape[2] % heads != 0 || b.shape[0] != a.shape[0] ||
      b.shape[1] != a.shape[1] || b.type != a.type || b.shape[2] < 1 ||
      (!sharedB && b.shape[2] % heads != 0)) {
    throw std::invalid_argument("heads '" + name + "': " + a.shape.toString() + " and " +
                                b.shape.toString() + " in " + std::to_string(heads) + " heads");
  }
  const Dim rows = a.shape[0] * a.shape[1];
  const Dim db = sharedB ? b.shape[2] : b.shape[2] / heads;
  const Dim total = heads * (da + db);
  const auto move = [&](std::size_t source, Dim size, Dim offset, bool shared) {
    return Move{.source = source,
                .outer = rows,
                .inner = heads,
                .count = size,
                .srcOuter = shared ? size : heads * size,
                .srcInner = shared ? 0 : size,
                .dstOffset = offset,
                .dstOuter = total,
                .dstInner = da + db};
  };
  return graph.add(name,
                   std::make_unique<Rearrange>(
                       std::vector<Move>{move(0, da, 0, false), move(1, db, da, sharedB)}, a.type),
                   {a, b}, {a.shape[0], a.shape[1], total}, a.type);
}

Tensor sliceChannels(GraphBuilder& graph, const std::string& name, const Tensor& src, Dim first,
                     Dim count) {
  requireTokens(name, src, 3);
  const Dim c = src.shape[2];
  if (first < 0 || count < 1 || first + count > c) {
    throw std::invalid_argument("heads '" + name + "': channels " + std::to_string(first) + " to " +
                                std::to_string(first + count - 1) + " of " + src.shape.toString());
  }
  const Dim rows = src.shape[0] * src.shape[1];
  const Move move{.outer = rows,
                  .inner = 1,
                  .count = count,
                  .srcOffset = first,
                  .srcOuter = c,
                  .srcInner = c,
                  .dstOuter = count,
                  .dstInner = count};
  return graph.add(name, std::make_unique<Rearrange>(std::vector<Move>{move}, src.type), {src},
                   {src.shape[0], src.shape[1], count}, src.type);
}

}  // namespace va
