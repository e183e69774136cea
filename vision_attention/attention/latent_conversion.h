#pragma once

#include <vector>

#include "vision_attention/shape.h"

namespace va {

/// How keys and values share the latent.
enum class LatentFactorization {
  Joint,  ///< one decomposition of keys stacked on values
  Split,  ///< half of the latent each
};

/// Weights of a latent attention that come closest to those of a trained layer.
struct LatentFactors {
  std::vector<float> down;      ///< W_DKV [rank, c]
  std::vector<float> keyUp;     ///< W_UK [rows of the key weights, rank]
  std::vector<float> valueUp;   ///< W_UV [rows of the value weights, rank]
  std::vector<double> dropped;  ///< singular values that the rank leaves out, descending: the error
                                ///< of [keys; values] is the root of their sum of squares
};

/// Converts trained key and value projections [h d, c] without positions into latent form of `rank`
/// (MHA2MLA, arXiv 2502.14837) by singular value decomposition in f64. Throws std::invalid_argument
/// on sizes that do not fit. For layers without norms (LatentOptions::normalized false).
LatentFactors factorizeLatent(const std::vector<float>& keyWeights,
                              const std::vector<float>& valueWeights, Dim c, Dim rank,
                              LatentFactorization form = LatentFactorization::Joint);

}  // namespace va
