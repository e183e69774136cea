#include "vision_attention/ops/depth_to_space.h"

#include <cstring>
#include <stdexcept>

#include "vision_attention/bfloat16.h"
#include "vision_attention/multiversion.h"

namespace va {

namespace {

struct Sizes {
  Dim mb = 0;
  Dim h = 0;
  Dim w = 0;
  Dim c = 0;  ///< of the result
  Dim factor = 1;
};

VA_MULTIVERSION void addRow(const float* a, const float* b, float* dst, Dim count) {
  for (Dim i = 0; i < count; ++i) dst[i] = a[i] + b[i];
}

VA_MULTIVERSION void addRow(const BFloat16* a, const BFloat16* b, BFloat16* dst, Dim count) {
  for (Dim i = 0; i < count; ++i)
    dst[i] = BFloat16(static_cast<float>(a[i]) + static_cast<float>(b[i]));
}

enum class Residual { None, Full, Repeated };

template <typename T>
void shuffle(const Sizes& s, const T* src, const T* residual, Residual kind, T* dst) {
  const Dim r = s.factor;
  const Dim rows = s.mb * s.h;
#pragma omp parallel for schedule(static)
  for (Dim row = 0; row < rows; ++row) {
    for (Dim dy = 0; dy < r; ++dy) {
      const Dim dstRow = (row * r + dy) * s.w * r * s.c;
      for (Dim x = 0; x < s.w; ++x) {
        // The r pixels (r x + 0 ... r - 1) of one output row lie side by side on both ends.
        const T* from = src + ((row * s.w + x) * r * r + dy * r) * s.c;
        const Dim to = dstRow + x * r * s.c;
        if (kind == Residual::Full) {
          addRow(from, residual + to, dst + to, r * s.c);
        } else if (kind == Residual::Repeated) {
          const T* pixel = residual + (row * s.w + x) * s.c;
          for (Dim dx = 0; dx < r; ++dx) {
            addRow(from + dx * s.c, pixel, dst + to + dx * s.c, s.c);
          }
        } else {
          std::memcpy(dst + to, from, static_cast<std::size_t>(r * s.c) * sizeof(T));
        }
      }
    }
  }
}

class DepthToSpace final : public Operator {
 public:
  DepthToSpace(Sizes sizes, DataType type, Residual residual)
      : sizes_(sizes), type_(type), residual_(residual) {}

  void prepare(const Engine& /*engine*/, bool /*inPlace*/) override {}
  void bind(const Engine& /*engine*/, const Buffers& buffers) override { buffers_ = buffers; }

  void run(const Engine& /*engine*/) override {
    if (type_ == DataType::BF16) {
      runAs<BFloat16>();
    } else {
      runAs<float>();
    }
  }

  int inPlaceSource() const override { return residual_ == Residual::Full ? 1 : -1; }
  std::string kind() const override { return "depth_to_space"; }

 private:
  template <typename T>
  void runAs() {
    shuffle(sizes_, reinterpret_cast<const T*>(buffers_.src[0]),
            residual_ == Residual::None ? nullptr : reinterpret_cast<const T*>(buffers_.src[1]),
            residual_, reinterpret_cast<T*>(buffers_.dst[0]));
  }

  Sizes sizes_;
  DataType type_;
  Residual residual_;
  Buffers buffers_;
};

}  // namespace

Tensor depthToSpace(GraphBuilder& graph, const std::string& name, const Tensor& src, Dim factor,
                    const std::optional<Tensor>& residual) {
  if (src.shape.rank() != 4 || factor < 1 || src.shape[3] % (factor * factor) != 0 ||
      (src.type != DataType::F32 && src.type != DataType::BF16)) {
    throw std::invalid_argument("depth to space '" + name + "': src is " + src.shape.toString() +
                                " " + toString(src.type) + ", factor " + std::to_string(factor));
  }
  const Sizes sizes{src.shape[0], src.shape[1], src.shape[2], src.shape[3] / (factor * factor),
                    factor};
  const Shape dst{sizes.mb, sizes.h * factor, sizes.w * factor, sizes.c};
  const Shape repeated{sizes.mb, sizes.h, sizes.w, sizes.c};
  std::vector<Tensor> sources{src};
  Residual kind = Residual::None;
  if (residual) {
    kind = residual->shape == dst ? Residual::Full : Residual::Repeated;
    if ((residual->shape != dst && residual->shape != repeated) || residual->type != src.type) {
      throw std::invalid_argument("depth to space '" + name + "': residual is " +
                                  residual->shape.toString() + " " + toString(residual->type) +
                                  ", expected " + dst.toString() + " or " + repeated.toString() +
                                  " " + toString(src.type));
    }
    sources.push_back(*residual);
  }
  return graph.add(name, std::make_unique<DepthToSpace>(sizes, src.type, kind), sources, dst,
                   src.type);
}

}  // namespace va
