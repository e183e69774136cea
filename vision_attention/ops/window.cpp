#include "vision_attention/ops/window.h"

#include <cmath>
#include <cstring>
#include <stdexcept>

#include "vision_attention/bfloat16.h"
#include "vision_attention/multiversion.h"
#include "vision_attention/ops/vector_math.h"

namespace va {

namespace {

constexpr float kEpsilon = 1e-5F;

struct Sizes {
  Dim mb = 0;
  Dim h = 0;
  Dim w = 0;
  Dim c = 0;
  Dim window = 0;

  Dim rows() const { return mb * h; }
  Dim windowsAcross() const { return w / window; }
  /// First element, in window order, of the run that window column `column` cuts from map row
  /// `row`.
  Dim windowRow(Dim row, Dim column) const {
    const Dim index = row / window * windowsAcross() + column;
    return (index * window + row % window) * window * c;
  }
};

template <typename S, typename D>
VA_INLINE void normalize(const S* src, Dim positions, Dim c, D* dst) {
  for (Dim p = 0; p < positions; ++p, src += c, dst += c) {
    float sum = 0;
#pragma omp simd reduction(+ : sum)
    for (Dim i = 0; i < c; ++i) sum += static_cast<float>(src[i]);
    const float mean = sum / static_cast<float>(c);
    float squares = 0;
#pragma omp simd reduction(+ : squares)
    for (Dim i = 0; i < c; ++i) {
      const float difference = static_cast<float>(src[i]) - mean;
      squares += difference * difference;
    }
    const float factor = 1.0F / std::sqrt(squares / static_cast<float>(c) + kEpsilon);
#pragma omp simd
    for (Dim i = 0; i < c; ++i) store(dst + i, (static_cast<float>(src[i]) - mean) * factor);
  }
}

VA_MULTIVERSION void normalizeRun(const float* src, Dim positions, Dim c, float* dst) {
  normalize(src, positions, c, dst);
}
VA_MULTIVERSION void normalizeRun(const BFloat16* src, Dim positions, Dim c, float* dst) {
  normalize(src, positions, c, dst);
}
VA_MULTIVERSION void normalizeRun(const BFloat16* src, Dim positions, Dim c, BFloat16* dst) {
  normalize(src, positions, c, dst);
}
VA_MULTIVERSION void normalizeRun(const float* src, Dim positions, Dim c, BFloat16* dst) {
  normalize(src, positions, c, dst);
}

template <typename S, typename D>
VA_INLINE void convertTo(const S* src, Dim count, D* dst) {
  for (Dim i = 0; i < count; ++i) store(dst + i, static_cast<float>(src[i]));
}

VA_MULTIVERSION void convertRun(const float* src, Dim count, float* dst) {
  convertTo(src, count, dst);
}
VA_MULTIVERSION void convertRun(const BFloat16* src, Dim count, float* dst) {
  convertTo(src, count, dst);
}
VA_MULTIVERSION void convertRun(const BFloat16* src, Dim count, BFloat16* dst) {
  std::memcpy(dst, src, static_cast<std::size_t>(count) * sizeof(BFloat16));
}
VA_MULTIVERSION void convertRun(const float* src, Dim count, BFloat16* dst) {
  convertTo(src, count, dst);
}

VA_MULTIVERSION void addRun(const float* a, const float* b, Dim count, float* dst) {
#pragma omp simd
  for (Dim i = 0; i < count; ++i) dst[i] = a[i] + b[i];
}
VA_MULTIVERSION void addRun(const BFloat16* a, const BFloat16* b, Dim count, BFloat16* dst) {
#pragma omp simd
  for (Dim i = 0; i < count; ++i) {
    store(dst + i, static_cast<float>(a[i]) + static_cast<float>(b[i]));
  }
}

class WindowPartition final : public Operator {
 public:
  WindowPartition(Sizes sizes, bool normalized, DataType srcType, DataType dstType)
      : sizes_(sizes), normalized_(normalized), srcType_(srcType), dstType_(dstType) {}

  void prepare(const Engine& /*engine*/, bool /*inPlace*/) override {}
  void bind(const Engine& /*engine*/, const Buffers& buffers) override { buffers_ = buffers; }

  void run(const Engine& /*engine*/) override {
    if (srcType_ == DataType::F32) {
      dstType_ == DataType::F32 ? runAs<float, float>() : runAs<float, BFloat16>();
    } else {
      dstType_ == DataType::F32 ? runAs<BFloat16, float>() : runAs<BFloat16, BFloat16>();
    }
  }

