#include "vision_attention/ops/row_softmax.h"

#include <omp.h>

#include <limits>
#include <stdexcept>

#include "vision_attention/multiversion.h"
#include "vision_attention/ops/vector_math.h"

namespace va {

namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();

VA_MULTIVERSION float largestLogit(const float* src, const float* bias, float scale, Dim columns) {
  float largest = -kInfinity;
  if (bias == nullptr) {
#pragma omp simd reduction(max : largest)
    for (Dim j = 0; j < columns; ++j) {
      const float logit = scale * src[j];
      largest = logit > largest ? logit : largest;
    }
  } else {
#pragma omp simd reduction(max : largest)
    for (Dim j = 0; j < columns; ++j) {
      const float logit = scale * src[j] + bias[j];
      largest = logit > largest ? logit : largest;
    }
  }
  return largest;
}

template <typename T>
VA_INLINE float exponentials(const float* src, const float* bias, float scale, float offset,
                             Dim columns, T* dst) {
  float sum = 0;
  // NOLINTNEXTLINE(bugprone-branch-clone): the second branch adds the bias
  if (bias == nullptr) {
#pragma omp simd reduction(+ : sum)
    for (Dim j = 0; j < columns; ++j) {
      const float value = exponential(scale * src[j] - offset);
      store(dst + j, value);
      sum += value;
    }
  } else {
#pragma omp simd reduction(+ : sum)
    for (Dim j = 0; j < columns; ++j) {
      const float value = exponential(scale * src[j] + bias[j] - offset);
      store(dst + j, value);
      sum += value;
    }
  }
  return sum;
}

VA_MULTIVERSION float exponentialsTo(const float* src, const float* bias, float scale, float offset,
                                     Dim columns, float* dst) {
  return exponentials(src, bias, scale, offset, columns, dst);
}

VA_MULTIVERSION float exponentialsTo(const float* src, const float* bias, float scale, float offset,
                                     Dim columns, BFloat16* dst) {
  return exponentials(src, bias, scale, offset, columns, dst);
}

template <typename T>
float exponentialRowAs(const float* src, const float* bias, float scale, bool plusOne, Dim columns,
                       T* dst) {
  float offset = largestLogit(src, bias, scale, columns);
  if (plusOne && !(offset > 0.0F)) offset = 0.0F;
  // Without a valid key the offset would be -inf and the differences NaN; any finite one gives 0.
  if (offset == -kInfinity) offset = 0.0F;
  const float sum = exponentialsTo(src, bias, scale, offset, columns, dst);
  const float denominator = plusOne ? exponential(-offset) + sum : sum;
  return denominator == 0.0F ? 0.0F : 1.0F / denominator;
}

VA_MULTIVERSION void scaleRow(float* row, float factor, Dim columns) {
  for (Dim j = 0; j < columns; ++j) row[j] *= factor;
}

VA_MULTIVERSION void scaleRowTo(const float* row, float factor, Dim columns, BFloat16* dst) {
  for (Dim j = 0; j < columns; ++j) store(dst + j, row[j] * factor);
}

class RowSoftmax final : public Operator {
 public:
  RowSoftmax(Dim rows, Dim columns, RowSoftmaxOptions options, DataType dstType)
      : rows_(rows), columns_(columns), options_(std::move(options)), dstType_(dstType) {}

  void prepare(const Engine& engine, bool /*inPlace*/) override { threads_ = engine.threads(); }

  std::size_t scratchBytes() const override {
    return dstType_ == DataType::F32 ? 0 : static_cast<std::size_t>(threads_ * columns_) * 4;
  }

  void bind(const Engine& /*engine*/, const Buffers& buffers) override {
    src_ = reinterpret_cast<const float*>(buffers.src[0]);
    dst_ = buffers.dst[0];
    scratch_ = reinterpret_cast<float*>(buffers.scratch);
  }

  void run(const Engine& /*engine*/) override {
    const Dim biasRows =
        options_.bias.empty() ? 1 : static_cast<Dim>(options_.bias.size()) / columns_;
#pragma omp parallel for schedule(static) num_threads(threads_)
    for (Dim row = 0; row < rows_; ++row) {
      const float* const src = src_ + row * columns_;
      const float* const bias =
          options_.bias.empty() ? nullptr : options_.bias.data() + row % biasRows * columns_;
      float* const exponentials = dstType_ == DataType::F32
                                      ? reinterpret_cast<float*>(dst_) + row * columns_
                                      : scratch_ + omp_get_thread_num() * columns_;
      const float factor =
          exponentialRow(src, bias, options_.scale, options_.plusOne, columns_, exponentials);
      if (dstType_ == DataType::F32) {
        scaleRow(exponentials, factor, columns_);
      } else {
        scaleRowTo(exponentials, factor, columns_,
                   reinterpret_cast<BFloat16*>(dst_) + row * columns_);
      }
    }
  }

  int inPlaceSource() const override {
    return dstType_ == DataType::F32 ? 0 : -1;
  }
  std::string kind() const override {
    return "row_softmax";
  }

 private:
  Dim rows_;
  Dim columns_;
  RowSoftmaxOptions options_;
  DataType dstType_;
  int threads_ = 1;
  const float* src_ = nullptr;
  std::byte* dst_ = nullptr;
  float* scratch_ = nullptr;
};

}  // namespace

Tensor rowSoftmax(GraphBuilder& graph, const std::string& name, const Tensor& src,
                  const RowSoftmaxOptions& options) {
  const Dim columns = src.shape[-1];
  const Dim elements = src.shape.elements();
  const Dim biasSize = static_cast<Dim>(options.bias.size());
  const DataType dstType = options.outputType.value_or(graph.activationType());
  if (src.type != DataType::F32 || elements < 1 ||
      (biasSize != 0 && (biasSize % columns != 0 || elements % biasSize != 0)) ||
      (dstType != DataType::F32 && dstType != DataType::BF16)) {
    throw std::invalid_argument("row softmax '" + name + "': src is " + src.shape.toString() + " " +
                                toString(src.type) + ", bias has " + std::to_string(biasSize) +
                                " values, dst is " + toString(dstType));
  }
  return graph.add(name,
                   std::make_unique<RowSoftmax>(elements / columns, columns, options, dstType),
                   {src}, src.shape, dstType);
}

float exponentialRow(const float* src, const float* bias, float scale, bool plusOne, Dim columns,
                     float* dst) {
  return exponentialRowAs(src, bias, scale, plusOne, columns, dst);
}

float exponentialRow(const float* src, const float* bias, float scale, bool plusOne, Dim columns,
                     BFloat16* dst) {
  return exponentialRowAs(src, bias, scale, plusOne, columns, dst);
}

}  // namespace va
