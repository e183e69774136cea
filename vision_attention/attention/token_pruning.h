#pragma once

#include <functional>
#include <string>

#include "vision_attention/graph_builder.h"

namespace va {

/// Log probabilities [mb, n] f32 that the predictor of DynamicViT (Rao et al., arXiv 2106.02034)
/// gives to keeping each token of [mb, n, c], c divisible by 4. Weights scope.norm.weight, .bias
/// [c], scope.embed [c, c], scope.hidden0 [c / 2, c], scope.hidden1 [c / 4, c / 2], scope.decide
/// [2, c / 4] (keep, drop), each linear with bias. n (c^2 + c^2 / 2 + c^2 / 8 + c / 2)
/// multiply-adds.
Tensor keepScores(GraphBuilder& graph, const Tensor& src, const std::string& scope);

/// Parameter-free scores [mb, h * w] f32 of a map [mb, h, w, c]: variance of a pixel's 3x3
/// neighbourhood inside the map, summed over the channels; flat areas score low.
Tensor varianceScores(GraphBuilder& graph, const std::string& name, const Tensor& src);

/// Tokens kept of n: the whole part of n * ratio, at least 1. Throws std::invalid_argument unless
/// 0 < ratio <= 1.
Dim keptTokens(Dim n, double ratio);

struct TokenTiles {
  Dim width = 0;  ///< of the grid, tokens row-major; divisible by tile, as the height
  Dim tile = 8;   ///< side
};

/// Means of scores [mb, n] over tiles: [mb, tiles] f32, tiles row-major.
Tensor tileScores(GraphBuilder& graph, const std::string& name, const Tensor& scores,
                  const TokenTiles& tiles);
/// Tokens of the named tiles [mb, k] s32, row-major inside each: [mb, k * tile * tile] s32. n:
/// tokens of the grid.
Tensor tileTokens(GraphBuilder& graph, const std::string& name, const Tensor& indices, Dim n,
                  const TokenTiles& tiles);

/// What pruned tokens go through instead of the block.
enum class LightPath {
  Identity,
  Linear,  ///< x + light(x), weights scope.light [c, c] with bias
};

/// Token pruning that keeps every token (bypass): the tokens [mb, n, c] named by `kept` [mb, k] s32
/// are gathered, go through `block`, which returns [mb, k, c], and are put back; the others take
/// the light path. Cost of the block at k tokens instead of n.
using TokenBlock = std::function<Tensor(GraphBuilder&, const Tensor&)>;
Tensor bypass(GraphBuilder& graph, const Tensor& src, const std::string& scope, const Tensor& kept,
              LightPath light, const TokenBlock& block);

}  // namespace va
