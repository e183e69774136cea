#include "vision_attention/ops/rms_norm.h"

#include <cmath>
#include <stdexcept>

#include "vision_attention/bfloat16.h"
#include "vision_attention/multiversion.h"
#include "vision_attention/ops/vector_math.h"

namespace va {

namespace {

constexpr float kEpsilon = 1e-6F;

template <typename T>
VA_INLINE void normalize(const T* src, const float* gain, Dim count, T* dst) {
  float squares = 0.0F;
#pragma omp simd reduction(+ : squares)
  for (Dim i = 0; i < count; ++i) {
    const float value = static_cast<float>(src[i]);
    squares += value * value;
  }
  const float scale = 1.0F / std::sqrt(squares / static_cast<float>(count) + kEpsilon);
  for (Dim i = 0; i < count; ++i) store(dst + i, static_cast<float>(src[i]) * scale * gain[i]);
}

VA_MULTIVERSION void normalizeTo(const float* src, const float* gain, Dim count, float* dst) {
  normalize(src, gain, count, dst);
}
VA_MULTIVERSION void normalizeTo(const BFloat16* src, const float* gain, Dim count, BFloat16* dst) {
  normalize(src, gain, count, dst);
}

template <typename T>
class RmsNorm final : public Operator {
 public:
  RmsNorm(Dim rows, std::vector<float> gain) : rows_(rows), gain_(std::move(gain)) {}

  void prepare(const Engine& engine, bool /*inPlace*/) override { threads_ = engine.threads(); }
  void bind(const Engine& /*engine*/, const Buffers& buffers) override { buffers_ = buffers; }

  void run(const Engine& /*engine*/) override {
    const T* const src = reinterpret_cast<const T*>(buffers_.src[0]);
    T* const dst = reinterpret_cast<T*>(buffers_.dst[0]);
    const Dim c = static_cast<Dim>(gain_.size());
#pragma omp parallel for schedule(static) num_threads(threads_)
    for (Dim row = 0; row < rows_; ++row) {
      normalizeTo(src + row * c, gain_.data(), c, dst + row * c);
    }
  }
  int inPlaceSource() const override {
    return 0;
  }
  std::string kind() const override {
    return "rms_norm";
  }

 private:
  Dim rows_;
  std::vector<float> gain_;
  int threads_ = 1;
  Buffers buffers_;
};

}  // namespace

Tensor rmsNorm(GraphBuilder& graph, const Tensor& src, const std::string& name) {
  const Dim c = src.shape[-1];
  if (c < 1 || (src.type != DataType::F32 && src.type != DataType::BF16)) {
    throw std::invalid_argument("rms norm '" + name + "': src is " + src.shape.toString() + " " +
                                toString(src.type));
  }
  const auto& gain = graph.weight(name + ".weight", {c});
  const Dim rows = src.shape.elements() / c;
  std::unique_ptr<Operator> op;
  if (src.type == DataType::BF16) {
    op = std::make_unique<RmsNorm<BFloat16>>(rows, gain);
  } else {
    op = std::make_unique<RmsNorm<float>>(rows, gain);
  }
  return graph.add(name, std::move(op), {src}, src.shape, src.type);
}

}  // namespace va
