#pragma once

#include <vector>

#include "vision_attention/reference/array.h"

/// Attention systems as plain f64 loops after their papers, independent of the code under test.
namespace va::reference {

/// Softmax attention: q [n, d], k [m, d], v [m, e] -> [n, e]. mask [n, m] is 0 where a key must not
/// be seen, bias [n, m] is added to the scaled scores; both may be empty. A query that sees no key
/// gets zeros.
Array refAttention(const Array& q, const Array& k, const Array& v, double scale,
                   const Array& mask = {}, const Array& bias = {});

/// The learned biases of agent attention: picture [7, 7] per head and agent resized to the window,
/// plus a row and a column part. Results are [heads, agents, positions].
Array refAgentBias(const Array& picture, const Array& rows, const Array& columns);

/// Agent attention on one window: q, k, v [h, w, c], biases [heads, agents, positions] or empty;
/// returns [h, w, c].
Array refAgentCore(const Array& q, const Array& k, const Array& v, Dim heads, Dim agentSide,
                   const Array& agentBias = {}, const Array& queryBias = {});

/// One window's DHSA core: q1, k1, q2, k2, v [c, n], temperature [heads]; returns [c, n].
struct RefHistogramInput {
  Array q1;
  Array k1;
  Array q2;
  Array k2;
  Array v;
};
struct RefHistogramBranches {
  Array bins;         ///< [c, n], already in pixel order
  Array frequencies;  ///< [c, n]
};
RefHistogramBranches refHistogramBranches(const RefHistogramInput& input, Dim heads, Dim bins,
                                          const Array& temperature);
Array refHistogramCore(const RefHistogramInput& input, Dim heads, Dim bins,
                       const Array& temperature);

/// Dynamic-range sort of the first channels of [mb, h, w, c].
struct RefSortedMap {
  Array map;
  Array origin;  ///< [mb, h, w, channels]: y * w + x before sorting
};
RefSortedMap refDynamicRangeSort(const Array& src, Dim channels, bool heightFirst = true);
Array refDynamicRangeUnsort(const Array& src, const Array& origin);

/// DGFF on [mb, h, w, c] without its residual; weights as in data/training/model.py.
Array refDualScaleFeedForward(const Array& src, const Array& expand, const Array& depthwise5,
                              const Array& depthwise3, const Array& reduce);

/// Parameters of the channel and the spatial gate.
struct RefGates {
  Array reduce;  ///< [hidden, c]
  Array reduceBias;
  Array expand;  ///< [c, hidden]
  Array expandBias;
  Array spatial;      ///< [1, 2, 7, 7] or [1, c, 1, 1]
  Array spatialBias;  ///< [1]
};
/// [mb, windows down, windows across, c]; window 0: the whole map. withMaximum: CBAM's gate.
Array refChannelGate(const Array& src, const RefGates& gates, Dim window, bool withMaximum);
/// Repeats the channel gate over its windows: [mb, h, w, c].
Array refSpreadGate(const Array& gate, const Shape& mapShape);
/// CBAM's 7x7 gate of [mb, h, w, c], mirrored borders: [mb, h, w, 1].
Array refSpatialGate(const Array& src, const RefGates& gates);
/// scSE's 1x1 gate: [mb, h, w, 1].
Array refPointwiseGate(const Array& src, const RefGates& gates);
/// map [mb, h, w, c] times gate [mb, h, w, 1].
Array refApplySpatial(const Array& map, const Array& gate);

}  // namespace va::reference
