#include "vision_attention/ops/pool.h"

#include <omp.h>

#include <algorithm>
#include <stdexcept>

#include "vision_attention/ops/token_rows.h"

namespace va {

namespace {

template <typename T>
class AdaptivePool final : public Operator {
 public:
  AdaptivePool(Shape src, Dim side) : src_(std::move(src)), side_(side) {}

  void prepare(const Engine& engine, bool /*inPlace*/) override { threads_ = engine.threads(); }
  std::size_t scratchBytes() const override {
    return static_cast<std::size_t>(threads_ * src_[3]) * sizeof(float);
  }
  void bind(const Engine& /*engine*/, const Buffers& buffers) override { buffers_ = buffers; }

  void run(const Engine& /*engine*/) override {
    const Dim h = src_[1];
    const Dim w = src_[2];
    const Dim c = src_[3];
    const Dim bins = side_ * side_;
    const T* const src = reinterpret_cast<const T*>(buffers_.src[0]);
    T* const dst = reinterpret_cast<T*>(buffers_.dst[0]);
#pragma omp parallel for schedule(static) num_threads(threads_)
    for (Dim item = 0; item < src_[0] * bins; ++item) {
      float* const sums = reinterpret_cast<float*>(buffers_.scratch) + omp_get_thread_num() * c;
      const Dim i = item % bins / side_;
      const Dim j = item % side_;
      const Dim top = i * h / side_;
      const Dim bottom = ((i + 1) * h + side_ - 1) / side_;
      const Dim left = j * w / side_;
      const Dim right = ((j + 1) * w + side_ - 1) / side_;
      const float factor = 1.0F / static_cast<float>((bottom - top) * (right - left));
      std::fill_n(sums, c, 0.0F);
      for (Dim y = top; y < bottom; ++y) {
        for (Dim x = left; x < right; ++x) {
          addScaled(src + ((item / bins * h + y) * w + x) * c, factor, c, sums);
        }
      }
      copyRows(sums, c, 1, c, dst + item * c, c);
    }
  }
  std::string kind() const override {
    return "pool";
  }

 private:
  Shape src_;
  Dim side_;
  int threads_ = 1;
  Buffers buffers_;
};

}  // namespace

Tensor adaptivePool(GraphBuilder& graph, const std::string& name, const Tensor& src, Dim side) {
  if (src.shape.rank() != 4 || (src.type != DataType::F32 && src.type != DataType::BF16) ||
      src.shape.elements() == 0 || side < 1) {
    throw std::invalid_argument("pool '" + name + "': src is " + src.shape.toString() + " " +
                                toString(src.type) + ", " + std::to_string(side) + " bins a side");
  }
  std::unique_ptr<Operator> op;
  if (src.type == DataType::BF16) {
    op = std::make_unique<AdaptivePool<BFloat16>>(src.shape, side);
  } else {
    op = std::make_unique<AdaptivePool<float>>(src.shape, side);
  }
  return graph.add(name, std::move(op), {src}, {src.shape[0], side * side, src.shape[3]}, src.type);
}

}  // namespace va
