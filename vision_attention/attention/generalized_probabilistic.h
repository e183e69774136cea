#pragma once

#include <string>
#include <vector>

#include "vision_attention/graph_builder.h"

namespace va {

/// How the negative map's queries come from the queries; the paper's text leaves it open.
enum class NegativeQuery { ReluLinear, LinearReluLinear, Linear };

struct GeneralizedProbabilisticOptions {
  Dim heads = 8;  ///< divide the channels
  NegativeQuery negativeQuery = NegativeQuery::ReluLinear;
  bool tied = true;         ///< one lambda a head, so that rows sum to 1
  float largestLambda = 1;  ///< lambda = largestLambda * logistic(weight)
};

struct GeneralizedProbabilisticCoreOptions {
  Dim heads = 1;
  std::vector<float> plus = {};   ///< [heads], >= 0
  std::vector<float> minus = {};  ///< [heads], >= 0
};

/// Dual-attention generalised probabilistic attention (daGPAM; Heo and Choi, arXiv 2410.15578): per
/// head ((1 + plus) softmax(q k^T / sqrt d) - minus softmax(negative k^T / sqrt d)) v, both maps
/// streamed and combined in f32. q, negative [mb, n, heads * d], k, v [mb, m, heads * d] ->
/// [mb, n, heads * d]; 4 n m c multiply-adds, twice those of softmax attention.
Tensor generalizedProbabilisticCore(GraphBuilder& graph, const std::string& name, const Tensor& q,
                                    const Tensor& negative, const Tensor& k, const Tensor& v,
                                    const GeneralizedProbabilisticCoreOptions& options);

/// GeneralizedProbabilisticAttention of data/training/attention.py on tokens [mb, n, c]. Weights
/// scope.q, k, v, projection (linear, with bias), scope.negative.weight [c, d] (a d x d matrix per
/// head; scope.negative0.weight before the rectifier of LinearReluLinear) and scope.lambda [heads],
/// or scope.lambda_plus and scope.lambda_minus unless tied.
Tensor generalizedProbabilisticAttention(GraphBuilder& graph, const Tensor& src,
                                         const std::string& scope,
                                         const GeneralizedProbabilisticOptions& options);

}  // namespace va
