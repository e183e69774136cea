#include <gtest/gtest.h>

#include <functional>

#include "core/safetensors.h"
#include "tests/support/compare.h"
#include "tests/support/graph_runner.h"
#include "vision_attention/attention/agent_training_free.h"
#include "vision_attention/attention/generalized_probabilistic.h"
#include "vision_attention/attention/latent.h"
#include "vision_attention/attention/mixture_of_heads.h"
#include "vision_attention/attention/multi_head.h"
#include "vision_attention/attention/partial_rope.h"
#include "vision_attention/attention/reuse.h"
#include "vision_attention/attention/sparse.h"
#include "vision_attention/attention/token_merging.h"
#include "vision_attention/attention/token_pruning.h"
#include "vision_attention/ops/conv.h"
#include "vision_attention/ops/top_k.h"

/// Every system against its twin in data/training/attention.py, which wrote the fixture in f64.
namespace va::test {

namespace {

struct Fixture {
  Weights weights;  ///< scope "a"
  Array input;
  Array output;
};

Fixture load(const std::string& name) {
  static const auto kFile =
      pristine::readSafetensors(std::string(PRISTINE_TEST_DATA) + "/attention.safetensors");
  const auto array = [](const pristine::Safetensors::Tensor& t) {
    return Array(Shape(t.shape), t.values);
  };
  Fixture fixture;
  const std::string prefix = name + ".weights.";
  for (const auto& [key, tensor] : kFile.tensors) {
    if (key.rfind(prefix, 0) == 0) {
      fixture.weights.add("a." + key.substr(prefix.size()), Shape(tensor.shape), tensor.values);
    }
  }
  fixture.input = array(kFile.tensors.at(name + ".input"));
  fixture.output = array(kFile.tensors.at(name + ".output"));
  return fixture;
}

using Layer = std::function<Tensor(GraphBuilder&, const Tensor&)>;

void expectParity(const std::string& name, const Layer& layer) {
  const Fixture fixture = load(name);
  const auto describe = [&](GraphBuilder& graph, const std::vector<Tensor>& in) {
    const Tensor out = layer(graph, in[0]);
    EXPECT_TRUE(graph.unusedWeights().empty()) << name << ": " << graph.unusedWeights().front();
    return out;
  };
  EXPECT_TRUE(isNear(runGraph(describe, {fixture.input}, fixture.weights), fixture.output,
                     kParityTolerance))
      << name;
}

TEST(AttentionParity, MultiHeadAndBlock) {
  expectParity("multi_head", [](GraphBuilder& graph, const Tensor& x) {
    return multiHeadAttention(graph, x, "a", {.heads = 4});
  });
  expectParity("block", [](GraphBuilder& graph, const Tensor& x) {
    return transformerBlock(graph, x, "a", {.heads = 2});
  });
}

TEST(AttentionParity, PartialRope) {
  expectParity("rope_sequence", [](GraphBuilder& graph, const Tensor& x) {
    return partialRope(graph, x, "a",
                       {.heads = 2,
                        .rotated = 4,
                        .pairing = RopePairing::HalfSplit,
                        .positions = RopePositions::Sequence,
                        .selection = RopeSelection::Low});
  });
  expectParity("rope_axial", [](GraphBuilder& graph, const Tensor& x) {
    return partialRope(graph, x, "a",
                       {.heads = 2, .rotated = 8, .width = 5, .originX = 3, .originY = 2});
  });
  expectParity("rope_mixed", [](GraphBuilder& graph, const Tensor& x) {
    return partialRope(graph, x, "a",
                       {.heads = 2,
                        .rotated = 4,
                        .positions = RopePositions::Mixed,
                        .selection = RopeSelection::Uniform,
                        .width = 5});
  });
}

TEST(AttentionParity, GeneralizedProbabilistic) {
  expectParity("generalized", [](GraphBuilder& graph, const Tensor& x) {
    return generalizedProbabilisticAttention(graph, x, "a", {.heads = 4});
  });
  expectParity("generalized_untied", [](GraphBuilder& graph, const Tensor& x) {
    return generalizedProbabilisticAttention(graph, x, "a",
                                             {.heads = 2,
                                              .negativeQuery = NegativeQuery::LinearReluLinear,
                                              .tied = false,
                                              .largestLambda = 0.5F});
  });
}

TEST(AttentionParity, MixtureOfHeads) {
  expectParity("mixture_code", [](GraphBuilder& graph, const Tensor& x) {
    return mixtureOfHeads(graph, x, "a", {.heads = 8, .shared = 3, .active = 2});
  });
  expectParity("mixture_paper", [](GraphBuilder& graph, const Tensor& x) {
    return mixtureOfHeads(graph, x, "a",
                          {.heads = 8, .shared = 2, .active = 3, .form = GateForm::Paper});
  });
  expectParity("mixture_tiles", [](GraphBuilder& graph, const Tensor& x) {
    return mixtureOfHeads(graph, x, "a",
                          {.heads = 8,
                           .shared = 2,
                           .active = 3,
                           .routing = HeadRouting::Tile,
                           .width = 7,
                           .tile = 4});
  });
}

TEST(AttentionParity, Reuse) {
  expectParity("reuse",
               [](GraphBuilder& graph, const Tensor& x) { return reuseAttention(graph, x, "a"); });
}

TEST(AttentionParity, AgentTrainingFree) {
  expectParity("agent_training_free", [](GraphBuilder& graph, const Tensor& x) {
    return agentTrainingFree(graph, x, "a", {.heads = 4, .side = 3});
  });
}

TEST(AttentionParity, TokenPruningAndMerging) {
  expectParity("predictor",
               [](GraphBuilder& graph, const Tensor& x) { return keepScores(graph, x, "a"); });
  expectParity("pruned", [](GraphBuilder& graph, const Tensor& x) {
    const Tensor kept =
        topK(graph, "top", keepScores(graph, x, "a.predictor"), 11, TopKOrder::Index);
    return bypass(graph, x, "a", kept, LightPath::Linear, [](GraphBuilder& g, const Tensor& t) {
      return transformerBlock(g, t, "a.block", {.heads = 2});
    });
  });
  expectParity("merged", [](GraphBuilder& graph, const Tensor& x) {
    return mergedAttention(graph, x, "a", {.heads = 4, .match = {.merged = 9}});
  });
}

TEST(AttentionParity, LatentInBothEvaluations) {
  for (const auto evaluation : {LatentEvaluation::Naive, LatentEvaluation::Absorbed}) {
    expectParity("latent", [&](GraphBuilder& graph, const Tensor& x) {
      const LatentOptions options{
          .heads = 3, .size = 4, .valueSize = 5, .latent = 10, .queryLatent = 6, .rope = 4};
      const LatentPlace place{.width = 6};
      return latentAttention(graph, x, latentBank(graph, x, "a", options, place), "a", options,
                             place, evaluation);
    });
  }
}

TEST(AttentionParity, Sparse) {
  expectParity("sparse", [](GraphBuilder& graph, const Tensor& x) {
    return sparseAttention(graph, x, "a",
                           {.heads = 4,
                            .compressHeight = 4,
                            .compressWidth = 2,
                            .strideHeight = 2,
                            .strideWidth = 2,
                            .tile = 4,
                            .selected = 2})
        .dst;
  });
  expectParity("sparse_rope", [](GraphBuilder& graph, const Tensor& x) {
    return sparseAttention(graph, x, "a",
                           {.heads = 2,
                            .compressHeight = 4,
                            .compressWidth = 4,
                            .strideHeight = 2,
                            .strideWidth = 4,
                            .tile = 4,
                            .selected = 3,
                            .rotated = 4})
        .dst;
  });
}

}  // namespace

}  // namespace va::test
