#pragma once

#include <cstdint>
#include <vector>

#include "vision_attention/shape.h"

namespace va {

/// Weights of a convolution as levels: value = levels[oc] * values.
struct Int8Weights {
  std::vector<std::int8_t> values;  ///< as the weights, [oc, ic, kh, kw]
  std::vector<float> levels;        ///< [oc]
};

/// Nearest symmetric levels for each output channel; the largest magnitude of a channel is 127. On
/// processors without int8 dot products, where oneDNN adds pairs of u8 x s8 products in 16 bits,
/// the weights keep 7 bits, so that no sum saturates and the result is exact on every processor;
/// for a source in s8 they are then even, because oneDNN halves them.
Int8Weights quantizeWeights(const std::vector<float>& weights, Dim outputChannels, DataType srcType,
                            bool dotProducts);

}  // namespace va
