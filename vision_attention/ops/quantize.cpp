#include "vision_attention/ops/quantize.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <stdexcept>

#include "vision_attention/bfloat16.h"
#include "vision_attention/multiversion.h"

namespace va {

namespace {

constexpr Dim kChunk = 16384;  ///< values that a thread takes at once

/// Adding 1.5 * 2^23 leaves the nearest integer in the low bits of the fraction.
constexpr float kRounder = 12582912.0F;
constexpr std::int32_t kRounderBits = 0x4B400000;

template <typename T>
VA_INLINE void toLevels(const T* src, float perLevel, Dim count, std::int8_t* dst) {
#pragma omp simd
  for (Dim i = 0; i < count; ++i) {
    const float level = static_cast<float>(src[i]) * perLevel;
    const float limited = std::min(std::max(level, -127.0F), 127.0F);
    dst[i] =
        static_cast<std::int8_t>(std::bit_cast<std::int32_t>(limited + kRounder) - kRounderBits);
  }
}

VA_MULTIVERSION void levels(const float* src, float perLevel, Dim count, std::int8_t* dst) {
  toLevels(src, perLevel, count, dst);
}
VA_MULTIVERSION void levels(const BFloat16* src, float perLevel, Dim count, std::int8_t* dst) {
  toLevels(src, perLevel, count, dst);
}

template <typename T>
class Quantize final : public Operator {
 public:
  Quantize(Dim elements, float level) : elements_(elements), perLevel_(1.0F / level) {}

  void prepare(const Engine& engine, bool /*inPlace*/) override { threads_ = engine.threads(); }

  void bind(const Engine& /*engine*/, const Buffers& buffers) override {
    src_ = reinterpret_cast<const T*>(buffers.src[0]);
    dst_ = reinterpret_cast<std::int8_t*>(buffers.dst[0]);
  }

  void run(const Engine& /*engine*/) override {
    const Dim chunks = (elements_ + kChunk - 1) / kChunk;
#pragma omp parallel for num_threads(threads_) schedule(static)
    for (Dim chunk = 0; chunk < chunks; ++chunk) {
      const Dim begin = chunk * kChunk;
      levels(src_ + begin, perLevel_, std::min(kChunk, elements_ - begin), dst_ + begin);
    }
  }

  std::string kind() const override {
    return "quantize";
  }

 private:
  Dim elements_;
  float perLevel_;
  int threads_ = 1;
  const T* src_ = nullptr;
  std::int8_t* dst_ = nullptr;
};

}  // namespace

Tensor quantize(GraphBuilder& graph, const std::string& name, const Tensor& src, float level) {
  if (src.type != DataType::F32 && src.type != DataType::BF16) {
    throw std::invalid_argument("quantize '" + name + "': src is " + toString(src.type) +
                                ", expected f32 or bf16");
  }
  if (!(level > 0.0F) || !std::isfinite(1.0F / level)) {
    throw std::invalid_argument("quantize '" + name + "': level is " + std::to_string(level));
  }
  std::unique_ptr<Operator> op;
  if (src.type == DataType::BF16) {
    op = std::make_unique<Quantize<BFloat16>>(src.shape.elements(), level);
  } else {
    op = std::make_unique<Quantize<float>>(src.shape.elements(), level);
  }
  return graph.add(name, std::move(op), {src}, src.shape, DataType::S8);
}

}  // namespace va
