#include <algorithm>
#include <cmath>
#include <limits>
#include <map>

#include "core/attention_cases.h"
#include "vision_attention/attention/agent_training_free.h"
#include "vision_attention/attention/generalized_probabilistic.h"
#include "vision_attention/attention/histogram.h"
#include "vision_attention/attention/latent.h"
#include "vision_attention/attention/mixture_of_heads.h"
#include "vision_attention/attention/partial_rope.h"
#include "vision_attention/attention/reuse.h"
#include "vision_attention/attention/sparse.h"
#include "vision_attention/attention/token_pruning.h"
#include "vision_attention/graph.h"
#include "vision_attention/ops/elementwise.h"
#include "vision_attention/ops/streamed_attention.h"
#include "vision_attention/ops/top_k.h"
#include "vision_attention/reference/attention.h"
#include "vision_attention/reference/operators.h"
#include "vision_attention/reference/random.h"
#include "vision_attention/reference/systems.h"

namespace pristine {

namespace {

using va::Dim;
using va::GraphBuilder;
using va::Tensor;
using va::reference::Array;
using va::reference::Random;
using va::reference::RefWeights;

constexpr Dim kSide = 12;
constexpr Dim kTokens = kSide * kSide;
constexpr Dim kHeads = 4;
constexpr Dim kSize = 16;
constexpr Dim kChannels = kHeads * kSize;

va::Weights weightsOf(const RefWeights& arrays) {
  va::Weights weights;
  for (const auto& [name, array] : arrays) weights.add(name, array.shape(), array.floats());
  return weights;
}

/// A compiled small problem with its inputs drawn and run. Token tensors are [n, channels].
class Problem {
 public:
  using Tensors = std::map<std::string, Tensor>;

  Problem(const va::Engine& engine, const va::Weights& weights,
          const std::vector<std::pair<std::string, va::Shape>>& inputs,
          const std::function<void(GraphBuilder&, Tensors&)>& describe) {
    GraphBuilder builder(weights, va::Precision::F32);
    Tensors tensors;
    for (const auto& [name, shape] : inputs) tensors[name] = builder.input(name, shape);
    describe(builder, tensors);
    graph_ = builder.compile(engine);
    Random random(1);
    for (const auto& [name, shape] : inputs) {
      const Array values = random.normal(shape);
      std::ranges::copy(values.floats(), graph_->data<float>(name).begin());
      inputs_[name] = values.reshaped({shape.elements() / shape[-1], shape[-1]});
    }
    graph_->run();
  }

  const Array& input(const std::string& name) const { return inputs_.at(name); }
  std::span<const std::int32_t> indices(const std::string& name) {
    return graph_->data<std::int32_t>(name);
  }
  /// Largest difference of output "out" to what was expected.
  double error(const Array& expected) {
    const auto out = graph_->data<float>("out");
    double worst = 0.0;
    for (std::size_t i = 0; i < out.size(); ++i) {
      worst = std::max(worst, std::abs(static_cast<double>(out[i]) - expected.values().at(i)));
    }
    return worst;
  }

