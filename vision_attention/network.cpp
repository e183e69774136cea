#include "vision_attention/network.h"

#include <stdexcept>

#include "vision_attention/blocks.h"
#include "vision_attention/graph_builder.h"
#include "vision_attention/ops/conv.h"
#include "vision_attention/ops/depth_to_space.h"
#include "vision_attention/ops/elementwise.h"

namespace va {

namespace {

constexpr const char* kInput = "image";
constexpr const char* kOutput = "restored";

BlockOptions levelOptions(const NetworkConfig& config, int level) {
  BlockOptions options;
  options.window = config.window >> level;
  options.heads = config.heads;
  options.bins = config.bins;
  options.agents = config.agents;
  options.dynamicRange = config.dynamicRange;
  return options;
}

Tensor stage(GraphBuilder& graph, const Stage& kinds, Tensor src, const std::string& scope,
             const BlockOptions& options) {
  for (std::size_t i = 0; i < kinds.size(); ++i) {
    src = block(graph, kinds[i], src, scope + "." + std::to_string(i), options);
  }
  return src;
}

/// The correction added to the picture, whose pixels are repeated where the result is larger.
Tensor tail(GraphBuilder& graph, const NetworkConfig& config, const Tensor& src,
            const Tensor& image) {
  if (config.scale == 1) {
    return conv(
        graph, src, "tail",
        {.outputChannels = config.imageChannels, .residual = image, .outputType = DataType::F32});
  }
  const Dim outputs = Dim{config.imageChannels} * config.scale * config.scale;
  const Tensor correction =
      conv(graph, src, "tail", {.outputChannels = outputs, .outputType = DataType::F32});
  return depthToSpace(graph, "tail.shuffle", correction, config.scale, image);
}

/// RestorationNet.forward of data/training/model.py.
void describe(GraphBuilder& graph, const NetworkConfig& config, Dim height, Dim width) {
  const int deepest = config.levels() - 1;
  const Tensor image = graph.input(kInput, {1, height, width, config.imageChannels});
  Tensor x = convert(graph, "image.convert", image, graph.activationType());
  x = conv(graph, x, "head", {.outputChannels = config.channels[0]});
  std::vector<Tensor> skips;
  for (int l = 0; l < deepest; ++l) {
    const std::string index = std::to_string(l);
    const auto i = static_cast<std::size_t>(l);
    x = stage(graph, config.encoder[i], x, "encoder." + index, levelOptions(config, l));
    skips.push_back(x);
    x = downsample(graph, x, "down." + index, config.channels[i + 1]);
  }
  x = stage(graph, config.middle, x, "middle", levelOptions(config, deepest));
  for (int l = deepest - 1; l >= 0; --l) {
    const std::string index = std::to_string(l);
    const auto i = static_cast<std::size_t>(l);
    x = upsample(graph, x, skips[i], "up." + index);
    x = stage(graph, config.decoder[i], x, "decoder." + index, levelOptions(config, l));
  }
  graph.output(kOutput, tail(graph, config, x, image));
}

void requireAllUsed(const GraphBuilder& graph) {
  const auto unused = graph.unusedWeights();
  if (!unused.empty()) {
    throw std::invalid_argument("weight '" + unused.front() +
                                "' belongs to no part of the network");
  }
  const auto scales = graph.unusedInputScales();
  if (!scales.empty()) {
    throw std::invalid_argument("int8 scale of '" + scales.front() +
                                "' belongs to no pair of the network");
  }
}

}  // namespace

void NetworkConfig::validate() const {
  const auto fail = [](const std::string& what) {
    throw std::invalid_argument("network: " + what);
  };
  const auto levelCount = channels.size();
  if (imageChannels < 1 || imageChannels > 64) {
    fail("image_channels is " + std::to_string(imageChannels) + ", expected 1 to 64");
  }
  if (scale < 1 || scale > 4) fail("scale is " + std::to_string(scale) + ", expected 1 to 4");
  if (levelCount < 1 || levelCount > 8) {
    fail("channels has " + std::to_string(levelCount) + " levels, expected 1 to 8");
  }
  for (const int c : channels) {
    if (c < 1 || c > 4096) fail("channels holds " + std::to_string(c) + ", expected 1 to 4096");
  }
  if (encoder.size() != levelCount - 1) {
    fail("encoder has " + std::to_string(encoder.size()) + " stages, expected " +
         std::to_string(levelCount - 1));
  }
  if (decoder.size() != levelCount - 1) {
    fail("decoder has " + std::to_string(decoder.size()) + " stages, expected " +
         std::to_string(levelCount - 1));
  }
  const int step = 1 << (levelCount - 1);
  if (window < step || window > 4096 || window % step != 0) {
    fail("window is " + std::to_string(window) + ", expected a multiple of " +
         std::to_string(step) + " up to 4096");
  }
  if (heads < 1) fail("heads is " + std::to_string(heads));
  if (bins < 1) fail("bins is " + std::to_string(bins));
  if (agents < 1) fail("agents is " + std::to_string(agents));
}

Network::Network(const Engine& engine, const NetworkConfig& config, const Weights& weights,
                 Dim height, Dim width, Precision precision, const InputScales& int8) {
  config.validate();
  if (height < 1 || width < 1 || height % config.window != 0 || width % config.window != 0) {
    throw std::invalid_argument("network: tile is " + std::to_string(width) + "x" +
                                std::to_string(height) + ", expected multiples of " +
                                std::to_string(config.window));
  }
  GraphBuilder builder(weights, precision, int8);
  describe(builder, config, height, width);
  requireAllUsed(builder);
  graph_ = builder.compile(engine);
}

Network::~Network() = default;

std::span<float> Network::input() {
  return graph_->data<float>(kInput);
}
std::span<const float> Network::output() const {
  return graph_->data<float>(kOutput);
}
bool Network::run(const RunControl& control) {
  return graph_->run(control);
}

void checkWeights(const NetworkConfig& config, const Weights& weights, const InputScales& int8) {
  config.validate();
  GraphBuilder builder(weights, Precision::F32, int8);
  describe(builder, config, config.window, config.window);
  requireAllUsed(builder);
}

std::size_t activationBytes(const NetworkConfig& config, const Weights& weights, Dim height,
                            Dim width, Precision precision, const InputScales& int8) {
  config.validate();
  GraphBuilder builder(weights, precision, int8);
  describe(builder, config, height, width);
  return builder.activationBytes();
}

double macsPerPixel(const NetworkConfig& config, const Weights& weights) {
  config.validate();
  GraphBuilder builder(weights, Precision::F32);
  describe(builder, config, config.window, config.window);
  return static_cast<double>(builder.macs()) / (static_cast<double>(config.window) * config.window);
}

}  // namespace va
