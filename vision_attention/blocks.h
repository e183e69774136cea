#pragma once

#include <string>

#include "vision_attention/graph_builder.h"

namespace va {

/// What the blocks of one resolution level share.
struct BlockOptions {
  Dim window = 16;           ///< side in features of the windows that pooling and sorting stay in
  Dim heads = 8;             ///< of agent and histogram attention
  Dim bins = 8;              ///< of histogram attention
  Dim agents = 8;            ///< side of the grid of agent tokens
  bool dynamicRange = true;  ///< histogram attention sorts half of its channels first
};

/// The blocks of data/training/model.py on maps [1, h, w, c]; `scope` is the module's path. Each
/// returns a map of the same shape.
Tensor convPair(GraphBuilder& graph, const Tensor& src, const std::string& scope);
Tensor seCbamPair(GraphBuilder& graph, const Tensor& src, const std::string& scope,
                  const BlockOptions& options);
Tensor agentBlock(GraphBuilder& graph, const Tensor& src, const std::string& scope,
                  const BlockOptions& options);
Tensor histogramBlock(GraphBuilder& graph, const Tensor& src, const std::string& scope,
                      const BlockOptions& options);

/// The block named by `kind` ("pair", "se_cbam", "agent", "histogram"); throws
/// std::invalid_argument on any other.
Tensor block(GraphBuilder& graph, const std::string& kind, const Tensor& src,
             const std::string& scope, const BlockOptions& options);

/// 2x2 convolution of stride 2: [1, h, w, ic] -> [1, h/2, w/2, oc].
Tensor downsample(GraphBuilder& graph, const Tensor& src, const std::string& scope,
                  Dim outputChannels);
/// 1x1 convolution, depth to space and sum with the skip connection:
/// [1, h, w, ic] + [1, 2h, 2w, oc] -> [1, 2h, 2w, oc].
Tensor upsample(GraphBuilder& graph, const Tensor& src, const Tensor& skip,
                const std::string& scope);

}  // namespace va
