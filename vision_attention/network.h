#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "vision_attention/engine.h"
#include "vision_attention/graph.h"
#include "vision_attention/graph_builder.h"
#include "vision_attention/run_control.h"
#include "vision_attention/shape.h"
#include "vision_attention/weights.h"

namespace va {

/// One resolution level of the network: the kinds of its blocks in order. Kinds: "pair" (two dense
/// 3x3 convolutions), "se_cbam" (the same with SE+CBAM fusion on the residual branch), "agent"
/// (transformer block with agent attention), "histogram" (transformer block with DHSA and DGFF).
using Stage = std::vector<std::string>;

/// Describes the U-shaped restoration network of data/training/model.py (class RestorationNet).
struct NetworkConfig {
  int imageChannels = 3;
  int scale = 1;               ///< sides of the result by those of the picture: 1 to 4
  std::vector<int> channels;   ///< per level, full resolution first; each level halves the sides
  std::vector<Stage> encoder;  ///< per level but the deepest
  Stage middle;                ///< the deepest level
  std::vector<Stage> decoder;  ///< per level but the deepest, full resolution first
  int window = 128;          ///< pixels; side of the windows of every operator that pools or sorts
  int heads = 8;             ///< of agent and histogram attention
  int bins = 8;              ///< of histogram attention
  int agents = 8;            ///< agent attention pools each window to agents x agents tokens
  bool dynamicRange = true;  ///< histogram attention sorts half of its channels first

  /// Throws std::invalid_argument naming the field that makes no network.
  void validate() const;
  int levels() const { return static_cast<int>(channels.size()); }
};

/// The restoration network compiled for one tile shape. Not thread-safe.
class Network {
 public:
  /// height and width: pixels of the tile, multiples of config.window. Throws std::invalid_argument
  /// on a shape that does not fit, or naming a weight that is missing, unused or mis-shaped. int8:
  /// the dense pairs to compute in int8, whatever the processor offers.
  Network(const Engine& engine, const NetworkConfig& config, const Weights& weights, Dim height,
          Dim width, Precision precision, const InputScales& int8 = {});
  ~Network();

  /// [height, width, channels] interleaved f32; fill before run(). Values are not clipped.
  std::span<float> input();
  /// [scale * height, scale * width, channels] interleaved f32; valid after run().
  std::span<const float> output() const;

  /// Returns false if the stop token ended the run; the output is then undefined.
  bool run(const RunControl& control = {});

  const Graph& graph() const { return *graph_; }
  Graph& graph() { return *graph_; }

 private:
  std::unique_ptr<Graph> graph_;
};

/// Throws std::invalid_argument naming the first weight that is missing, superfluous or mis-shaped,
/// or the first int8 scale that fits no pair.
void checkWeights(const NetworkConfig& config, const Weights& weights,
                  const InputScales& int8 = {});

/// Bytes of activations that a network for this tile needs, known without compiling it; its arena
/// holds the scratch of its operators besides.
std::size_t activationBytes(const NetworkConfig& config, const Weights& weights, Dim height,
                            Dim width, Precision precision, const InputScales& int8 = {});

/// Multiply-adds of the network per input pixel.
double macsPerPixel(const NetworkConfig& config, const Weights& weights);

}  // namespace va
