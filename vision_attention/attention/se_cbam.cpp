#include "vision_attention/attention/se_cbam.h"

#include <omp.h>

#include <algorithm>
#include <limits>
#include <stdexcept>

#include "vision_attention/bfloat16.h"
#include "vision_attention/multiversion.h"
#include "vision_attention/ops/vector_math.h"

namespace va {

namespace {

constexpr Dim kKernel = 7;
constexpr Dim kBorder = kKernel / 2;

struct Sizes {
  Dim mb = 0;
  Dim h = 0;
  Dim w = 0;
  Dim c = 0;
  Dim windowH = 0;
  Dim windowW = 0;
  Dim hidden = 0;

  Dim windowsAcross() const { return w / windowW; }
  Dim windowsPerMap() const { return h / windowH * windowsAcross(); }
  /// The statistics of a map: two planes with a border on every side.
  Dim planeWidth() const { return w + 2 * kBorder; }
  Dim planeSize() const { return (h + 2 * kBorder) * planeWidth(); }
};

struct Parameters {
  std::vector<float> reduce;      ///< [hidden, c]
  std::vector<float> reduceBias;  ///< [hidden]
  std::vector<float> expand;      ///< [c, hidden]
  std::vector<float> expandBias;  ///< [c]
  std::vector<float> spatial;     ///< [2, 7, 7] or [c]
  float spatialBias = 0;
  std::vector<float> scale;  ///< [c]
};

bool seesStatistics(FusionMode mode) {
  return mode == FusionMode::SeThenSpatial || mode == FusionMode::Cbam;
}

template <typename T>
VA_INLINE void poolPositions(const T* src, Dim positions, Dim c, float* sums, float* maxima) {
  for (Dim p = 0; p < positions; ++p, src += c) {
    for (Dim i = 0; i < c; ++i) sums[i] += static_cast<float>(src[i]);
    if (maxima == nullptr) continue;
    for (Dim i = 0; i < c; ++i) maxima[i] = std::max(maxima[i], static_cast<float>(src[i]));
  }
}

VA_MULTIVERSION void pool(const float* src, Dim positions, Dim c, float* sums, float* maxima) {
  poolPositions(src, positions, c, sums, maxima);
}
VA_MULTIVERSION void pool(const BFloat16* src, Dim positions, Dim c, float* sums, float* maxima) {
  poolPositions(src, positions, c, sums, maxima);
}

/// Maximum and mean over the channels of gate * src, per position.
template <typename T>
VA_INLINE void channelStatistics(const T* src, const float* gate, Dim positions, Dim c,
                                 float* maxima, float* means) {
  for (Dim p = 0; p < positions; ++p, src += c) {
    float largest = -std::numeric_limits<float>::infinity();
    float sum = 0;
#pragma omp simd reduction(max : largest) reduction(+ : sum)
    for (Dim i = 0; i < c; ++i) {
      const float value = static_cast<float>(src[i]) * gate[i];
      largest = value > largest ? value : largest;
      sum += value;
    }
    maxima[p] = largest;
    means[p] = sum / static_cast<float>(c);
  }
}

VA_MULTIVERSION void statistics(const float* src, const float* gate, Dim positions, Dim c,
                                float* maxima, float* means) {
  channelStatistics(src, gate, positions, c, maxima, means);
}
VA_MULTIVERSION void statistics(const BFloat16* src, const float* gate, Dim positions, Dim c,
                                float* maxima, float* means) {
  channelStatistics(src, gate, positions, c, maxima, means);
}

/// logistic(bias + weights . src), per position.
template <typename T>
VA_INLINE void channelProducts(const T* src, const float* weights, float bias, Dim positions, Dim c,
                               float* gates) {
  for (Dim p = 0; p < positions; ++p, src += c) {
    float sum = bias;
#pragma omp simd reduction(+ : sum)
    for (Dim i = 0; i < c; ++i) sum += static_cast<float>(src[i]) * weights[i];
    gates[p] = logistic(sum);
  }
}

VA_MULTIVERSION void pointwiseGates(const float* src, const float* weights, float bias,
                                    Dim positions, Dim c, float* gates) {
  channelProducts(src, weights, bias, positions, c, gates);
}
VA_MULTIVERSION void pointwiseGates(const BFloat16* src, const float* weights, float bias,
                                    Dim positions, Dim c, float* gates) {
  channelProducts(src, weights, bias, positions, c, gates);
}

/// One row of the 7x7 gate; planes point at the first tap of the row's first position.
VA_MULTIVERSION void spatialGates(const float* planes, Dim planeSize, Dim planeWidth,
                                  const float* weights, float bias, Dim positions, float* gates) {
  for (Dim x = 0; x < positions; ++x) gates[x] = bias;
  for (Dim plane = 0; plane < 2; ++plane) {
    for (Dim ky = 0; ky < kKernel; ++ky) {
      const float* const row = planes + plane * planeSize + ky * planeWidth;
      const float* const taps = weights + (plane * kKernel + ky) * kKernel;
#pragma omp simd
      for (Dim x = 0; x < positions; ++x) {
        float sum = gates[x];
        for (Dim kx = 0; kx < kKernel; ++kx) sum += taps[kx] * row[x + kx];
        gates[x] = sum;
      }
    }
  }
  for (Dim x = 0; x < positions; ++x) gates[x] = logistic(gates[x]);
}

/// What a run of positions in one window is made of.
template <typename T>
struct Run {
  const T* residual = nullptr;
  const T* src = nullptr;
  T* dst = nullptr;
  const float* channelGate = nullptr;  ///< [c]
  const float* scale = nullptr;        ///< [c]
  const float* spatialGate = nullptr;  ///< [positions]
  Dim positions = 0;
  Dim c = 0;
};

template <FusionMode Mode>
VA_INLINE float gated(float value, float channel, float spatial) {
  if constexpr (Mode == FusionMode::ScseAdd) return (channel + spatial) * value;
  if constexpr (Mode == FusionMode::ParallelMax) {
    return std::max(channel * value, spatial * value);
  }
  return channel * spatial * value;
}

template <FusionMode Mode, typename T>
VA_INLINE void applyRun(const Run<T>& run) {
  const Dim c = run.c;
  for (Dim p = 0; p < run.positions; ++p) {
    const T* const src = run.src + p * c;
    T* const dst = run.dst + p * c;
    const float spatial = run.spatialGate[p];
    if (run.residual == nullptr) {
#pragma omp simd
      for (Dim i = 0; i < c; ++i) {
        const float value = gated<Mode>(static_cast<float>(src[i]), run.channelGate[i], spatial);
        store(dst + i, run.scale[i] * value);
      }
    } else {
      const T* const residual = run.residual + p * c;
#pragma omp simd
      for (Dim i = 0; i < c; ++i) {
        const float value = gated<Mode>(static_cast<float>(src[i]), run.channelGate[i], spatial);
        store(dst + i, static_cast<float>(residual[i]) + run.scale[i] * value);
      }
    }
  }
}

VA_MULTIVERSION void applyProduct(const Run<float>& run) {
  applyRun<FusionMode::SeThenSpatial>(run);
}
VA_MULTIVERSION void applyProduct(const Run<BFloat16>& run) {
  applyRun<FusionMode::SeThenSpatial>(run);
}
VA_MULTIVERSION void applySum(const Run<float>& run) {
  applyRun<FusionMode::ScseAdd>(run);
}
VA_MULTIVERSION void applySum(const Run<BFloat16>& run) {
  applyRun<FusionMode::ScseAdd>(run);
}
VA_MULTIVERSION void applyMaximum(const Run<float>& run) {
  applyRun<FusionMode::ParallelMax>(run);
}
VA_MULTIVERSION void applyMaximum(const Run<BFloat16>& run) {
  applyRun<FusionMode::ParallelMax>(run);
}

/// Position of the mirrored sample: -1 -> 1, n -> n - 2; repeated as often as a small n needs.
Dim mirrored(Dim i, Dim n) {
  if (n == 1) return 0;
  const Dim period = 2 * (n - 1);
  i = ((i % period) + period) % period;
  return i < n ? i : period - i;
}

template <typename T>
class SeCbam final : public Operator {
 public:
  SeCbam(Sizes sizes, FusionMode mode, Parameters parameters, bool residual)
      : sizes_(sizes), mode_(mode), parameters_(std::move(parameters)), residual_(residual) {}

