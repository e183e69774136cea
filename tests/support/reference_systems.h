#pragma once

#include "tests/support/array.h"

/// The attention systems beside the restoration network's as plain f64 loops after their papers,
/// independent of the code under test. Token tensors are [n, channels], heads side by side.
namespace va::test {

struct RefHeads {
  Dim heads = 1;
  Dim keyHeads = 0;    ///< 0: as many as heads
  double scale = 0.0;  ///< 0: 1 / sqrt of the size of a key
};

/// Softmax attention of every head: q [n, heads * d], k [m, keyHeads * d], v [m, keyHeads * e] ->
/// [n, heads * e]. mask and bias as in refAttention(), the same for all heads.
Array refMultiHead(const Array& q, const Array& k, const Array& v, const RefHeads& heads,
                   const Array& mask = {}, const Array& bias = {});

/// Channels of one head: [n, heads * d] -> [n, d].
Array refHead(const Array& tokens, Dim head, Dim heads);

/// Batch item of [mb, n, c] as [n, c].
Array refItem(const Array& tokens, Dim item);

}  // namespace va::test
