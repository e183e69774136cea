#include "vision_attention/attention/token_pruning.h"

#include <algorithm>
#include <cmath>
#include <stdexcept>

#include "vision_attention/ops/conv.h"
#include "vision_attention/ops/gather.h"
#include "vision_attention/ops/layer_norm.h"
#include "vision_attention/ops/token_rows.h"

namespace va {

namespace {

/// Replaces the second half of the channels by its mean over the tokens.
template <typename T>
class GlobalHalf final : public Operator {
 public:
  GlobalHalf(Dim mb, Dim n, Dim c) : mb_(mb), n_(n), c_(c) {}

  void prepare(const Engine& engine, bool inPlace) override {
    threads_ = engine.threads();
    inPlace_ = inPlace;
  }
  std::size_t scratchBytes() const override {
    return static_cast<std::size_t>(mb_ * c_) * sizeof(float);
  }
  void bind(const Engine& /*engine*/, const Buffers& buffers) override { buffers_ = buffers; }

  void run(const Engine& /*engine*/) override {
    const Dim half = c_ / 2;
    const T* const src = reinterpret_cast<const T*>(buffers_.src[0]);
    T* const dst = reinterpret_cast<T*>(buffers_.dst[0]);
#pragma omp parallel for schedule(static) num_threads(threads_)
    for (Dim b = 0; b < mb_; ++b) {
      float* const mean = reinterpret_cast<float*>(buffers_.scratch) + b * c_;
      std::fill_n(mean, half, 0.0F);
      for (Dim i = 0; i < n_; ++i) addScaled(src + (b * n_ + i) * c_ + half, 1.0F, half, mean);
      for (Dim j = 0; j < half; ++j) mean[j] /= static_cast<float>(n_);
      T* const rows = dst + b * n_ * c_;
      if (!inPlace_) copyRows(src + b * n_ * c_, c_, n_, half, rows, c_);
      for (Dim i = 0; i < n_; ++i) copyRows(mean, half, 1, half, rows + i * c_ + half, c_);
    }
  }
  int inPlaceSource() const override {
    return 0;
  }
  std::string kind() const override {
    return "pool";
  }

 private:
  Dim mb_;
  Dim n_;
  Dim c_;
  int threads_ = 1;
  bool inPlace_ = false;
  Buffers buffers_;
};

/// ln of the first of two softmax probabilities: f32 logits [.., 2].
class LogFirst final : public Operator {
 public:
  explicit LogFirst(Dim rows) : rows_(rows) {}
  void prepare(const Engine& engine, bool /*inPlace*/) override { threads_ = engine.threads(); }
  void bind(const Engine& /*engine*/, const Buffers& buffers) override { buffers_ = buffers; }

  void run(const Engine& /*engine*/) override {
    const float* const src = reinterpret_cast<const float*>(buffers_.src[0]);
    float* const dst = reinterpret_cast<float*>(buffers_.dst[0]);
#pragma omp parallel for schedule(static) num_threads(threads_)
    for (Dim i = 0; i < rows_; ++i) {
      const float difference = src[2 * i + 1] - src[2 * i];
      // -ln(1 + e^difference), without overflow on either side.
      dst[i] = -(std::max(difference, 0.0F) + std::log1p(std::exp(-std::abs(difference))));
    }
  }
  std::string kind() const override {
    return "softmax";
  }

 private:
  Dim rows_;
  int threads_ = 1;
  Buffers buffers_;
};

template <typename T>
class VarianceScores final : public Operator {
 public:
  explicit VarianceScores(Shape src) : src_(std::move(src)) {}
  void prepare(const Engine& engine, bool /*inPlace*/) override { threads_ = engine.threads(); }
  void bind(const Engine& /*engine*/, const Buffers& buffers) override { buffers_ = buffers; }

  void run(const Engine& /*engine*/) override {
    const Dim w = src_[2];
    float* const dst = reinterpret_cast<float*>(buffers_.dst[0]);
#pragma omp parallel for schedule(static) num_threads(threads_)
    for (Dim row = 0; row < src_[0] * src_[1]; ++row) {
      for (Dim x = 0; x < w; ++x) dst[row * w + x] = score(row / src_[1], row % src_[1], x);
    }
  }
  std::string kind() const override {
    return "variance";
  }

 private:
  float score(Dim batch, Dim y, Dim x) const {
    const Dim h = src_[1];
    const Dim w = src_[2];
    const Dim c = src_[3];
    const T* const src = reinterpret_cast<const T*>(buffers_.src[0]) + batch * h * w * c;
    const Dim top = std::max<Dim>(y - 1, 0);
    const Dim bottom = std::min(y + 2, h);
    const Dim left = std::max<Dim>(x - 1, 0);
    const Dim right = std::min(x + 2, w);
    const float count = static_cast<float>((bottom - top) * (right - left));
    float total = 0.0F;
    for (Dim i = 0; i < c; ++i) {
      float mean = 0.0F;
      for (Dim v = top; v < bottom; ++v) {
        for (Dim u = left; u < right; ++u) mean += static_cast<float>(src[(v * w + u) * c + i]);
      }
      mean /= count;
      float squares = 0.0F;
      for (Dim v = top; v < bottom; ++v) {
        for (Dim u = left; u < right; ++u) {
          const float difference = static_cast<float>(src[(v * w + u) * c + i]) - mean;
          squares += difference * difference;
        }
      }
      total += squares / count;
    }
    return total;
  }

