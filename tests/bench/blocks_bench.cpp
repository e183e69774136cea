#include "vision_attention/blocks.h"

#include <optional>
#include <string>

#include "core/error.h"
#include "tests/bench/benched_model.h"
#include "tests/bench/graph_timer.h"
#include "vision_attention/network.h"

namespace pristine::bench {
namespace {

struct Place {
  int level;
  std::string scope;
};

/// The first block of a kind in the network, encoder before middle.
std::optional<Place> find(const va::NetworkConfig& config, const std::string& kind) {
  const auto in = [&](const va::Stage& stage, int level,
                      const std::string& scope) -> std::optional<Place> {
    for (std::size_t i = 0; i < stage.size(); ++i) {
      if (stage[i] == kind) return Place{level, scope + "." + std::to_string(i)};
    }
    return std::nullopt;
  };
  for (std::size_t level = 0; level < config.encoder.size(); ++level) {
    auto place =
        in(config.encoder[level], static_cast<int>(level), "encoder." + std::to_string(level));
    if (place) return place;
  }
  return in(config.middle, config.levels() - 1, "middle");
}

/// One block of the model, on the map that its level has for a tile.
void modelBlock(benchmark::State& state, const char* kind) {
  try {
    const auto model = benchedModel();
    const va::NetworkConfig& config = model->config();
    const auto place = find(config, kind);
    if (!place) {
      state.SkipWithError("the model has no such block");
      return;
    }
    const va::Dim side = kTile >> place->level;
    const va::Dim channels = config.channels[static_cast<std::size_t>(place->level)];
    const va::BlockOptions options{.window = config.window >> place->level,
                                   .heads = config.heads,
                                   .bins = config.bins,
                                   .agents = config.agents,
                                   .dynamicRange = config.dynamicRange};
    timeGraph(
        state, model->weights(), {va::Shape{1, side, side, channels}},
        [&](va::GraphBuilder& graph, const std::vector<va::Tensor>& src) {
          return block(graph, kind, src[0], place->scope, options);
        },
        model->inputScales());
  } catch (const Error& error) {
    state.SkipWithError(error.what());
  }
}

BENCHMARK_CAPTURE(modelBlock, pair, "pair")->Apply(precisionsWithInt8);
BENCHMARK_CAPTURE(modelBlock, se_cbam, "se_cbam")->Apply(precisionsWithInt8);
BENCHMARK_CAPTURE(modelBlock, agent, "agent")->Apply(precisionsAndThreads);
BENCHMARK_CAPTURE(modelBlock, histogram, "histogram")->Apply(precisionsAndThreads);

}  // namespace
}  // namespace pristine::bench
