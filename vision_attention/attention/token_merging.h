#pragma once

#include <string>

#include "vision_attention/graph_builder.h"

namespace va {

struct TokenMatchOptions {
  Dim merged = 0;  ///< tokens that disappear into others, at most as many as are no destinations
  Dim width = 0;   ///< of the grid, for regions; 0: odd tokens are destinations, even ones merge
  Dim regionHeight = 2;  ///< the first token of every region is a destination
  Dim regionWidth = 2;
};

/// Bipartite soft matching of token merging (ToMe; Bolya et al., arXiv 2210.09461; by regions:
/// ToMeSD, arXiv 2303.17604): every token that is no destination finds the destination with the
/// largest cosine of metric [mb, n, c], and the `merged` best pairs merge. Returns [mb, n] s32: the
/// row of the merged tensor [mb, n - merged, c] that holds each token; rows keep the order of their
/// first tokens. Ties go to the lower index. n * n / 4 * c multiply-adds, in f32.
Tensor matchTokens(GraphBuilder& graph, const std::string& name, const Tensor& metric,
                   const TokenMatchOptions& options);

/// Merged tokens, how many tokens each stands for, and the logarithm of that: the key bias of
/// proportional attention.
struct MergedTokens {
  Tensor tokens;    ///< [mb, n - merged, c]
  Tensor sizes;     ///< [mb, n - merged] f32
  Tensor logSizes;  ///< [mb, n - merged] f32
};

/// Means over the tokens of each row of `assignment`, which matchTokens() gave for `merged`.
/// Undone, but for the averaging, by gatherRows(tokens, assignment).
MergedTokens mergeTokens(GraphBuilder& graph, const std::string& name, const Tensor& src,
                         const Tensor& assignment, Dim merged);

struct MergedAttentionOptions {
  Dim heads = 8;
  TokenMatchOptions match;
};

/// multiHeadAttention() on merged tokens with proportional attention, copied back to all tokens
/// (merge and unmerge): tokens [mb, n, c] match by themselves. 2 (n - merged)^2 c multiply-adds of
/// attention beside the matching. Weights as multiHeadAttention().
Tensor mergedAttention(GraphBuilder& graph, const Tensor& src, const std::string& scope,
                       const MergedAttentionOptions& options);

}  // namespace va