  Shape src_;
  int threads_ = 1;
  Buffers buffers_;
};

/// Row-major tiles of a grid of tokens.
struct TileGrid {
  Dim mb = 0;
  Dim n = 0;
  Dim width = 0;
  Dim tile = 0;

  Dim across() const { return width / tile; }
  Dim count() const { return n / (tile * tile); }
  Dim area() const { return tile * tile; }
  Dim token(Dim index, Dim inside) const {
    const Dim y = index / across() * tile + inside / tile;
    return y * width + index % across() * tile + inside % tile;
  }
};

class TileScores final : public Operator {
 public:
  explicit TileScores(TileGrid grid) : grid_(grid) {}
  void prepare(const Engine& engine, bool /*inPlace*/) override { threads_ = engine.threads(); }
  void bind(const Engine& /*engine*/, const Buffers& buffers) override { buffers_ = buffers; }

  void run(const Engine& /*engine*/) override {
    const float* const src = reinterpret_cast<const float*>(buffers_.src[0]);
    float* const dst = reinterpret_cast<float*>(buffers_.dst[0]);
    const Dim count = grid_.count();
#pragma omp parallel for schedule(static) num_threads(threads_)
    for (Dim i = 0; i < grid_.mb * count; ++i) {
      float sum = 0.0F;
      for (Dim j = 0; j < grid_.area(); ++j) {
        sum += src[i / count * grid_.n + grid_.token(i % count, j)];
      }
      dst[i] = sum / static_cast<float>(grid_.area());
    }
  }
  std::string kind() const override {
    return "pool";
  }

 private:
  TileGrid grid_;
  int threads_ = 1;
  Buffers buffers_;
};

class TileTokens final : public Operator {
 public:
  TileTokens(TileGrid grid, Dim k) : grid_(grid), k_(k) {}
  void prepare(const Engine& engine, bool /*inPlace*/) override { threads_ = engine.threads(); }
  void bind(const Engine& /*engine*/, const Buffers& buffers) override { buffers_ = buffers; }

  void run(const Engine& /*engine*/) override {
    const auto* const src = reinterpret_cast<const std::int32_t*>(buffers_.src[0]);
    auto* const dst = reinterpret_cast<std::int32_t*>(buffers_.dst[0]);
#pragma omp parallel for schedule(static) num_threads(threads_)
    for (Dim i = 0; i < grid_.mb * k_; ++i) {
      for (Dim j = 0; j < grid_.area(); ++j) {
        dst[i * grid_.area() + j] = static_cast<std::int32_t>(grid_.token(src[i], j));
      }
    }
  }
  std::string kind() const override {
    return "gather";
  }

