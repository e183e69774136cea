#include "core/attention_network.h"

#include <utility>

#include "core/layer_weights.h"
#include "vision_attention/attention/agent_training_free.h"
#include "vision_attention/attention/dynamic_range_conv.h"
#include "vision_attention/attention/generalized_probabilistic.h"
#include "vision_attention/attention/latent.h"
#include "vision_attention/attention/mixture_of_heads.h"
#include "vision_attention/attention/multi_head.h"
#include "vision_attention/attention/partial_rope.h"
#include "vision_attention/attention/reuse.h"
#include "vision_attention/attention/sparse.h"
#include "vision_attention/attention/token_merging.h"
#include "vision_attention/attention/token_pruning.h"
#include "vision_attention/blocks.h"
#include "vision_attention/ops/conv.h"
#include "vision_attention/ops/layer_norm.h"
#include "vision_attention/ops/streamed_attention.h"
#include "vision_attention/ops/top_k.h"
#include "vision_attention/ops/window.h"

namespace pristine {

namespace {

using va::Dim;
using va::GraphBuilder;
using va::Tensor;

constexpr Dim kPixels = 128;  ///< side of the picture
constexpr Dim kSide = 32;     ///< of the mixers' window
constexpr Dim kTokens = kSide * kSide;
constexpr Dim kC = 64;
constexpr Dim kHeads = 4;
constexpr Dim kSize = kC / kHeads;
constexpr int kBlocks = 4;
const std::vector<Dim> kChannels{32, 48, kC};

const va::BlockOptions kBlockOptions{.window = kSide, .heads = kHeads, .bins = 8, .agents = 8};
const va::SparseOptions kSparse{.heads = kHeads, .selected = 4, .rotated = kSize / 2};
const va::LatentOptions kLatent{.heads = kHeads,
                                .size = kSize,
                                .valueSize = kSize,
                                .latent = 3 * kC / 8,
                                .queryLatent = kC / 2,
                                .rope = kSize / 2};

/// A mixer of the study: its parameters, and itself or the whole block that it makes.
struct Mixer {
  std::string name;
  std::function<void(LayerWeights&, const std::string& scope)> weights;
  /// Normalised window [1, side, side, c] -> the same.
  std::function<Tensor(GraphBuilder&, const Tensor&, const std::string& scope)> mix;
  /// Instead of mix: map -> map, weights under the block's scope.
  std::function<Tensor(GraphBuilder&, const Tensor&, const std::string& scope)> block;
};

Tensor asTokens(GraphBuilder& graph, const Tensor& map) {
  return graph.reshape(map, {1, kTokens, kC});
}

/// A layer of tokens [1, n, c] as a mixer of maps.
template <typename Layer>
auto ofTokens(Layer layer) {
  return [layer](GraphBuilder& graph, const Tensor& map, const std::string& scope) {
    return graph.reshape(layer(graph, asTokens(graph, map), scope), map.shape);
  };
}

Tensor rotaryAttention(GraphBuilder& graph, const Tensor& x, const std::string& scope) {
  const auto project = [&](const std::string& name, const Tensor& src) {
    return va::linear(graph, src, scope + name, {.outputChannels = kC});
  };
  const auto turned = [&](const std::string& name) {
    return va::partialRope(graph, project(name, x), scope + name,
                           {.heads = kHeads, .rotated = kSize / 2, .width = kSide});
  };
  const Tensor out = va::streamedAttention(graph, scope + ".core", turned(".q"), turned(".k"),
                                           project(".v", x), {.heads = kHeads});
  return project(".projection", out);
}

Tensor latentLayer(GraphBuilder& graph, const Tensor& x, const std::string& scope) {
  const Tensor bank = va::latentBank(graph, x, scope, kLatent, {.width = kSide});
  return va::latentAttention(graph, x, bank, scope, kLatent, {.width = kSide},
                             va::LatentEvaluation::Naive);
}

Tensor prunedBlock(GraphBuilder& graph, const Tensor& map, const std::string& scope) {
  const Tensor x = asTokens(graph, map);
  const Tensor kept =
      va::topK(graph, scope + ".kept", va::keepScores(graph, x, scope + ".mixer.predictor"),
               kTokens / 2, va::TopKOrder::Index);
  const Tensor out =
      va::bypass(graph, x, scope + ".mixer", kept, va::LightPath::Linear,
                 [&](GraphBuilder& g, const Tensor& t) {
                   return va::transformerBlock(g, t, scope + ".mixer.block", {.heads = kHeads});
                 });
  return graph.reshape(out, map.shape);
}

void sparseWeights(LayerWeights& w, const std::string& scope) {
  w.linear(scope + ".q", kC, kC).linear(scope + ".projection", kC, kC);
  for (const char* name :
       {".k_compressed", ".v_compressed", ".k_selected", ".v_selected", ".k_window", ".v_window"}) {
    w.linear(scope + name, kSize, kC);
  }
  w.linear(scope + ".gate", 3 * kHeads, kC);
  const Dim length = kSparse.compressHeight * kSparse.compressWidth;
  for (const char* name : {".compress_k", ".compress_v"}) {
    w.add(scope + name + ".position", {length, kSize}, 0.5);
    w.linear(scope + name + ".hidden", 2 * kSize, length * kSize);
    w.linear(scope + name + ".out", kSize, 2 * kSize);
  }
}

void latentWeights(LayerWeights& w, const std::string& scope) {
  const auto& [heads, size, valueSize, latent, queryLatent, rope, normalized, positions, base] =
      kLatent;
  w.linear(scope + ".kv_down", latent, kC, false).add(scope + ".kv_norm.weight", {latent}, 1.0);
  w.linear(scope + ".q_down", queryLatent, kC, false);
  w.add(scope + ".q_norm.weight", {queryLatent}, 1.0);
  w.linear(scope + ".q_up", heads * size, queryLatent, false);
  w.linear(scope + ".q_rope", heads * rope, queryLatent, false);
  w.linear(scope + ".k_rope", rope, kC, false);
  w.linear(scope + ".key_up", heads * size, latent, false);
  w.linear(scope + ".value_up", heads * valueSize, latent, false);
  w.linear(scope + ".projection", kC, heads * valueSize, false);
}

void reuseWeights(LayerWeights& w, const std::string& scope) {
  w.conv(scope + ".qk", {kC / 2, kC, 1, 1}).conv(scope + ".local_q", {kC / 4, 1, 7, 7});
  for (Dim i = 0; i < 4; ++i) {
    w.conv(scope + ".local_v." + std::to_string(i), {kC / 4, 1, 2 * i + 1, 2 * i + 1});
  }
  w.conv(scope + ".projection", {kC, kC, 1, 1}).add(scope + ".bias", {kSide, kSide}, 0.1);
}

void mixtureWeights(LayerWeights& w, const std::string& scope) {
  w.projections(scope, kC).linear(scope + ".router_group", 2, kC, false);
  w.linear(scope + ".router_shared", 1, kC, false);
  w.linear(scope + ".router_routed", kHeads - 1, kC, false);
}

void prunedWeights(LayerWeights& w, const std::string& scope) {
  const std::string predictor = scope + ".predictor";
  w.add(predictor + ".norm.weight", {kC}, 1.0).add(predictor + ".norm.bias", {kC}, 0.1);
  w.linear(predictor + ".embed", kC, kC).linear(predictor + ".hidden0", kC / 2, kC);
  w.linear(predictor + ".hidden1", kC / 4, kC / 2).linear(predictor + ".decide", 2, kC / 4);
  w.block(scope + ".block", kC).linear(scope + ".light", kC, kC);
}

void pairWeights(LayerWeights& w, const std::string& scope, Dim c) {
  w.conv(scope + ".conv0", {c, c, 3, 3}).conv(scope + ".conv1", {c, c, 3, 3});
  w.add(scope + ".scale", {c}, 0.2);
}

void fusionWeights(LayerWeights& w, const std::string& scope) {
  pairWeights(w, scope, kC);
  w.linear(scope + ".fusion.reduce", 4, kC).linear(scope + ".fusion.expand", kC, 4);
  w.conv(scope + ".fusion.spatial", {1, 2, 7, 7});
}

void feedForwardWeights(LayerWeights& w, const std::string& scope) {
  w.linear(scope + ".feed_forward.expand", 2 * kC, kC);
  w.linear(scope + ".feed_forward.reduce", kC, 2 * kC);
}

void agentWeights(LayerWeights& w, const std::string& scope) {
  const std::string attention = scope + ".attention";
  const Dim agents = kBlockOptions.agents * kBlockOptions.agents;
  w.projections(attention, kC).conv(attention + ".local", {kC, 1, 3, 3});
  for (const char* name : {".agent_bias", ".query_bias"}) {
    w.add(attention + name, {kHeads, agents, 7, 7}, 0.02);
  }
  for (const char* name : {".agent_row", ".agent_column"}) {
    w.add(attention + name, {kHeads, agents, kSide}, 0.02);
  }
  for (const char* name : {".query_row", ".query_column"}) {
    w.add(attention + name, {kHeads, kSide, agents}, 0.02);
  }
  feedForwardWeights(w, scope);
}

void histogramWeights(LayerWeights& w, const std::string& scope) {
  const std::string attention = scope + ".attention";
  w.conv(attention + ".qkv", {5 * kC, kC, 1, 1}, false);
  w.conv(attention + ".qkv_depthwise", {5 * kC, 1, 3, 3}, false);
  w.conv(attention + ".projection", {kC, kC, 1, 1}, false);
  w.add(attention + ".temperature", {kHeads}, 1.0);
  // 4 round(2.667 c / 4), as the block takes it.
  const Dim hidden = 172;
  const std::string forward = scope + ".feed_forward";
  w.conv(forward + ".expand", {2 * hidden, kC, 1, 1}, false);
  w.conv(forward + ".depthwise5", {hidden / 4, 1, 5, 5}, false);
  w.conv(forward + ".depthwise3", {hidden / 4, 1, 3, 3}, false);
  w.conv(forward + ".reduce", {kC, hidden, 1, 1}, false);
}

/// A block of the restoration network's own.
Mixer own(const std::string& kind, std::function<void(LayerWeights&, const std::string&)> weights) {
  return {kind,
          std::move(weights),
          {},
          [kind](GraphBuilder& graph, const Tensor& map, const std::string& scope) {
            return va::block(graph, kind, map, scope, kBlockOptions);
          }};
}

std::vector<Mixer> mixers() {
  const auto projections = [](LayerWeights& w, const std::string& scope) {
    w.projections(scope, kC);
  };
  return {
      {"softmax",
       projections,
       ofTokens([](GraphBuilder& graph, const Tensor& x, const std::string& scope) {
         return va::multiHeadAttention(graph, x, scope, {.heads = kHeads});
       }),
       {}},
      {"sparse",
       sparseWeights,
       [](GraphBuilder& graph, const Tensor& x, const std::string& scope) {
         return va::sparseAttention(graph, x, scope, kSparse).dst;
       },
       {}},
      {"token_merging",
       projections,
       ofTokens([](GraphBuilder& graph, const Tensor& x, const std::string& scope) {
         return va::mergedAttention(graph, x, scope,
                                    {.heads = kHeads, .match = {.merged = kTokens / 4}});
       }),
       {}},
      {"agent_training_free",
       projections,
       [](GraphBuilder& graph, const Tensor& x, const std::string& scope) {
         return va::agentTrainingFree(graph, x, scope, {.heads = kHeads, .side = 8});
       },
       {}},
      {"latent", latentWeights, ofTokens(latentLayer), {}},
      {"reuse",
       reuseWeights,
       [](GraphBuilder& graph, const Tensor& x, const std::string& scope) {
         return va::reuseAttention(graph, x, scope);
       },
       {}},
      {"mixture_of_heads",
       mixtureWeights,
       ofTokens([](GraphBuilder& graph, const Tensor& x, const std::string& scope) {
         return va::mixtureOfHeads(graph, x, scope, {.heads = kHeads, .shared = 1, .active = 2});
       }),
       {}},
      {"partial_rope", projections, ofTokens(rotaryAttention), {}},
      {"generalized_probabilistic",
       [](LayerWeights& w, const std::string& scope) {
         w.projections(scope, kC).add(scope + ".negative.weight", {kC, kSize}, 0.25);
         w.add(scope + ".lambda", {kHeads}, 1.0);
       },
       ofTokens([](GraphBuilder& graph, const Tensor& x, const std::string& scope) {
         return va::generalizedProbabilisticAttention(graph, x, scope, {.heads = kHeads});
       }),
       {}},
      {"dynamic_range_conv",
       [](LayerWeights& w, const std::string& scope) {
         w.conv(scope + ".pointwise", {kC, kC, 1, 1}, false);
         w.conv(scope + ".depthwise", {kC, 1, 3, 3}, false);
       },
       [](GraphBuilder& graph, const Tensor& x, const std::string& scope) {
         return va::dynamicRangeConv(graph, x, scope);
       },
       {}},
      {"depthwise",
       [](LayerWeights& w, const std::string& scope) {
         w.conv(scope, {kC, 1, 3, 3});
       },
       [](GraphBuilder& graph, const Tensor& x, const std::string& scope) {
         return va::conv(graph, x, scope, {.outputChannels = kC, .groups = kC});
       },
       {}},
      {"token_pruning",
       [](LayerWeights& w, const std::string& scope) { prunedWeights(w, scope + ".mixer"); },
       {},
       prunedBlock},
      own("pair", [](LayerWeights& w, const std::string& scope) { pairWeights(w, scope, kC); }),
      own("se_cbam", fusionWeights),
      own("agent", agentWeights),
      own("histogram", histogramWeights),
  };
}

std::string blockScope(int i) {
  return "middle." + std::to_string(i);
}

std::shared_ptr<const va::Weights> weightsOf(const Mixer& mixer) {
  LayerWeights w;
  w.conv("head", {kChannels[0], 3, 3, 3}).conv("tail", {3, kChannels[0], 3, 3});
  for (std::size_t level = 0; level < 2; ++level) {
    const std::string index = std::to_string(level);
    const Dim c = kChannels[level];
    const Dim deeper = kChannels[level + 1];
    pairWeights(w, "encoder." + index + ".0", c);
    pairWeights(w, "decoder." + index + ".0", c);
    w.conv("down." + index, {deeper, c, 2, 2}).conv("up." + index, {4 * c, deeper, 1, 1});
  }
  for (int i = 0; i < kBlocks; ++i) {
    mixer.weights(w, mixer.mix ? blockScope(i) + ".mixer" : blockScope(i));
    if (mixer.mix) feedForwardWeights(w, blockScope(i));
  }
  return w.done();
}

Tensor mixerBlock(GraphBuilder& graph, const Mixer& mixer, const Tensor& x,
                  const std::string& scope) {
  if (mixer.block) return mixer.block(graph, x, scope);
  const Tensor window =
      va::windowPartition(graph, scope + ".window", x, {.window = kSide, .normalize = true});
  const Tensor y =
      va::windowMerge(graph, scope + ".merge", mixer.mix(graph, window, scope + ".mixer"), x);
  const Tensor hidden =
      va::linear(graph, va::layerNorm(graph, scope + ".norm", y), scope + ".feed_forward.expand",
                 {.outputChannels = 2 * kC, .activation = va::Activation::GeluErf});
  return va::linear(graph, hidden, scope + ".feed_forward.reduce",
                    {.outputChannels = kC, .residual = y});
}

void describe(GraphBuilder& graph, const Mixer& mixer) {
  const Tensor image = graph.input("image", {1, kPixels, kPixels, 3});
  Tensor x = va::conv(graph, image, "head", {.outputChannels = kChannels[0]});
  const Tensor skip0 = va::convPair(graph, x, "encoder.0.0");
  x = va::downsample(graph, skip0, "down.0", kChannels[1]);
  const Tensor skip1 = va::convPair(graph, x, "encoder.1.0");
  x = va::downsample(graph, skip1, "down.1", kC);
  for (int i = 0; i < kBlocks; ++i) x = mixerBlock(graph, mixer, x, blockScope(i));
  x = va::convPair(graph, va::upsample(graph, x, skip1, "up.1"), "decoder.1.0");
  x = va::convPair(graph, va::upsample(graph, x, skip0, "up.0"), "decoder.0.0");
  graph.output("out", va::conv(graph, x, "tail", {.outputChannels = 3, .residual = image}));
}

}  // namespace

std::vector<AttentionCase> attentionNetworks() {
  std::vector<AttentionCase> cases;
  const std::vector<Mixer> all = mixers();
  const Mixer& softmax = all.front();
  for (const Mixer& mixer : all) {
    AttentionCase work;
    work.system = "network";
    work.variant = mixer.name;
    work.tokens = kTokens;
    work.weights = weightsOf(mixer);
    work.describe = [mixer](GraphBuilder& graph) { describe(graph, mixer); };
    work.baseline = [softmax](GraphBuilder& graph) { describe(graph, softmax); };
    work.baselineWeights = weightsOf(softmax);
    cases.push_back(std::move(work));
  }
  return cases;
}

}  // namespace pristine
