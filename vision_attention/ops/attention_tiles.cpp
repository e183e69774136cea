#include "vision_attention/ops/attention_tiles.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <type_traits>

#include "vision_attention/multiversion.h"
#include "vision_attention/ops/scratch_layout.h"
#include "vision_attention/ops/token_rows.h"
#include "vision_attention/ops/vector_math.h"

namespace va {

namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();

VA_MULTIVERSION void addBiases(float* row, float scale, const float* bias, const float* keyBias,
                               Dim columns) {
  for (Dim j = 0; j < columns; ++j) row[j] *= scale;
  if (bias != nullptr) {
    for (Dim j = 0; j < columns; ++j) row[j] += bias[j];
  }
  if (keyBias != nullptr) {
    for (Dim j = 0; j < columns; ++j) row[j] += keyBias[j];
  }
}

VA_MULTIVERSION float largest(const float* row, Dim columns) {
  float result = -kInfinity;
#pragma omp simd reduction(max : result)
  for (Dim j = 0; j < columns; ++j) result = row[j] > result ? row[j] : result;
  return result;
}

template <typename T>
VA_INLINE float exponentials(const float* row, float scale, float offset, Dim columns, T* dst) {
  float sum = 0;
#pragma omp simd reduction(+ : sum)
  for (Dim j = 0; j < columns; ++j) {
    const float value = exponential(scale * row[j] - offset);
    store(dst + j, value);
    sum += value;
  }
  return sum;
}

VA_MULTIVERSION float exponentialsTo(const float* row, float scale, float offset, Dim columns,
                                     float* dst) {
  return exponentials(row, scale, offset, columns, dst);
}
VA_MULTIVERSION float exponentialsTo(const float* row, float scale, float offset, Dim columns,
                                     BFloat16* dst) {
  return exponentials(row, scale, offset, columns, dst);
}

VA_MULTIVERSION void addRows(float* row, const float* addend, Dim count) {
  for (Dim j = 0; j < count; ++j) row[j] += addend[j];
}

VA_MULTIVERSION void scaleRow(float* row, float factor, Dim columns) {
  for (Dim j = 0; j < columns; ++j) row[j] *= factor;
}

template <typename T>
constexpr DataType typeOf() {
  return std::is_same_v<T, BFloat16> ? DataType::BF16 : DataType::F32;
}

}  // namespace

Dim evenTile(Dim count, Dim tile) {
  const Dim pieces = std::max<Dim>(1, (count + tile - 1) / tile);
  return std::max<Dim>(1, (count + pieces - 1) / pieces);
}

template <typename T>
AttentionTiles<T>::AttentionTiles(const AttentionTilesOptions& options)
    : options_(options),
      scoreProduct_(std::make_unique<ThreadMatmul>(ThreadMatmulOptions{.m = options.queries,
                                                                       .n = options.keys,
                                                                       .k = options.keySize,
                                                                       .transposeB = true,
                                                                       .type = typeOf<T>()})),
      valueProduct_(std::make_unique<ThreadMatmul>(ThreadMatmulOptions{
          .m = options.queries, .n = options.valueSize, .k = options.keys, .type = typeOf<T>()})) {}

template <typename T>
void AttentionTiles<T>::prepare(const Engine& engine) {
  scoreProduct_->prepare(engine);
  valueProduct_->prepare(engine);
  const auto& [queries, keys, keySize, valueSize] = options_;
  ScratchLayout layout;
  queries_ = layout.reserve<T>(queries * keySize);
  keys_ = layout.reserve<T>(keys * keySize);
  values_ = layout.reserve<T>(keys * valueSize);
  scores_ = layout.reserve<float>(queries * keys);
  weights_ = std::is_same_v<T, float> ? scores_ : layout.reserve<T>(queries * keys);
  product_ = layout.reserve<float>(queries * valueSize);
  sums_ = layout.reserve<float>(queries);
  maxima_ = layout.reserve<float>(queries);
  out_ = layout.reserve<float>(queries * valueSize);
  matmul_ = layout.reserve<std::byte>(
      static_cast<Dim>(std::max(scoreProduct_->scratchBytes(), valueProduct_->scratchBytes())));
  bytes_ = layout.bytes();
  scratch_.resize(static_cast<std::size_t>(engine.threads()));
}

template <typename T>
std::size_t AttentionTiles<T>::threadBytes() const {
  return bytes_;
}

template <typename T>
void AttentionTiles<T>::bind(const Engine& engine, std::byte* scratch) {
  for (std::size_t t = 0; t < scratch_.size(); ++t) {
    bindThread(engine, static_cast<int>(t), scratch + t * bytes_);
  }
}

