#include "vision_attention/attention/sparse_compression.h"

#include <omp.h>

#include <algorithm>
#include <cmath>
#include <stdexcept>

#include "vision_attention/ops/conv.h"
#include "vision_attention/ops/scratch_layout.h"

namespace va {

namespace sparse {

template <typename T>
Compression<T>::Compression(const Grid& grid, const Heads& heads)
    : rows_(heads.perGroup * grid.tileArea()),
      windows_(grid.windows()),
      selections_(grid.selections()),
      scale_(1.0F / std::sqrt(static_cast<float>(heads.d))) {}

template <typename T>
void Compression<T>::prepare(const Group<T>& group, const Engine& engine) {
  chunk_ = group.tiles().options().keys;
  const Dim chunks = (windows_ + chunk_ - 1) / chunk_;
  ScratchLayout layout;
  weights_ = layout.reserve<float>(chunks * rows_ * chunk_);
  offsets_ = layout.reserve<float>(chunks * rows_);
  sums_ = layout.reserve<float>(selections_ * windows_);
  threadBytes_ = layout.bytes();
  scratch_.resize(static_cast<std::size_t>(engine.threads()));
}

template <typename T>
void Compression<T>::attend(const View<T>& view, const Item& item, const Rectangle& own,
                            Group<T>& group, float* out) {
  const int t = item.thread;
  const Heads& s = view.heads;
  AttentionTiles<T>& tiles = group.tiles();
  const Dim rows = group.begin(view, item, own, kQueries);
  const auto pack = [&](Source source, Dim first, Dim columns, T* to) {
    copyRows(
        view.source(source) + (item.batch * windows_ + first) * s.keyChannels() + item.group * s.d,
        s.keyChannels(), columns, s.d, to, s.d);
  };
  float* const weights = at(t, weights_);
  float* const offsets = at(t, offsets_);
  for (Dim first = 0; first < windows_; first += chunk_) {
    const Dim columns = std::min(chunk_, windows_ - first);
    pack(kCompressedKeys, first, columns, tiles.keys(t));
    pack(kCompressedValues, first, columns, tiles.values(t));
    tiles.accumulate(t, rows, columns, {.scale = scale_},
                     {weights + first * rows_, chunk_, offsets + first / chunk_ * rows_});
  }
  group.finish(view, item, own, 0, out);

  float* const sums = at(t, sums_);
  std::fill_n(sums, selections_ * windows_, 0.0F);
  for (Dim first = 0; first < windows_; first += chunk_) {
    const Dim columns = std::min(chunk_, windows_ - first);
    for (Dim row = 0; row < rows; ++row) {
      const float share = tiles.share(t, row, offsets[first / chunk_ * rows_ + row]);
      const Dim selection = selections_ == 1 ? 0 : row % own.area();
      addScaled(weights + first * rows_ + row * chunk_, share, columns,
                sums + selection * windows_ + first);
    }
  }
}

template class Compression<float>;
template class Compression<BFloat16>;

}  // namespace sparse

namespace {

/// Tokens of every compression window side by side, [mb, windows, keyHeads, l * d] plus positions
/// [l, d], or their mean, [mb, windows, keyHeads * d].
template <typename T>
class CompressionWindows final : public Operator {
 public:
  CompressionWindows(Dim mb, Dim keyHeads, Dim d, sparse::Grid grid, std::vector<float> position)
      : mb_(mb), keyHeads_(keyHeads), d_(d), g_(grid), position_(std::move(position)) {}

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
  sparse::Grid g_;
  std::vector<float> position_;
  int threads_ = 1;
  Buffers buffers_;
};

}  // namespace

Dim sparseWindows(Dim height, Dim width, const SparseOptions& options) {
  sparse::validate("windows", options);
  return sparse::Grid{height, width, options}.windows();
}

Tensor sparseCompress(GraphBuilder& graph, const Tensor& src, const std::string& scope, Dim width,
                      const SparseOptions& options) {
  const sparse::Grid g = sparse::checkedGrid(scope, src, width, options);
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

}  // namespace va
