#pragma once

#include <optional>
#include <string>
#include <vector>

#include "vision_attention/graph_builder.h"

namespace va {

struct StreamedAttentionOptions {
  Dim heads = 1;
  Dim keyHeads = 0;    ///< divide heads: each is shared by heads / keyHeads of them; 0: as many
  Dim valueSize = 0;   ///< with one key head: values are the first valueSize channels; 0: all
  float scale = 0.0F;  ///< 0: 1 / sqrt of the size of a key
  std::vector<float> bias = {};  ///< [1 or heads, n, m] added to the scaled scores, or empty
  std::optional<Tensor> keyBias =
      std::nullopt;  ///< [mb, m] f32 added to all scores of a key; -infinity hides it
};

/// Softmax attention in O(n + m) memory, the baseline of every other system: tiles of queries meet
/// tiles of keys with a running maximum and sum (Milakov and Gimelshein, arXiv 1805.02867; Dao et
/// al., "FlashAttention", arXiv 2205.14135). Queries [mb, n, heads * d], keys [mb, m, keyHeads *
/// d], values [mb, m, keyHeads * e] give [mb, n, heads * e], all of the graph's activation type,
/// with mb * n * m * heads * (d + e) multiply-adds. A query that sees no key gets zeros. Sums in
/// f32, in an order that does not depend on the number of threads.
Tensor streamedAttention(GraphBuilder& graph, const std::string& name, const Tensor& q,
                         const Tensor& k, const Tensor& v, const StreamedAttentionOptions& options);

}  // namespace va