  void prepare(const Engine& engine, bool /*inPlace*/) override { threads_ = engine.threads(); }

  std::size_t scratchBytes() const override {
    return static_cast<std::size_t>(gateCount() + spatialCount() + threads_ * threadCount()) *
           sizeof(float);
  }

  void bind(const Engine& /*engine*/, const Buffers& buffers) override {
    src_ = reinterpret_cast<const T*>(buffers.src[0]);
    if (residual_) residualMap_ = reinterpret_cast<const T*>(buffers.src[1]);
    dst_ = reinterpret_cast<T*>(buffers.dst[0]);
    gates_ = reinterpret_cast<float*>(buffers.scratch);
    spatial_ = gates_ + gateCount();
    threadScratch_ = spatial_ + spatialCount();
  }

  void run(const Engine& /*engine*/) override {
    const Sizes& s = sizes_;
#pragma omp parallel num_threads(threads_)
    {
#pragma omp for schedule(static)
      for (Dim window = 0; window < s.mb * s.windowsPerMap(); ++window) {
        gateWindow(window, threadScratch_ + omp_get_thread_num() * threadCount());
      }
      if (seesStatistics(mode_)) {
#pragma omp for schedule(static)
        for (Dim plane = 0; plane < 2 * s.mb; ++plane) mirrorBorder(plane);
      }
#pragma omp for schedule(static)
      for (Dim row = 0; row < s.mb * s.h; ++row) {
        applyRow(row, threadScratch_ + omp_get_thread_num() * threadCount());
      }
    }
  }