 private:
  TileGrid grid_;
  Dim k_;
  int threads_ = 1;
  Buffers buffers_;
};

TileGrid checkedGrid(const std::string& name, Dim mb, Dim n, const TokenTiles& tiles) {
  if (tiles.width < 1 || tiles.tile < 1 || n % tiles.width != 0 || tiles.width % tiles.tile != 0 ||
      n / tiles.width % tiles.tile != 0) {
    throw std::invalid_argument("token tiles '" + name + "': " + std::to_string(n) +
                                " tokens in rows of " + std::to_string(tiles.width) +
                                ", tiles of " + std::to_string(tiles.tile));
  }
  return {mb, n, tiles.width, tiles.tile};
}

bool isFloating(DataType type) {
  return type == DataType::F32 || type == DataType::BF16;
}

/// linear(norm(x) * gain + offset) = (W gain) norm(x) + (W offset + bias).
Tensor normAndEmbed(GraphBuilder& graph, const Tensor& src, const std::string& scope) {
  const Dim n = src.shape[1];
  const Dim c = src.shape[2];
  const auto& gain = graph.weight(scope + ".norm.weight", {c});
  const auto& offset = graph.weight(scope + ".norm.bias", {c});
  std::vector<float> weights = graph.weight(scope + ".embed.weight", {c, c});
  std::vector<float> bias = graph.weight(scope + ".embed.bias", {c});
  for (std::size_t o = 0; o < bias.size(); ++o) {
    for (std::size_t i = 0; i < gain.size(); ++i) {
      float& weight = weights[o * gain.size() + i];
      bias[o] += weight * offset[i];
      weight *= gain[i];
    }
  }
  const Tensor normalised = layerNorm(graph, scope + ".norm", src);
  const Tensor embedded =
      conv(graph, graph.reshape(normalised, {src.shape[0], 1, n, c}), scope + ".embed",
           {.outputChannels = c, .kernel = 1, .activation = Activation::GeluErf},
           std::move(weights), std::move(bias));
  return graph.reshape(embedded, src.shape);
}

}  // namespace

Tensor keepScores(GraphBuilder& graph, const Tensor& src, const std::string& scope) {
  if (src.shape.rank() != 3 || src.type != graph.activationType() || src.shape[2] < 4 ||
      src.shape[2] % 4 != 0 || src.shape.elements() == 0) {
    throw std::invalid_argument("keep scores '" + scope + "': src is " + src.shape.toString() +
                                " " + toString(src.type));
  }
  const Dim mb = src.shape[0];
  const Dim n = src.shape[1];
  const Dim c = src.shape[2];
  const Tensor embedded = normAndEmbed(graph, src, scope);
  std::unique_ptr<Operator> global;
  if (src.type == DataType::BF16) {
    global = std::make_unique<GlobalHalf<BFloat16>>(mb, n, c);
  } else {
    global = std::make_unique<GlobalHalf<float>>(mb, n, c);
  }
  Tensor x = graph.add(scope + ".global", std::move(global), {embedded}, src.shape, src.type);
  x = linear(graph, x, scope + ".hidden0",
             {.outputChannels = c / 2, .activation = Activation::GeluErf});
  x = linear(graph, x, scope + ".hidden1",
             {.outputChannels = c / 4, .activation = Activation::GeluErf});
  x = linear(graph, x, scope + ".decide", {.outputChannels = 2, .outputType = DataType::F32});
  return graph.add(scope + ".log", std::make_unique<LogFirst>(mb * n), {x}, {mb, n}, DataType::F32);
}

Tensor varianceScores(GraphBuilder& graph, const std::string& name, const Tensor& src) {
  if (src.shape.rank() != 4 || !isFloating(src.type)) {
    throw std::invalid_argument("variance scores '" + name + "': src is " + src.shape.toString() +
                                " " + toString(src.type));
  }
  std::unique_ptr<Operator> op;
  if (src.type == DataType::BF16) {
    op = std::make_unique<VarianceScores<BFloat16>>(src.shape);
  } else {
    op = std::make_unique<VarianceScores<float>>(src.shape);
  }
  return graph.add(name, std::move(op), {src}, {src.shape[0], src.shape[1] * src.shape[2]},
                   DataType::F32);
}

Dim keptTokens(Dim n, double ratio) {
  if (!(ratio > 0.0) || ratio > 1.0) {
    throw std::invalid_argument("token pruning: keep ratio is " + std::to_string(ratio) +
                                ", expected above 0 and up to 1");
  }
  return std::max<Dim>(1, static_cast<Dim>(static_cast<double>(n) * ratio));
}

Tensor tileScores(GraphBuilder& graph, const std::string& name, const Tensor& scores,
                  const TokenTiles& tiles) {
  if (scores.shape.rank() != 2 || scores.type != DataType::F32) {
    throw std::invalid_argument("token tiles '" + name + "': scores are " +
                                scores.shape.toString() + " " + toString(scores.type));
  }
  const TileGrid grid = checkedGrid(name, scores.shape[0], scores.shape[1], tiles);
  return graph.add(name, std::make_unique<TileScores>(grid), {scores}, {grid.mb, grid.count()},
                   DataType::F32);
}

Tensor tileTokens(GraphBuilder& graph, const std::string& name, const Tensor& indices, Dim n,
                  const TokenTiles& tiles) {
  if (indices.shape.rank() != 2 || indices.type != DataType::S32) {
    throw std::invalid_argument("token tiles '" + name + "': indices are " +
                                indices.shape.toString() + " " + toString(indices.type));
  }
  const TileGrid grid = checkedGrid(name, indices.shape[0], n, tiles);
  return graph.add(name, std::make_unique<TileTokens>(grid, indices.shape[1]), {indices},
                   {grid.mb, indices.shape[1] * grid.area()}, DataType::S32);
}

Tensor bypass(GraphBuilder& graph, const Tensor& src, const std::string& scope, const Tensor& kept,
              LightPath light, const TokenBlock& block) {
  const Tensor gathered = gatherRows(graph, scope + ".gather", src, kept);
  const Tensor worked = block(graph, gathered);
  if (worked.shape != gathered.shape || worked.type != gathered.type) {
    throw std::invalid_argument("token pruning '" + scope + "': the block made " +
                                worked.shape.toString() + " of " + gathered.shape.toString());
  }
  Tensor base = src;
  if (light == LightPath::Linear) {
    base = linear(graph, src, scope + ".light", {.outputChannels = src.shape[2], .residual = src});
  }
  return scatterRows(graph, scope + ".scatter", base, worked, kept);
}

}  // namespace va
