// A pruned transformer block: half of the tokens go through it, the others pass by.
#include <cmath>
#include <cstdio>
#include <random>

#include "vision_attention/attention/multi_head.h"
#include "vision_attention/attention/token_pruning.h"
#include "vision_attention/graph.h"
#include "vision_attention/graph_builder.h"
#include "vision_attention/ops/top_k.h"

namespace {

constexpr va::Dim kSide = 16;
constexpr va::Dim kChannels = 32;

/// A linear layer of small random weights.
void addLinear(va::Weights& weights, const std::string& name, va::Dim oc, va::Dim ic) {
  static std::mt19937 generator(1);
  std::normal_distribution<float> normal(0.0F, 1.0F / std::sqrt(static_cast<float>(ic)));
  std::vector<float> values(static_cast<std::size_t>(oc * ic));
  for (float& value : values) value = normal(generator);
  weights.add(name + ".weight", {oc, ic}, std::move(values));
  weights.add(name + ".bias", {oc}, std::vector<float>(static_cast<std::size_t>(oc), 0.0F));
}

}  // namespace

int main() {
  va::Weights weights;
  for (const char* name : {"q", "k", "v", "projection"}) {
    addLinear(weights, std::string("block.attention.") + name, kChannels, kChannels);
  }
  addLinear(weights, "block.expand", 4 * kChannels, kChannels);
  addLinear(weights, "block.reduce", kChannels, 4 * kChannels);

  // Describe: where the map varies most, the block works; flat areas keep their values.
  va::GraphBuilder builder(weights, va::Precision::F32);
  const va::Tensor map = builder.input("map", {1, kSide, kSide, kChannels});
  const va::Tensor scores = va::varianceScores(builder, "scores", map);
  const va::Tensor kept = va::topK(builder, "kept", scores, va::keptTokens(kSide * kSide, 0.5));
  const va::Tensor tokens = builder.reshape(map, {1, kSide * kSide, kChannels});
  const auto block = [](va::GraphBuilder& graph, const va::Tensor& x) {
    return va::transformerBlock(graph, x, "block", {.heads = 4});
  };
  builder.output("out",
                 va::bypass(builder, tokens, "pruned", kept, va::LightPath::Identity, block));

  // Plan, then run as often as you like.
  const va::Engine engine;
  const auto graph = builder.compile(engine);
  const auto src = graph->data<float>("map");
  for (std::size_t i = 0; i < src.size(); ++i) {
    src[i] = i < src.size() / 2 ? 1.0F : std::sin(static_cast<float>(i));
  }
  graph->run();
  const auto dst = graph->data<float>("out");
  std::size_t changed = 0;
  for (std::size_t i = 0; i < dst.size(); ++i) changed += dst[i] != src[i] ? 1U : 0U;
  std::printf("%zu of %zu values changed, %.1f million multiply-adds, %zu bytes\n", changed,
              dst.size(), static_cast<double>(graph->macs()) / 1e6, graph->arenaBytes());
  return changed > dst.size() / 4 && changed <= dst.size() / 2 ? 0 : 1;
}
