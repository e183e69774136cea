#pragma once

#include <span>
#include <string>
#include <vector>

#include "vision_attention/graph_builder.h"

namespace va {

/// Which channels of a head turn together.
enum class RopePairing {
  Interleaved,  ///< (2i, 2i + 1)
  HalfSplit,    ///< (i, i + d/2)
};

/// How a token's place becomes angles.
enum class RopePositions {
  Sequence,  ///< token p turns pair i by p base^(-2i/d)
  Axial,     ///< the first half of the pairs turns by x base^(-4i/d), the second by y
  Mixed,     ///< pair i of a head turns by fx x + fy y, fx and fy learned
};

/// Which of a head's pairs turn; frequencies keep their original index.
enum class RopeSelection {
  High,     ///< the first: high frequencies
  Low,      ///< the last
  Uniform,  ///< evenly spread
};

struct PartialRopeOptions {
  Dim heads = 1;     ///< divide the channels into heads of an even number of channels
  Dim rotated = -1;  ///< channels of a head that turn, even; -1: half of them
  RopePairing pairing = RopePairing::Interleaved;
  RopePositions positions = RopePositions::Axial;
  RopeSelection selection = RopeSelection::High;
  std::vector<Dim> pairs = {};  ///< [heads, rotated / 2] pair indices instead of `selection`
  double base = 0.0;            ///< 0: 10000 on sequences, 100 on grids
  Dim width = 0;                ///< of the grid, tokens row-major; unused on sequences
  Dim originX = 0;              ///< of token 0, in tokens
  Dim originY = 0;
};

/// Partial rotary position embedding: RoPE (Su et al., arXiv 2104.09864) on some channels of every
/// head, the others carry no position (MHA2MLA, arXiv 2502.14837); on grids after Heo et al.,
/// "Rotary Position Embedding for Vision Transformer" (arXiv 2403.13298). Queries or keys
/// [mb, n, heads * d] of the graph's activation type give the same shape with 2 n heads rotated
/// multiply-adds; angles in f64, rotation in f32. Mixed reads scope.frequencies [heads, d / 2, 2]
/// (x, y).
Tensor partialRope(GraphBuilder& graph, const Tensor& src, const std::string& scope,
                   const PartialRopeOptions& options);

/// The pairs that `selection` takes of a head of d channels, ascending; axial grids select in each
/// half of the pairs.
std::vector<Dim> ropePairs(Dim d, Dim rotated, RopeSelection selection, RopePositions positions);

/// Selection "2-norm" of MHA2MLA: per head the rotated / 2 pairs with the largest mean
/// |q pair| |k pair| over calibration tokens q, k [n, heads * d]; for PartialRopeOptions::pairs.
std::vector<Dim> ropePairsByNorm(std::span<const float> q, std::span<const float> k, Dim heads,
                                 Dim d, Dim rotated, RopePairing pairing);

}  // namespace va
