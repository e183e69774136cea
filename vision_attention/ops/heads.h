#pragma once

#include <string>
#include <vector>

#include "vision_attention/graph_builder.h"

namespace va {

/// Channels of heads side by side [mb, n, heads * d] to one matrix a head [mb, count, n, d]: heads
/// first to first + count - 1, count 0: all from first on.
Tensor splitHeads(GraphBuilder& graph, const std::string& name, const Tensor& src, Dim heads,
                  Dim first = 0, Dim count = 0);

/// The inverse: parts [mb, heads, n, d] one after the other to [mb, n, all heads * d].
Tensor mergeHeads(GraphBuilder& graph, const std::string& name, const std::vector<Tensor>& parts);

/// Per head the channels of a, then those of b: [mb, n, heads * da] and [mb, n, heads * db] (with
/// sharedB [mb, n, db], repeated for every head) give [mb, n, heads * (da + db)].
Tensor joinHeads(GraphBuilder& graph, const std::string& name, const Tensor& a, const Tensor& b,
                 Dim heads, bool sharedB = false);

/// Channels [first, first + count) of [mb, n, c].
Tensor sliceChannels(GraphBuilder& graph, const std::string& name, const Tensor& src, Dim first,
                     Dim count);

}  // namespace va