template <typename T>
void AttentionTiles<T>::bindThread(const Engine& engine, int thread, std::byte* scratch) {
  scratch_.at(static_cast<std::size_t>(thread)) = scratch;
  scoreProduct_->bind(engine, thread, queries(thread), keys(thread), at<float>(thread, scores_),
                      at<std::byte>(thread, matmul_));
  valueProduct_->bind(engine, thread, at<T>(thread, weights_), values(thread),
                      at<float>(thread, product_), at<std::byte>(thread, matmul_));
}

template <typename T>
void AttentionTiles<T>::begin(int thread, Dim rows) {
  std::fill_n(at<float>(thread, sums_), rows, 0.0F);
  std::fill_n(at<float>(thread, maxima_), rows, -kInfinity);
  std::fill_n(at<float>(thread, out_), rows * options_.valueSize, 0.0F);
}

template <typename T>
void AttentionTiles<T>::accumulate(int thread, Dim rows, Dim columns, const TileLogits& logits,
                                   const TileWeights& kept) {
  const Dim keys = options_.keys;
  const Dim valueSize = options_.valueSize;
  scoreProduct_->run(thread);
  // What an earlier tile left behind may be infinite, and infinity times weight 0 is NaN.
  std::fill_n(values(thread) + columns * valueSize, (keys - columns) * valueSize, T(0.0F));
  float* const sums = at<float>(thread, sums_);
  float* const maxima = at<float>(thread, maxima_);
  float* const out = at<float>(thread, out_);
  const bool biased = logits.bias != nullptr || logits.keyBias != nullptr;
  const float scale = biased ? 1.0F : logits.scale;
  for (Dim i = 0; i < rows; ++i) {
    float* const row = at<float>(thread, scores_) + i * keys;
    T* const weights = at<T>(thread, weights_) + i * keys;
    if (biased) {
      const float* const bias =
          logits.bias == nullptr ? nullptr : logits.bias + i * logits.biasStride;
      addBiases(row, logits.scale, bias, logits.keyBias, columns);
    }
    const float before = maxima[i];
    const float now = std::max(before, scale * largest(row, columns));
    // Without a valid key so far the differences would be NaN; any finite offset gives zeros.
    const float offset = now == -kInfinity ? 0.0F : now;
    float sum = 0.0F;
    if (kept.weights == nullptr) {
      sum = exponentialsTo(row, scale, offset, columns, weights);
    } else {
      float* const keep = kept.weights + i * kept.stride;
      sum = exponentialsTo(row, scale, offset, columns, keep);
      copyRows(keep, columns, 1, columns, weights, columns);
      kept.offsets[i] = offset;
    }
    std::fill_n(weights + columns, keys - columns, T(0.0F));
    const float factor = before == -kInfinity ? 0.0F : exponential(before - offset);
    sums[i] = sums[i] * factor + sum;
    maxima[i] = now;
    if (factor != 1.0F) scaleRow(out + i * valueSize, factor, valueSize);
  }
  valueProduct_->run(thread);
  addRows(out, at<float>(thread, product_), rows * valueSize);
}

template <typename T>
float AttentionTiles<T>::share(int thread, Dim row, float offset) const {
  const float sum = at<float>(thread, sums_)[row];
  return sum == 0.0F ? 0.0F : exponential(offset - at<float>(thread, maxima_)[row]) / sum;
}

template <typename T>
const float* AttentionTiles<T>::finish(int thread, Dim rows) {
  const float* const sums = at<float>(thread, sums_);
  float* const out = at<float>(thread, out_);
  for (Dim i = 0; i < rows; ++i) {
    const float factor = sums[i] == 0.0F ? 0.0F : 1.0F / sums[i];
    scaleRow(out + i * options_.valueSize, factor, options_.valueSize);
  }
  return out;
}

template <typename T>
const float* AttentionTiles<T>::attend(int thread, Dim rows, const KeyRows<T>& source,
                                       TileLogits logits) {
  begin(thread, rows);
  for (Dim first = 0; first < source.count; first += options_.keys) {
    const Dim columns = std::min(options_.keys, source.count - first);
    copyRows(source.keys + first * source.keyStride, source.keyStride, columns, options_.keySize,
             keys(thread), options_.keySize);
    copyRows(source.values + first * source.valueStride, source.valueStride, columns,
             options_.valueSize, values(thread), options_.valueSize);
    accumulate(thread, rows, columns, logits);
    if (logits.bias != nullptr) logits.bias += options_.keys;
    if (logits.keyBias != nullptr) logits.keyBias += options_.keys;
  }
  return finish(thread, rows);
}

template <typename T>
std::string AttentionTiles<T>::implementation() const {
  return scoreProduct_->implementation() + "; " + valueProduct_->implementation();
}

template class AttentionTiles<float>;
template class AttentionTiles<BFloat16>;

}  // namespace va