  int inPlaceSource() const override {
    return residual_ ? 1 : 0;
  }
  std::string kind() const override {
    return "se_cbam";
  }
  std::uint64_t macs() const override {
    const Dim perWindow = 2 * sizes_.c * sizes_.hidden * (mode_ == FusionMode::Cbam ? 2 : 1);
    const Dim perPosition = seesStatistics(mode_) ? 2 * kKernel * kKernel : sizes_.c;
    return static_cast<std::uint64_t>(
        sizes_.mb * (sizes_.windowsPerMap() * perWindow + sizes_.h * sizes_.w * perPosition));
  }

 private:
  Dim gateCount() const {
    return (sizes_.mb * sizes_.windowsPerMap() * sizes_.c + 15) / 16 * 16;
  }
  /// Statistics of the 7x7 gate, or the finished 1x1 gates.
  Dim spatialCount() const {
    const Dim perMap = seesStatistics(mode_) ? 2 * sizes_.planeSize() : sizes_.h * sizes_.w;
    return (sizes_.mb * perMap + 15) / 16 * 16;
  }
  Dim threadCount() const {
    return (std::max(2 * sizes_.c + sizes_.hidden, sizes_.w) + 15) / 16 * 16;
  }

  /// What the shared layers make of one pooled vector, added to `logits`.
  void addLogits(const float* pooled, float* hidden, float* logits) const {
    const Dim c = sizes_.c;
    for (Dim j = 0; j < sizes_.hidden; ++j) {
      const auto row = parameters_.reduce.begin() + j * c;
      float sum = parameters_.reduceBias[static_cast<std::size_t>(j)];
      for (Dim i = 0; i < c; ++i) sum += row[i] * pooled[i];
      hidden[j] = std::max(sum, 0.0F);
    }
    for (Dim i = 0; i < c; ++i) {
      const auto row = parameters_.expand.begin() + i * sizes_.hidden;
      float sum = parameters_.expandBias[static_cast<std::size_t>(i)];
      for (Dim j = 0; j < sizes_.hidden; ++j) sum += row[j] * hidden[j];
      logits[i] += sum;
    }
  }

