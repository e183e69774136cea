#pragma once

#include <optional>
#include <string>
#include <vector>

#include "vision_attention/graph_builder.h"

namespace va {

struct ReuseOptions {
  std::vector<Dim> kernels = {1, 3, 5, 7};  ///< of the depthwise values of each head, odd
  Dim queryKernel = 7;                      ///< depthwise convolution on the queries, odd
  bool importScale = false;  ///< scores times 16^-1/2 as in the authors' code, else (c / 4)^-1/2
};

/// Reuse attention of UniForm (Yeom and Kim, arXiv 2412.02344) on windows [mb, h, w, c]: one
/// softmax map, from c / 4 query and key channels, for all heads; head i's values are its channels
/// through a depthwise convolution of kernels[i]; rectifier, projection. With n = h w: scores
/// n^2 c / 4 instead of n^2 c, values n^2 c multiply-adds, streamed. Batch normalisations are
/// folded (foldBatchNorm). Weights scope.qk [c / 2, c, 1, 1] (queries first), scope.local_q [c / 4,
/// 1, k, k], scope.local_v.<i> [c / heads, 1, k_i, k_i], scope.projection [c, c, 1, 1], each with
/// .weight and .bias, and scope.bias [h, w], added to scores by (|dy|, |dx|).
Tensor reuseAttention(GraphBuilder& graph, const Tensor& src, const std::string& scope,
                      const ReuseOptions& options = {});

struct MapAttentionOptions {
  Dim heads = 8;        ///< divide the channels
  Dim reusedHeads = 0;  ///< the first heads, which take the previous layer's maps
};

struct MappedLayer {
  Tensor dst;  ///< [mb, n, c]
  Tensor map;  ///< [mb, heads, n, n] f32 or the activation type; the previous one if all are reused
};

/// Attention that keeps its maps so that later layers may reuse them (Bhojanapalli et al., "Reuse
/// Transformers", arXiv 2110.06821) on tokens [mb, n, c]. A layer with reusedHeads > 0 takes that
/// many maps of `previous` and has queries and keys for the other heads only:
/// (1 - reused share) n^2 c + n^2 c multiply-adds. Memory heads n^2. Weights scope.q, scope.k
/// [own heads * d, c], scope.v, scope.projection, with bias.
MappedLayer mapAttention(GraphBuilder& graph, const Tensor& src, const std::string& scope,
                         const MapAttentionOptions& options,
                         const std::optional<Tensor>& previous = std::nullopt);

/// Statistics and affine of a batch normalisation, each [oc].
struct BatchNorm {
  std::vector<float> gain;
  std::vector<float> offset;
  std::vector<float> mean;
  std::vector<float> variance;
  float epsilon = 1e-5F;
};

/// Folds a batch normalisation into the convolution before it: weights [oc, ...], bias [oc] or
/// empty; throws std::invalid_argument on sizes that do not fit.
void foldBatchNorm(const BatchNorm& norm, std::vector<float>& weights, std::vector<float>& bias);

}  // namespace va
