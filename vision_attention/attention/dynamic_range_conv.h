#pragma once

#include <string>

#include "vision_attention/graph_builder.h"

namespace va {

/// Which sides are sorted first: every column (over the height), then every row, or the reverse.
enum class SortOrder { HeightWidth, WidthHeight };

/// A batch of maps whose first channels are sorted, and where each of their values came from.
struct SortedMap {
  Tensor map;     ///< [mb, h, w, c]
  Tensor origin;  ///< [mb, h, w, channels] s32: position y * w + x in the map before sorting
};

struct DynamicRangeSortOptions {
  Dim channels = 0;  ///< how many, from the first; each has permutations of its own
  SortOrder order = SortOrder::HeightWidth;
};

/// Dynamic-range sort (Sun et al., "Histogram Transformer", arXiv 2407.10172): ascending along one
/// side, then along the other, so that rows and columns end up ascending. Sorts f32 or bf16 maps by
/// their f32 values, stable, into the graph's activation type.
SortedMap dynamicRangeSort(GraphBuilder& graph, const std::string& name, const Tensor& src,
                           const DynamicRangeSortOptions& options);

/// Takes the values of the sorted channels back to where dynamicRangeSort() found them.
Tensor dynamicRangeUnsort(GraphBuilder& graph, const std::string& name, const Tensor& src,
                          const Tensor& origin);

struct DynamicRangeConvOptions {
  double fraction = 0.5;  ///< of the channels that are sorted, rounded down
  SortOrder order = SortOrder::HeightWidth;
  Dim kernel = 3;
  Dim dilation = 1;
};

/// Dynamic-range convolution on [mb, h, w, c]: sort, 1x1 convolution, depthwise convolution,
/// inverse sort. Weights scope.pointwise.weight [c, c, 1, 1], scope.depthwise.weight
/// [c, 1, kernel, kernel]; no bias.
Tensor dynamicRangeConv(GraphBuilder& graph, const Tensor& src, const std::string& scope,
                        const DynamicRangeConvOptions& options = {});

}  // namespace va