  void gateWindow(Dim window, float* scratch) const {
    const Sizes& s = sizes_;
    const Dim map = window / s.windowsPerMap();
    const Dim index = window % s.windowsPerMap();
    const Dim top = index / s.windowsAcross() * s.windowH;
    const Dim left = index % s.windowsAcross() * s.windowW;
    const auto row = [&](Dim y) { return src_ + ((map * s.h + top + y) * s.w + left) * s.c; };

    float* const sums = scratch;
    float* const maxima = mode_ == FusionMode::Cbam ? scratch + s.c : nullptr;
    float* const hidden = scratch + 2 * s.c;
    float* const gate = gates_ + window * s.c;
    std::fill(sums, sums + s.c, 0.0F);
    if (maxima) std::fill(maxima, maxima + s.c, -std::numeric_limits<float>::infinity());
    for (Dim y = 0; y < s.windowH; ++y) pool(row(y), s.windowW, s.c, sums, maxima);
    const float count = static_cast<float>(s.windowH * s.windowW);
    for (Dim i = 0; i < s.c; ++i) sums[i] /= count;
    std::fill(gate, gate + s.c, 0.0F);
    addLogits(sums, hidden, gate);
    if (maxima) addLogits(maxima, hidden, gate);
    for (Dim i = 0; i < s.c; ++i) gate[i] = logistic(gate[i]);

    // The window is still in the cache: look at it once more for the spatial gate.
    for (Dim y = 0; y < s.windowH; ++y) {
      if (seesStatistics(mode_)) {
        float* const plane = spatial_ + map * 2 * s.planeSize() +
                             (top + y + kBorder) * s.planeWidth() + left + kBorder;
        statistics(row(y), gate, s.windowW, s.c, plane, plane + s.planeSize());
      } else {
        pointwiseGates(row(y), parameters_.spatial.data(), parameters_.spatialBias, s.windowW, s.c,
                       spatial_ + (map * s.h + top + y) * s.w + left);
      }
    }
  }

  void mirrorBorder(Dim plane) const {
    const Sizes& s = sizes_;
    float* const inside = spatial_ + plane * s.planeSize() + kBorder * s.planeWidth() + kBorder;
    for (Dim y = -kBorder; y < s.h + kBorder; ++y) {
      const bool wholeRow = y < 0 || y >= s.h;
      const float* const from = inside + mirrored(y, s.h) * s.planeWidth();
      float* const to = inside + y * s.planeWidth();
      for (Dim x = -kBorder; x < s.w + kBorder; ++x) {
        if (x == 0 && !wholeRow) x = s.w;
        to[x] = from[mirrored(x, s.w)];
      }
    }
  }

  void applyRow(Dim row, float* scratch) const {
    const Sizes& s = sizes_;
    const Dim map = row / s.h;
    const Dim y = row % s.h;
    const float* spatial = spatial_ + row * s.w;
    if (seesStatistics(mode_)) {
      spatialGates(spatial_ + map * 2 * s.planeSize() + y * s.planeWidth(), s.planeSize(),
                   s.planeWidth(), parameters_.spatial.data(), parameters_.spatialBias, s.w,
                   scratch);
      spatial = scratch;
    }
    for (Dim column = 0; column < s.windowsAcross(); ++column) {
      const Dim window = map * s.windowsPerMap() + y / s.windowH * s.windowsAcross() + column;
      const Dim at = (row * s.w + column * s.windowW) * s.c;
      const Run<T> run{residual_ ? residualMap_ + at : nullptr,
                       src_ + at,
                       dst_ + at,
                       gates_ + window * s.c,
                       parameters_.scale.data(),
                       spatial + column * s.windowW,
                       s.windowW,
                       s.c};
      switch (mode_) {
        case FusionMode::SeThenSpatial:
        case FusionMode::Cbam:
          applyProduct(run);
          break;
        case FusionMode::ScseAdd:
          applySum(run);
          break;
        case FusionMode::ParallelMax:
          applyMaximum(run);
          break;
      }
    }
  }

