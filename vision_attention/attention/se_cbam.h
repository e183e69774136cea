#pragma once

#include <optional>
#include <string>

#include "vision_attention/graph_builder.h"

namespace va {

/// How a channel gate s_c and a spatial gate s_s act on a map y. `reduce` and `expand` are the
/// channel gate's linear layers, `spatial` is a convolution.
enum class FusionMode {
  SeThenSpatial,  ///< s_s s_c y: squeeze and excitation (Hu et al., CVPR 2018), then CBAM's 7x7
                  ///< gate
  Cbam,         ///< s_s s_c y: both gates of CBAM (Woo et al., ECCV 2018), s_c sees the maximum too
  ScseAdd,      ///< (s_c + s_s) y: scSE (Roy et al., MICCAI 2018), 1x1 spatial gate
  ParallelMax,  ///< max(s_c y, s_s y): scSE combined by the larger value
};

struct SeCbamOptions {
  FusionMode mode = FusionMode::SeThenSpatial;
  Dim window = 0;  ///< side of the windows that the channel gate pools; 0: the whole map
  Dim hidden = 0;  ///< units between the channel gate's layers; 0: max(4, c / 16)
  std::optional<Tensor> residual = std::nullopt;  ///< added to the gated map
  std::string scale = {};  ///< name of a weight [c] that multiplies the gated map
};

/// Channel and spatial attention on [mb, h, w, c]. The spatial gate sees the whole map, mirrored at
/// its border; a batch normalisation after it is folded into weights and bias. Weights
/// scope.reduce.weight [hidden, c], .bias, scope.expand.weight [c, hidden], .bias, and
/// scope.spatial.weight [1, 2, 7, 7] (maximum, mean over channels; of s_c y) or, for the scSE
/// modes, [1, c, 1, 1], .bias [1].
Tensor seCbam(GraphBuilder& graph, const Tensor& src, const std::string& scope,
              const SeCbamOptions& options);

}  // namespace va
