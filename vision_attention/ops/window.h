#pragma once

#include <optional>
#include <string>

#include "vision_attention/graph_builder.h"

namespace va {

struct WindowPartitionOptions {
  Dim window = 0;          ///< side of a window, divides the sides of the map
  bool normalize = false;  ///< layer-normalises the channels of every position, as layerNorm() does
  std::optional<DataType> outputType = std::nullopt;
};

/// Cuts a map [mb, h, w, c] into windows [mb * h/window * w/window, window, window, c], row-major
/// over the map.
Tensor windowPartition(GraphBuilder& graph, const std::string& name, const Tensor& src,
                       const WindowPartitionOptions& options);

/// The inverse: puts windows back in their places and adds them to the map `residual`.
Tensor windowMerge(GraphBuilder& graph, const std::string& name, const Tensor& windows,
                   const Tensor& residual);

}  // namespace va