  Sizes sizes_;
  FusionMode mode_;
  Parameters parameters_;
  bool residual_;
  int threads_ = 1;
  const T* src_ = nullptr;
  const T* residualMap_ = nullptr;
  T* dst_ = nullptr;
  float* gates_ = nullptr;    ///< [windows, c]
  float* spatial_ = nullptr;  ///< [mb, 2, planeSize] or [mb, h, w]
  float* threadScratch_ = nullptr;
};

}  // namespace

Tensor seCbam(GraphBuilder& graph, const Tensor& src, const std::string& scope,
              const SeCbamOptions& options) {
  const auto fail = [&](const std::string& what) {
    throw std::invalid_argument("SE-CBAM '" + scope + "': " + what);
  };
  if (src.shape.rank() != 4 || src.shape.elements() < 1 ||
      (src.type != DataType::F32 && src.type != DataType::BF16)) {
    fail("src is " + src.shape.toString() + " " + toString(src.type));
  }
  if (options.residual &&
      (options.residual->shape != src.shape || options.residual->type != src.type)) {
    fail("residual is " + options.residual->shape.toString() + " " +
         toString(options.residual->type) + ", expected " + src.shape.toString() + " " +
         toString(src.type));
  }
  Sizes sizes{src.shape[0], src.shape[1], src.shape[2],  src.shape[3],
              src.shape[1], src.shape[2], options.hidden};
  if (options.window != 0) sizes.windowH = sizes.windowW = options.window;
  if (sizes.windowH < 1 || sizes.h % sizes.windowH != 0 || sizes.w % sizes.windowW != 0) {
    fail("windows of " + std::to_string(options.window) + " do not tile " + src.shape.toString());
  }
  if (sizes.hidden == 0) sizes.hidden = std::max<Dim>(4, sizes.c / 16);
  if (sizes.hidden < 0) fail(std::to_string(sizes.hidden) + " hidden units");

  Parameters parameters;
  parameters.reduce = graph.weight(scope + ".reduce.weight", {sizes.hidden, sizes.c});
  parameters.reduceBias = graph.weight(scope + ".reduce.bias", {sizes.hidden});
  parameters.expand = graph.weight(scope + ".expand.weight", {sizes.c, sizes.hidden});
  parameters.expandBias = graph.weight(scope + ".expand.bias", {sizes.c});
  parameters.spatial = graph.weight(scope + ".spatial.weight", seesStatistics(options.mode)
                                                                   ? Shape{1, 2, kKernel, kKernel}
                                                                   : Shape{1, sizes.c, 1, 1});
  parameters.spatialBias = graph.weight(scope + ".spatial.bias", {1}).front();
  parameters.scale.assign(static_cast<std::size_t>(sizes.c), 1.0F);
  if (!options.scale.empty()) parameters.scale = graph.weight(options.scale, {sizes.c});

  std::vector<Tensor> sources{src};
  if (options.residual) sources.push_back(*options.residual);
  std::unique_ptr<Operator> op;
  if (src.type == DataType::BF16) {
    op = std::make_unique<SeCbam<BFloat16>>(sizes, options.mode, std::move(parameters),
                                            options.residual.has_value());
  } else {
    op = std::make_unique<SeCbam<float>>(sizes, options.mode, std::move(parameters),
                                         options.residual.has_value());
  }
  return graph.add(scope, std::move(op), sources, src.shape, src.type);
}

}  // namespace va