  std::string kind() const override { return normalized_ ? "window_norm" : "window"; }

 private:
  template <typename S, typename D>
  void runAs() {
    const S* const src = reinterpret_cast<const S*>(buffers_.src[0]);
    D* const dst = reinterpret_cast<D*>(buffers_.dst[0]);
    const Sizes s = sizes_;
#pragma omp parallel for schedule(static)
    for (Dim row = 0; row < s.rows(); ++row) {
      for (Dim column = 0; column < s.windowsAcross(); ++column) {
        const S* const from = src + (row * s.w + column * s.window) * s.c;
        D* const to = dst + s.windowRow(row, column);
        if (normalized_) {
          normalizeRun(from, s.window, s.c, to);
        } else {
          convertRun(from, s.window * s.c, to);
        }
      }
    }
  }

  Sizes sizes_;
  bool normalized_;
  DataType srcType_;
  DataType dstType_;
  Buffers buffers_;
};

class WindowMerge final : public Operator {
 public:
  WindowMerge(Sizes sizes, DataType type) : sizes_(sizes), type_(type) {}

  void prepare(const Engine& /*engine*/, bool /*inPlace*/) override {}
  void bind(const Engine& /*engine*/, const Buffers& buffers) override { buffers_ = buffers; }

  void run(const Engine& /*engine*/) override {
    type_ == DataType::F32 ? runAs<float>() : runAs<BFloat16>();
  }

  int inPlaceSource() const override { return 1; }
  std::string kind() const override { return "window"; }

 private:
  template <typename T>
  void runAs() {
    const T* const windows = reinterpret_cast<const T*>(buffers_.src[0]);
    const T* const residual = reinterpret_cast<const T*>(buffers_.src[1]);
    T* const dst = reinterpret_cast<T*>(buffers_.dst[0]);
    const Sizes s = sizes_;
#pragma omp parallel for schedule(static)
    for (Dim row = 0; row < s.rows(); ++row) {
      for (Dim column = 0; column < s.windowsAcross(); ++column) {
        const Dim at = (row * s.w + column * s.window) * s.c;
        addRun(windows + s.windowRow(row, column), residual + at, s.window * s.c, dst + at);
      }
    }
  }

  Sizes sizes_;
  DataType type_;
  Buffers buffers_;
};

bool isFloating(DataType type) {
  return type == DataType::F32 || type == DataType::BF16;
}

Sizes checkedSizes(const std::string& name, const Tensor& map, Dim window) {
  const bool isMap = map.shape.rank() == 4 && isFloating(map.type);
  if (!isMap || window < 1 || map.shape[1] % window != 0 || map.shape[2] % window != 0) {
    throw std::invalid_argument("window '" + name + "': map is " + map.shape.toString() + " " +
                                toString(map.type) + ", window " + std::to_string(window));
  }
  return {map.shape[0], map.shape[1], map.shape[2], map.shape[3], window};
}

Shape windowShape(const Sizes& s) {
  return {s.mb * (s.h / s.window) * s.windowsAcross(), s.window, s.window, s.c};
}

}  // namespace

Tensor windowPartition(GraphBuilder& graph, const std::string& name, const Tensor& src,
                       const WindowPartitionOptions& options) {
  const Sizes sizes = checkedSizes(name, src, options.window);
  const DataType dstType = options.outputType.value_or(graph.activationType());
  if (!isFloating(dstType)) {
    throw std::invalid_argument("window '" + name + "': dst is " + toString(dstType));
  }
  return graph.add(name,
                   std::make_unique<WindowPartition>(sizes, options.normalize, src.type, dstType),
                   {src}, windowShape(sizes), dstType);
}

Tensor windowMerge(GraphBuilder& graph, const std::string& name, const Tensor& windows,
                   const Tensor& residual) {
  const Dim window = windows.shape.rank() == 4 ? windows.shape[1] : 0;
  const Sizes sizes = checkedSizes(name, residual, window);
  if (windows.shape != windowShape(sizes) || windows.type != residual.type) {
    throw std::invalid_argument("window '" + name + "': windows are " + windows.shape.toString() +
                                " " + toString(windows.type) + ", map is " +
                                residual.shape.toString() + " " + toString(residual.type));
  }
  return graph.add(name, std::make_unique<WindowMerge>(sizes, residual.type), {windows, residual},
                   residual.shape, residual.type);
}

}  // namespace va
