#include "core/attention_cases.h"

#include <cmath>
#include <cstdio>

#include "core/attention_network.h"
#include "core/layer_weights.h"
#include "vision_attention/attention/agent.h"
#include "vision_attention/attention/agent_training_free.h"
#include "vision_attention/attention/generalized_probabilistic.h"
#include "vision_attention/attention/histogram.h"
#include "vision_attention/attention/latent.h"
#include "vision_attention/attention/mixture_of_heads.h"
#include "vision_attention/attention/multi_head.h"
#include "vision_attention/attention/partial_rope.h"
#include "vision_attention/attention/reuse.h"
#include "vision_attention/attention/sparse.h"
#include "vision_attention/attention/token_merging.h"
#include "vision_attention/attention/token_pruning.h"
#include "vision_attention/ops/conv.h"
#include "vision_attention/ops/streamed_attention.h"
#include "vision_attention/ops/top_k.h"

namespace pristine {

using va::DataType;
using va::Dim;
using va::GraphBuilder;
using va::Shape;
using va::Tensor;
using va::Weights;

namespace {

Dim squareSide(Dim tokens) {
  return static_cast<Dim>(std::lround(std::sqrt(static_cast<double>(tokens))));
}

/// Softmax attention of heads * d channels; a share of the queries to all keys.
std::function<void(GraphBuilder&)> softmaxCore(Dim n, Dim heads, Dim keyHeads, Dim d,
                                               double share = 1.0) {
  return [=](GraphBuilder& graph) {
    const Dim queries = static_cast<Dim>(std::lround(static_cast<double>(n) * share));
    const Tensor q = graph.input("q", {1, queries, heads * d});
    const Tensor k = graph.input("k", {1, n, keyHeads * d});
    const Tensor v = graph.input("v", {1, n, keyHeads * d});
    graph.output("out", va::streamedAttention(graph, "softmax", q, k, v,
                                              {.heads = heads, .keyHeads = keyHeads}));
  };
}

std::function<void(GraphBuilder&)> multiHead(Dim mb, Dim n, Dim c, Dim heads) {
  return [=](GraphBuilder& graph) {
    const Tensor x = graph.input("x", {mb, n, c});
    graph.output("out", va::multiHeadAttention(graph, x, "mha", {.heads = heads}));
  };
}

using Cases = std::vector<AttentionCase>;

void softmaxCases(Cases& cases, bool quick) {
  // Against itself in materialised form at small sizes: what streaming saves is memory.
  for (const Dim n : quick ? std::vector<Dim>{1024} : std::vector<Dim>{1024, 4096}) {
    const Dim c = 256;
    auto weights = LayerWeights().projections("mha", c).done();
    cases.push_back({"softmax", "h 4, d 64, materialised maps as baseline", n, weights,
                     multiHead(1, n, c, 4), [=](GraphBuilder& graph) {
                       const Tensor x = graph.input("x", {1, n, c});
                       graph.output("out", va::mapAttention(graph, x, "mha", {.heads = 4}).dst);
                     }});
  }
  // What the sampled baselines of the large sizes rest on: 16 times as fast, or nearly.
  for (const Dim n : quick ? std::vector<Dim>{} : std::vector<Dim>{16384, 32761}) {
    cases.push_back({"softmax", "h 4, d 64, one key head, 1/16 of the queries", n,
                     LayerWeights().done(), softmaxCore(n, 4, 1, 64, 1.0 / 16.0),
                     softmaxCore(n, 4, 1, 64)});
  }
}

va::SparseOptions sparseOptions() {
  return {.heads = 4, .keyHeads = 1, .compression = va::SparseCompression::Mean};
}

std::function<void(GraphBuilder&)> sparseCore(Dim side, const va::SparseOptions& options) {
  return [=](GraphBuilder& graph) {
    const Dim n = side * side;
    const auto keys = [&](const std::string& name) { return graph.input(name, {1, n, 64}); };
    const Tensor kc = keys("kc");
    const Tensor vc = keys("vc");
    va::SparseInputs in;
    in.q = in.rotated = graph.input("q", {1, n, 256});
    in.compressedKeys = va::sparseCompress(graph, kc, "k", side, options);
    in.compressedValues = va::sparseCompress(graph, vc, "v", side, options);
    in.selectionKeys = keys("ks");
    in.selectionValues = keys("vs");
    in.windowKeys = keys("kw");
    in.windowValues = keys("vw");
    in.gates = graph.input("gates", {1, n, 12});
    graph.output("out", va::sparseCore(graph, "sparse", in, side, options).dst);
  };
}

void sparseCases(Cases& cases, bool quick) {
  const auto add = [&](const std::string& variant, Dim side, const va::SparseOptions& options) {
    const Dim n = side * side;
    const double share = n > 20000 ? 1.0 / 16.0 : 1.0;
    cases.push_back({"sparse", variant, n, LayerWeights().done(), sparseCore(side, options),
                     softmaxCore(n, 4, 1, 64, share), share});
  };
  const std::vector<Dim> sides =
      quick ? std::vector<Dim>{48, 64} : std::vector<Dim>{32, 45, 64, 91, 128, 181, 256};
  for (const Dim side : sides) {
    add("h 4, d 64, one key head, tile selection", side, sparseOptions());
  }
  if (quick) return;
  // The branches apart: selection is what the second has beyond the first.
  va::SparseOptions options = sparseOptions();
  options.window = va::SparseWindow::None;
  add("compression and selection alone", 128, options);
  options.selected = 0;
  add("compression alone", 128, options);
}

void pruningCases(Cases& cases, bool quick) {
  const Dim c = 384;
  const auto weights = [&] {
    LayerWeights w;
    w.block("block", c);
    w.add("score.norm.weight", {c}, 1.0).add("score.norm.bias", {c}, 0.1);
    w.linear("score.embed", c, c).linear("score.hidden0", c / 2, c);
    w.linear("score.hidden1", c / 4, c / 2).linear("score.decide", 2, c / 4);
    return w.done();
  }();
  const auto dense = [=](Dim n) {
    return [=](GraphBuilder& graph) {
      const Tensor x = graph.input("x", {1, n, c});
      graph.output("out", va::transformerBlock(graph, x, "block", {.heads = 6}));
    };
  };
  const std::vector<Dim> sizes = quick ? std::vector<Dim>{1024} : std::vector<Dim>{196, 4096};
  for (const Dim n : sizes) {
    for (const double ratio :
         quick ? std::vector<double>{0.5} : std::vector<double>{0.9, 0.7, 0.5}) {
      char variant[64];
      std::snprintf(variant, sizeof variant, "block of 384, bypass, keep %.1f", ratio);
      cases.push_back(
          {"token_pruning", variant, n, weights,
           [=](GraphBuilder& graph) {
             const Tensor x = graph.input("x", {1, n, c});
             const Tensor kept = va::topK(graph, "kept", va::keepScores(graph, x, "score"),
                                          va::keptTokens(n, ratio), va::TopKOrder::Index);
             graph.output("out", va::bypass(graph, x, "bypass", kept, va::LightPath::Identity,
                                            [](GraphBuilder& g, const Tensor& t) {
                                              return va::transformerBlock(g, t, "block",
                                                                          {.heads = 6});
                                            }));
           },
           dense(n)});
    }
    const auto layer = LayerWeights().projections("mha", c).done();
    cases.push_back({"token_pruning", "attention of 384, merge half and unmerge", n, layer,
                     [=](GraphBuilder& graph) {
                       const Tensor x = graph.input("x", {1, n, c});
                       graph.output("out",
                                    va::mergedAttention(graph, x, "mha",
                                                        {.heads = 6, .match = {.merged = n / 2}}));
                     },
                     multiHead(1, n, c, 6)});
  }
}

void agentCases(Cases& cases, bool quick) {
  const Dim c = 384;
  const std::vector<Dim> sides =
      quick ? std::vector<Dim>{28, 56} : std::vector<Dim>{14, 28, 56, 112, 224};
  for (const Dim side : sides) {
    const Dim n = side * side;
    const double share = n > 20000 ? 1.0 / 16.0 : 1.0;
    cases.push_back(
        {"agent", "training-free, attention part, h 6, d 64, 49 agents", n, LayerWeights().done(),
         [=](GraphBuilder& graph) {
           const Tensor q = graph.input("q", {1, n, c});
           const Tensor k = graph.input("k", {1, n, c});
           const Tensor v = graph.input("v", {1, n, c});
           const Tensor agents = graph.input("agents", {1, 49, c});
           graph.output("out",
                        va::agentTrainingFreeCore(graph, "agent", agents, q, k, v, {.heads = 6}));
         },
         softmaxCore(n, 6, 6, 64, share), share});
    if (n > 20000) continue;
    cases.push_back({"agent", "training-free, whole layer of 384, 49 agents", n,
                     LayerWeights().projections("mha", c).done(),
                     [=](GraphBuilder& graph) {
                       const Tensor x = graph.input("x", {1, side, side, c});
                       graph.output("out", va::agentTrainingFree(graph, x, "mha", {.heads = 6}));
                     },
                     multiHead(1, n, c, 6)});
  }
}

void latentCases(Cases& cases, bool quick) {
  const Dim c = 256;
  const Dim queries = 256;
  const va::LatentOptions options{
      .heads = 8, .size = 32, .valueSize = 32, .latent = 64, .rope = 16};
  LayerWeights w;
  w.projections("mha", c);
  w.linear("mla.q_up", 8 * 32, c, false).linear("mla.q_rope", 8 * 16, c, false);
  w.linear("mla.key_up", 8 * 32, 64, false).linear("mla.value_up", 8 * 32, 64, false);
  w.linear("mla.projection", c, 8 * 32, false);
  const auto weights = w.done();
  for (const Dim bank :
       quick ? std::vector<Dim>{4096} : std::vector<Dim>{4096, 16384, 65536, 262144}) {
    const auto baseline = [=](GraphBuilder& graph) {
      const Tensor x = graph.input("x", {1, queries, c});
      const Tensor k = graph.input("k", {1, bank, c});
      const Tensor v = graph.input("v", {1, bank, c});
      const Tensor q = va::linear(graph, x, "mha.q", {.outputChannels = c});
      const Tensor out = va::streamedAttention(graph, "core", q, k, v, {.heads = 8});
      graph.output("out", va::linear(graph, out, "mha.projection", {.outputChannels = c}));
    };
    for (const auto evaluation : {va::LatentEvaluation::Absorbed, va::LatentEvaluation::Naive}) {
      const bool absorbed = evaluation == va::LatentEvaluation::Absorbed;
      cases.push_back({"latent",
                       std::string("256 queries to a bank, ") + (absorbed ? "absorbed" : "naive"),
                       bank, weights,
                       [=](GraphBuilder& graph) {
                         const Tensor x = graph.input("x", {1, queries, c});
                         const Tensor b = graph.input("bank", {1, bank, 64 + 16});
                         graph.output("out", va::latentAttention(graph, x, b, "mla", options,
                                                                 {.width = 16}, evaluation));
                       },
                       baseline, 1.0, static_cast<double>(bank) * (64 + 16) * sizeof(float),
                       static_cast<double>(bank) * 2 * c * sizeof(float)});
    }
  }
}

void reuseCases(Cases& cases, bool quick) {
  struct Size {
    Dim mb;
    Dim side;
  };
  const std::vector<Size> sizes =
      quick ? std::vector<Size>{{16, 7}} : std::vector<Size>{{64, 7}, {1, 32}, {1, 64}};
  for (const auto& [mb, side] : sizes) {
    const Dim c = 128;
    LayerWeights w;
    w.projections("mha", c).conv("reuse.qk", {c / 2, c, 1, 1});
    w.conv("reuse.local_q", {c / 4, 1, 7, 7}).conv("reuse.projection", {c, c, 1, 1});
    const Dim kernels[] = {1, 3, 5, 7};
    for (Dim i = 0; i < 4; ++i) {
      w.conv("reuse.local_v." + std::to_string(i), {c / 4, 1, kernels[i], kernels[i]});
    }
    w.add("reuse.bias", {side, side}, 1.0);
    cases.push_back({"reuse",
                     "layer of 128, h 4, " + std::to_string(mb) + " windows of " +
                         std::to_string(side) + "x" + std::to_string(side),
                     mb * side * side, w.done(),
                     [=, mb = mb, side = side](GraphBuilder& graph) {
                       const Tensor x = graph.input("x", {mb, side, side, c});
                       graph.output("out", va::reuseAttention(graph, x, "reuse"));
                     },
                     multiHead(mb, side * side, c, 4)});
  }
}

void mixtureCases(Cases& cases, bool quick) {
  const Dim c = 512;
  const Dim heads = 8;
  LayerWeights w;
  w.projections("mha", c).linear("mha.router_group", 2, c, false);
  w.linear("mha.router_shared", 2, c, false).linear("mha.router_routed", 6, c, false);
  const auto weights = w.done();
  for (const Dim n : quick ? std::vector<Dim>{1024} : std::vector<Dim>{512, 1024, 4096}) {
    for (const Dim active : quick ? std::vector<Dim>{4, 2} : std::vector<Dim>{6, 4, 2}) {
      for (const auto routing : {va::HeadRouting::Token, va::HeadRouting::Tile}) {
        const bool tile = routing == va::HeadRouting::Tile;
        if (tile && (quick || active == 6 || n == 512)) continue;
        cases.push_back({"mixture_of_heads",
                         "layer of 512, " + std::to_string(2 + active) + " of 8 heads by " +
                             (tile ? "tile" : "token"),
                         n, weights,
                         [=](GraphBuilder& graph) {
                           const Tensor x = graph.input("x", {1, n, c});
                           graph.output("out", va::mixtureOfHeads(graph, x, "mha",
                                                                  {.heads = heads,
                                                                   .shared = 2,
                                                                   .active = active,
                                                                   .routing = routing,
                                                                   .width = squareSide(n)}));
                         },
                         multiHead(1, n, c, heads)});
      }
    }
  }
}

void generalizedCases(Cases& cases, bool quick) {
  for (const Dim n : quick ? std::vector<Dim>{1024} : std::vector<Dim>{1024, 4096}) {
    const std::vector<float> lambda(4, 0.1F);
    cases.push_back({"generalized_probabilistic", "attention part, h 4, d 64", n,
                     LayerWeights().done(),
                     [=](GraphBuilder& graph) {
                       const Tensor q = graph.input("q", {1, n, 256});
                       const Tensor negative = graph.input("negative", {1, n, 256});
                       const Tensor k = graph.input("k", {1, n, 256});
                       const Tensor v = graph.input("v", {1, n, 256});
                       graph.output("out", va::generalizedProbabilisticCore(
                                               graph, "core", q, negative, k, v,
                                               {.heads = 4, .plus = lambda, .minus = lambda}));
                     },
                     softmaxCore(n, 4, 4, 64)});
  }
}

void ropeCases(Cases& cases, bool quick) {
  const Dim c = 256;
  const auto weights = LayerWeights().projections("mha", c).done();
  for (const Dim n : quick ? std::vector<Dim>{1024} : std::vector<Dim>{1024, 4096}) {
    for (const Dim rotated : quick ? std::vector<Dim>{32} : std::vector<Dim>{0, 16, 32, 64}) {
      cases.push_back(
          {"partial_rope", "layer of 256, h 4, " + std::to_string(rotated) + " of 64 channels turn",
           n, weights,
           [=](GraphBuilder& graph) {
             const Tensor x = graph.input("x", {1, n, c});
             const va::PartialRopeOptions rope{
                 .heads = 4, .rotated = rotated, .width = squareSide(n)};
             const auto project = [&](const std::string& name) {
               return va::linear(graph, x, name, {.outputChannels = c});
             };
             const Tensor q = va::partialRope(graph, project("mha.q"), "q", rope);
             const Tensor k = va::partialRope(graph, project("mha.k"), "k", rope);
             const Tensor out =
                 va::streamedAttention(graph, "core", q, k, project("mha.v"), {.heads = 4});
             graph.output("out", va::linear(graph, out, "mha.projection", {.outputChannels = c}));
           },
           multiHead(1, n, c, 4)});
    }
  }
}

void histogramCases(Cases& cases, bool quick) {
  const Dim c = 128;
  LayerWeights w;
  w.projections("mha", c);
  w.add("histogram.temperature", {8}, 1.0);
  w.add("histogram.qkv.weight", {5 * c, c, 1, 1}, 0.1);
  w.add("histogram.qkv_depthwise.weight", {5 * c, 1, 3, 3}, 0.3);
  w.add("histogram.projection.weight", {c, c, 1, 1}, 0.1);
  const auto weights = w.done();
  for (const Dim side : quick ? std::vector<Dim>{32} : std::vector<Dim>{32, 64, 128}) {
    cases.push_back({"histogram", "layer of 128, h 8, 8 bins, one window", side * side, weights,
                     [=](GraphBuilder& graph) {
                       const Tensor x = graph.input("x", {1, side, side, c});
                       graph.output("out", va::histogramAttention(graph, x, "histogram", {}));
                     },
                     multiHead(1, side * side, c, 8)});
  }
}

}  // namespace

std::vector<AttentionCase> attentionCases(bool quick) {
  Cases cases;
  softmaxCases(cases, quick);
  sparseCases(cases, quick);
  pruningCases(cases, quick);
  agentCases(cases, quick);
  latentCases(cases, quick);
  reuseCases(cases, quick);
  mixtureCases(cases, quick);
  ropeCases(cases, quick);
  histogramCases(cases, quick);
  generalizedCases(cases, quick);
  for (AttentionCase& network : attentionNetworks()) cases.push_back(std::move(network));
  return cases;
}

}  // namespace pristine