 private:
  std::unique_ptr<va::Graph> graph_;
  std::map<std::string, Array> inputs_;
};

using Inputs = std::vector<std::pair<std::string, va::Shape>>;
using Tensors = Problem::Tensors;

Inputs tokens(const std::vector<std::string>& names, Dim channels = kChannels) {
  Inputs inputs;
  for (const auto& name : names) inputs.push_back({name, {1, kTokens, channels}});
  return inputs;
}

Array softmaxOf(const Array& q, const Array& k, const Array& v) {
  return va::reference::refMultiHead(q, k, v, {.heads = kHeads});
}

double softmaxError(const va::Engine& engine) {
  Problem p(engine, {}, tokens({"q", "k", "v"}), [](GraphBuilder& graph, Tensors& t) {
    graph.output("out",
                 va::streamedAttention(graph, "a", t["q"], t["k"], t["v"], {.heads = kHeads}));
  });
  return p.error(softmaxOf(p.input("q"), p.input("k"), p.input("v")));
}

double sparseError(const va::Engine& engine) {
  const va::SparseOptions options{.heads = kHeads,
                                  .keyHeads = 1,
                                  .compression = va::SparseCompression::Mean,
                                  .compressHeight = 4,
                                  .compressWidth = 2,
                                  .strideHeight = 2,
                                  .strideWidth = 2,
                                  .tile = 4,
                                  .selected = 3};
  Inputs inputs = tokens({"kc", "vc", "ks", "vs", "kw", "vw"}, kSize);
  inputs.push_back({"q", {1, kTokens, kChannels}});
  inputs.push_back({"gates", {1, kTokens, 3 * kHeads}});
  Problem p(engine, {}, inputs, [&](GraphBuilder& graph, Tensors& t) {
    graph.output("out", va::sparseCore(graph, "sparse",
                                       {t["q"], t["q"],
                                        va::sparseCompress(graph, t["kc"], "kc", kSide, options),
                                        va::sparseCompress(graph, t["vc"], "vc", kSide, options),
                                        t["ks"], t["vs"], t["kw"], t["vw"], t["gates"]},
                                       kSide, options)
                            .dst);
  });
  const va::reference::RefSparse definition{.height = kSide,
                                            .width = kSide,
                                            .heads = kHeads,
                                            .compressHeight = 4,
                                            .compressWidth = 2,
                                            .strideHeight = 2,
                                            .strideWidth = 2,
                                            .tile = 4,
                                            .selected = 3};
  return p.error(
      va::reference::refSparse(p.input("q"),
                               {va::reference::refWindowMeans(p.input("kc"), definition),
                                va::reference::refWindowMeans(p.input("vc"), definition),
                                p.input("ks"), p.input("vs"), p.input("kw"), p.input("vw")},
                               p.input("gates"), definition));
}

double pruningError(const va::Engine& engine) {
  constexpr Dim kKept = 50;
  Inputs inputs = tokens({"x"});
  inputs.push_back({"scores", {1, kTokens}});
  Problem p(engine, {}, inputs, [](GraphBuilder& graph, Tensors& t) {
    const Tensor kept = va::topK(graph, "top", t["scores"], kKept);
    graph.output("kept", kept);
    graph.output("out", va::bypass(graph, t["x"], "b", kept, va::LightPath::Identity,
                                   [](GraphBuilder& g, const Tensor& x) {
                                     return va::streamedAttention(g, "a", x, x, x,
                                                                  {.heads = kHeads});
                                   }));
  });
  const Array& x = p.input("x");
  const auto kept = p.indices("kept");
  Array mask({kTokens, kTokens});
  for (const Dim key : kept) {
    for (Dim query = 0; query < kTokens; ++query) mask(query, key) = 1.0;
  }
  Array expected = va::reference::refMultiHead(x, x, x, {.heads = kHeads}, mask);
  for (Dim i = 0; i < kTokens; ++i) {
    for (Dim c = 0; mask(0, i) == 0.0 && c < kChannels; ++c) expected(i, c) = x(i, c);
  }
  return p.error(expected);
}

double agentError(const va::Engine& engine) {
  Inputs inputs = tokens({"q", "k", "v"});
  inputs.push_back({"agents", {1, 9, kChannels}});
  Problem p(engine, {}, inputs, [](GraphBuilder& graph, Tensors& t) {
    graph.output("out", va::agentTrainingFreeCore(graph, "a", t["agents"], t["q"], t["k"], t["v"],
                                                  {.heads = kHeads}));
  });
  return p.error(va::reference::refAgentTrainingFree(p.input("agents"), p.input("q"), p.input("k"),
                                                     p.input("v"), kHeads, 0.3, 0.075));
}

double latentError(const va::Engine& engine) {
  constexpr Dim kLatent = 24;
  Random random(2);
  RefWeights arrays;
  va::reference::addLinear(arrays, "a.q_up", kChannels, kChannels, random, false);
  va::reference::addLinear(arrays, "a.key_up", kChannels, kLatent, random, false);
  va::reference::addLinear(arrays, "a.value_up", kChannels, kLatent, random, false);
  va::reference::addLinear(arrays, "a.projection", kChannels, kChannels, random, false);
  Inputs inputs = tokens({"x"});
  inputs.push_back({"bank", {1, kTokens, kLatent}});
  Problem p(engine, weightsOf(arrays), inputs, [](GraphBuilder& graph, Tensors& t) {
    const va::LatentOptions options{
        .heads = kHeads, .size = kSize, .valueSize = kSize, .latent = kLatent, .normalized = false};
    graph.output("out", va::latentAttention(graph, t["x"], t["bank"], "a", options,
                                            {.width = kSide}, va::LatentEvaluation::Absorbed));
  });
  const auto layer = [&](const std::string& name, const Array& src) {
    return va::reference::refLayer(arrays, "a." + name, src);
  };
  const Array& bank = p.input("bank");
  return p.error(layer("projection", softmaxOf(layer("q_up", p.input("x")), layer("key_up", bank),
                                               layer("value_up", bank))));
}

double reuseError(const va::Engine& engine) {
  const std::vector<Dim> kernels{1, 3, 5, 7};
  constexpr Dim kQuarter = kChannels / 4;
  Random random(3);
  RefWeights arrays;
  const auto add = [&](const std::string& name, const va::Shape& shape) {
    const double inputs = static_cast<double>(shape.elements() / shape[0]);
    arrays[name + ".weight"] = random.normal(shape, 0.0, 1.0 / std::sqrt(inputs));
    arrays[name + ".bias"] = random.normal({shape[0]}, 0.0, 0.3);
  };
  add("a.qk", {2 * kQuarter, kChannels, 1, 1});
  add("a.local_q", {kQuarter, 1, 7, 7});
  for (std::size_t i = 0; i < kernels.size(); ++i) {
    add("a.local_v." + std::to_string(i), {kQuarter, 1, kernels[i], kernels[i]});
  }
  add("a.projection", {kChannels, kChannels, 1, 1});
  arrays["a.bias"] = random.normal({kSide, kSide});
  Problem p(engine, weightsOf(arrays), {{"x", {1, kSide, kSide, kChannels}}},
            [](GraphBuilder& graph, Tensors& t) {
              graph.output("out", va::reuseAttention(graph, t["x"], "a"));
            });
  return p.error(va::reference::refReuse(arrays, "a",
                                         p.input("x").reshaped({kSide, kSide, kChannels}), kernels,
                                         1.0 / std::sqrt(static_cast<double>(kQuarter))));
}

double mixtureError(const va::Engine& engine) {
  Inputs inputs = tokens({"q", "k", "v"});
  inputs.push_back({"gates", {1, kTokens, kHeads}});
  Problem p(engine, {}, inputs, [](GraphBuilder& graph, Tensors& t) {
    // Half of the gates are off: the rectifier zeroes them.
    const Tensor gates = va::activate(graph, "relu", t["gates"], va::Activation::Relu);
    graph.output("out", va::mixtureOfHeadsCore(graph, "a", t["q"], t["k"], t["v"], gates, 2));
  });
  Array expected = softmaxOf(p.input("q"), p.input("k"), p.input("v"));
  for (Dim i = 0; i < kTokens; ++i) {
    for (Dim c = 0; c < kChannels; ++c) {
      expected(i, c) *= va::reference::refRelu(p.input("gates")(i, c / kSize));
    }
  }
  return p.error(expected);
}

double generalizedError(const va::Engine& engine) {
  const std::vector<float> lambda(kHeads, 0.25F);
  Problem p(engine, {}, tokens({"q", "n", "k", "v"}), [&](GraphBuilder& graph, Tensors& t) {
    graph.output("out", va::generalizedProbabilisticCore(
                            graph, "a", t["q"], t["n"], t["k"], t["v"],
                            {.heads = kHeads, .plus = lambda, .minus = lambda}));
  });
  const std::vector<double> same(lambda.begin(), lambda.end());
  return p.error(va::reference::refGeneralized(p.input("q"), p.input("n"), p.input("k"),
                                               p.input("v"), same, same));
}

double ropeError(const va::Engine& engine) {
  Problem p(engine, {}, tokens({"x"}), [](GraphBuilder& graph, Tensors& t) {
    graph.output("out", va::partialRope(graph, t["x"], "a",
                                        {.heads = kHeads, .rotated = kSize, .width = kSide}));
  });
  // Axial: the first half of a head's pairs turns with x, the second with y.
  constexpr Dim kPairs = kSize / 2;
  std::vector<Dim> first;
  std::vector<Dim> second;
  Array angles({kTokens, kPairs});
  for (Dim pair = 0; pair < kPairs; ++pair) {
    first.push_back(2 * pair);
    second.push_back(2 * pair + 1);
    const Dim index = pair % (kPairs / 2);
    for (Dim t = 0; t < kTokens; ++t) {
      const Dim place = pair < kPairs / 2 ? t % kSide : t / kSide;
      angles(t, pair) =
          static_cast<double>(place) * std::pow(100.0, -4.0 * static_cast<double>(index) / kSize);
    }
  }
  std::vector<Array> heads;
  for (Dim head = 0; head < kHeads; ++head) {
    heads.push_back(va::reference::refTurn(va::reference::refHead(p.input("x"), head, kHeads),
                                           first, second, angles));
  }
  return p.error(va::reference::concatenate(heads, 1));
}

double histogramError(const va::Engine& engine) {
  constexpr Dim kBins = 4;
  RefWeights arrays;
  arrays["a.temperature"] = Random(4).uniform({kHeads}, 0.5, 2.0);
  Problem p(engine, weightsOf(arrays),
            {{"qk", {1, kSide, kSide, 4 * kChannels}}, {"v", {1, kSide, kSide, kChannels}}},
            [](GraphBuilder& graph, Tensors& t) {
              graph.output("out", va::histogramCore(graph, t["qk"], t["v"], "a",
                                                    {.heads = kHeads, .bins = kBins}));
            });
  const auto channels = [](const Array& map) { return va::reference::refTransposed(map); };
  const auto part = [&](Dim i) {
    return channels(p.input("qk").slice(1, i * kChannels, kChannels));
  };
  return p.error(channels(
      va::reference::refHistogramCore({part(0), part(1), part(2), part(3), channels(p.input("v"))},
                                      kHeads, kBins, arrays["a.temperature"])));
}

}  // namespace

double attentionError(const std::string& system, const va::Engine& engine) {
  static const std::map<std::string, double (*)(const va::Engine&)> kErrors{
      {"softmax", softmaxError},
      {"sparse", sparseError},
      {"token_pruning", pruningError},
      {"agent", agentError},
      {"latent", latentError},
      {"reuse", reuseError},
      {"mixture_of_heads", mixtureError},
      {"partial_rope", ropeError},
      {"generalized_probabilistic", generalizedError},
      {"histogram", histogramError}};
  const auto found = kErrors.find(system);
  return found == kErrors.end() ? std::numeric_limits<double>::quiet_NaN() : found->second(engine);
}

}  // namespace pristine
