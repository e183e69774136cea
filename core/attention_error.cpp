#include <algorithm>
#include <cmath>
#include <limits>
#include <map>

#include "core/attention_cases.h"
#include "vision_attention/attention/agent_training_free.h"
#include "vision_attention/attention/generalized_probabilistic.h"
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

namespace pristine {

namespace {

using va::Dim;
using va::GraphBuilder;
using va::Tensor;

constexpr Dim kSide = 12;
constexpr Dim kTokens = kSide * kSide;
constexpr Dim kHeads = 4;
constexpr Dim kSize = 16;
constexpr Dim kChannels = kHeads * kSize;

/// A matrix of doubles, row-major.
struct Matrix {
  Dim rows = 0;
  Dim columns = 0;
  std::vector<double> values;

  Matrix(Dim r, Dim c) : rows(r), columns(c), values(static_cast<std::size_t>(r * c), 0.0) {}
  Matrix(Dim r, Dim c, std::span<const float> source)
      : rows(r), columns(c), values(source.begin(), source.end()) {}
  double& operator()(Dim i, Dim j) { return values[static_cast<std::size_t>(i * columns + j)]; }
  double operator()(Dim i, Dim j) const {
    return values[static_cast<std::size_t>(i * columns + j)];
  }
};

using Visible = std::function<bool(Dim query, Dim key)>;

/// Softmax attention of every head by its definition; keys and values with fewer heads are shared.
Matrix attend(const Matrix& q, const Matrix& k, const Matrix& v, Dim heads, double scale,
              const Visible& visible = {}, Dim keyHeads = kHeads) {
  const Dim d = q.columns / heads;
  const Dim e = v.columns / keyHeads;
  Matrix out(q.rows, heads * e);
  std::vector<double> weights(static_cast<std::size_t>(k.rows));
  for (Dim head = 0; head < heads; ++head) {
    const Dim shared = head / (heads / keyHeads);
    for (Dim i = 0; i < q.rows; ++i) {
      double top = -std::numeric_limits<double>::infinity();
      for (Dim j = 0; j < k.rows; ++j) {
        double& logit = weights[static_cast<std::size_t>(j)];
        logit = -std::numeric_limits<double>::infinity();
        if (visible && !visible(i, j)) continue;
        logit = 0.0;
        for (Dim c = 0; c < d; ++c) logit += q(i, head * d + c) * k(j, shared * d + c);
        logit *= scale;
        top = std::max(top, logit);
      }
      double sum = 0.0;
      for (double& weight : weights) sum += weight = std::exp(weight - top);
      for (Dim j = 0; j < k.rows; ++j) {
        const double weight = weights[static_cast<std::size_t>(j)] / sum;
        for (Dim c = 0; c < e; ++c) out(i, head * e + c) += weight * v(j, shared * e + c);
      }
    }
  }
  return out;
}

/// x times the transposed weights [oc, ic].
Matrix project(const Matrix& x, const std::vector<float>& weights) {
  const Dim oc = static_cast<Dim>(weights.size()) / x.columns;
  Matrix out(x.rows, oc);
  for (Dim i = 0; i < x.rows; ++i) {
    for (Dim o = 0; o < oc; ++o) {
      for (Dim c = 0; c < x.columns; ++c) {
        out(i, o) +=
            x(i, c) * static_cast<double>(weights[static_cast<std::size_t>(o * x.columns + c)]);
      }
    }
  }
  return out;
}

/// A compiled small problem with its inputs filled and run.
class Problem {
 public:
  Problem(const va::Engine& engine, const va::Weights& weights,
          const std::vector<std::pair<std::string, va::Shape>>& inputs,
          const std::function<void(GraphBuilder&, std::map<std::string, Tensor>&)>& describe) {
    GraphBuilder builder(weights, va::Precision::F32);
    std::map<std::string, Tensor> tensors;
    for (const auto& [name, shape] : inputs) tensors[name] = builder.input(name, shape);
    describe(builder, tensors);
    graph_ = builder.compile(engine);
    std::uint64_t seed = 0;
    for (const auto& [name, shape] : inputs) {
      const auto data = graph_->data<float>(name);
      fillPseudoNormal(data, ++seed);
      inputs_.emplace(name, Matrix(shape.elements() / shape[-1], shape[-1], data));
    }
    graph_->run();
  }

  const Matrix& input(const std::string& name) const { return inputs_.at(name); }
  std::span<const std::int32_t> indices(const std::string& name) {
    return graph_->data<std::int32_t>(name);
  }
  /// Largest difference of output "out" to what was expected.
  double error(const Matrix& expected) {
    const auto out = graph_->data<float>("out");
    double worst = 0.0;
    for (std::size_t i = 0; i < out.size(); ++i) {
      worst = std::max(worst, std::abs(static_cast<double>(out[i]) - expected.values.at(i)));
    }
    return worst;
  }

 private:
  std::unique_ptr<va::Graph> graph_;
  std::map<std::string, Matrix> inputs_;
};

using Inputs = std::vector<std::pair<std::string, va::Shape>>;
using Tensors = std::map<std::string, Tensor>;

const double kScale = 1.0 / std::sqrt(static_cast<double>(kSize));

Inputs tokens(const std::vector<std::string>& names, Dim channels = kChannels) {
  Inputs inputs;
  for (const auto& name : names) inputs.push_back({name, {1, kTokens, channels}});
  return inputs;
}

double softmaxError(const va::Engine& engine) {
  Problem p(engine, {}, tokens({"q", "k", "v"}), [](GraphBuilder& graph, Tensors& t) {
    graph.output("out",
                 va::streamedAttention(graph, "a", t["q"], t["k"], t["v"], {.heads = kHeads}));
  });
  return p.error(attend(p.input("q"), p.input("k"), p.input("v"), kHeads, kScale));
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
    const va::SparseResult result =
        va::sparseCore(graph, "sparse",
                       {t["q"], t["q"], va::sparseCompress(graph, t["kc"], "kc", kSide, options),
                        va::sparseCompress(graph, t["vc"], "vc", kSide, options), t["ks"], t["vs"],
                        t["kw"], t["vw"], t["gates"]},
                       kSide, options);
    graph.output("out", result.dst);
    graph.output("selection", result.selection);
  });
  const Dim down = (kSide - 4) / 2 + 1;
  const Dim across = (kSide - 2) / 2 + 1;
  const auto means = [&](const Matrix& x) {
    Matrix out(down * across, x.columns);
    for (Dim i = 0; i < out.rows; ++i) {
      for (Dim j = 0; j < 8; ++j) {
        const Dim token = (i / across * 2 + j / 2) * kSide + i % across * 2 + j % 2;
        for (Dim c = 0; c < x.columns; ++c) out(i, c) += x(token, c) / 8.0;
      }
    }
    return out;
  };
  const auto tile = [](Dim token) { return token / kSide / 4 * 3 + token % kSide / 4; };
  const auto selection = p.indices("selection");
  const Matrix& q = p.input("q");
  const Matrix branches[] = {
      attend(q, means(p.input("kc")), means(p.input("vc")), kHeads, kScale, {}, 1),
      attend(
          q, p.input("ks"), p.input("vs"), kHeads, kScale,
          [&](Dim i, Dim j) {
            const auto own = selection.subspan(static_cast<std::size_t>(tile(i) * 3), 3);
            return std::ranges::find(own, static_cast<std::int32_t>(tile(j))) != own.end();
          },
          1),
      attend(
          q, p.input("kw"), p.input("vw"), kHeads, kScale,
          [&](Dim i, Dim j) {
            return std::abs(tile(i) / 3 - tile(j) / 3) <= 1 &&
                   std::abs(tile(i) % 3 - tile(j) % 3) <= 1;
          },
          1)};
  Matrix expected(kTokens, kChannels);
  for (Dim b = 0; b < 3; ++b) {
    for (Dim i = 0; i < kTokens; ++i) {
      for (Dim c = 0; c < kChannels; ++c) {
        expected(i, c) += p.input("gates")(i, b * kHeads + c / kSize) * branches[b](i, c);
      }
    }
  }
  return p.error(expected);
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
  const auto kept = p.indices("kept");
  const auto isKept = [&](Dim i) {
    return std::ranges::find(kept, static_cast<std::int32_t>(i)) != kept.end();
  };
  const Matrix& x = p.input("x");
  Matrix expected = attend(x, x, x, kHeads, kScale, [&](Dim /*i*/, Dim j) { return isKept(j); });
  for (Dim i = 0; i < kTokens; ++i) {
    for (Dim c = 0; !isKept(i) && c < kChannels; ++c) expected(i, c) = x(i, c);
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
  const Matrix& agents = p.input("agents");
  const Matrix collected = attend(agents, p.input("k"), p.input("v"), kHeads, kScale);
  Matrix expected = attend(p.input("q"), agents, collected, kHeads, std::pow(kScale, 0.3));
  for (std::size_t i = 0; i < expected.values.size(); ++i) {
    expected.values[i] += 0.075 * p.input("v").values[i];
  }
  return p.error(expected);
}

double latentError(const va::Engine& engine) {
  constexpr Dim kLatent = 24;
  va::Weights weights;
  const auto add = [&](const std::string& name, Dim oc, Dim ic) {
    std::vector<float> values(static_cast<std::size_t>(oc * ic));
    fillPseudoNormal(values, 100 + name.size());
    for (float& value : values) value /= std::sqrt(static_cast<float>(ic));
    weights.add("a." + name + ".weight", {oc, ic}, std::move(values));
  };
  add("q_up", kChannels, kChannels);
  add("key_up", kChannels, kLatent);
  add("value_up", kChannels, kLatent);
  add("projection", kChannels, kChannels);
  Inputs inputs = tokens({"x"});
  inputs.push_back({"bank", {1, kTokens, kLatent}});
  Problem p(engine, weights, inputs, [](GraphBuilder& graph, Tensors& t) {
    const va::LatentOptions options{
        .heads = kHeads, .size = kSize, .valueSize = kSize, .latent = kLatent, .normalized = false};
    graph.output("out", va::latentAttention(graph, t["x"], t["bank"], "a", options,
                                            {.width = kSide}, va::LatentEvaluation::Absorbed));
  });
  const auto weight = [&](const std::string& name) -> const std::vector<float>& {
    const std::string full = "a." + name + ".weight";
    return weights.get(full, weights.shape(full));
  };
  const Matrix& bank = p.input("bank");
  return p.error(
      project(attend(project(p.input("x"), weight("q_up")), project(bank, weight("key_up")),
                     project(bank, weight("value_up")), kHeads, kScale),
              weight("projection")));
}

double reuseError(const va::Engine& engine) {
  constexpr Dim kQuarter = kChannels / 4;
  va::Weights weights;
  std::vector<float> qk(static_cast<std::size_t>(2 * kQuarter * kChannels));
  fillPseudoNormal(qk, 50);
  for (float& value : qk) value /= std::sqrt(static_cast<float>(kChannels));
  const auto ones = [](Dim n, float value) {
    return std::vector<float>(static_cast<std::size_t>(n), value);
  };
  std::vector<float> identity = ones(kChannels * kChannels, 0.0F);
  for (std::size_t i = 0; i < kChannels; ++i) identity[i * (kChannels + 1)] = 1.0F;
  weights.add("a.qk.weight", {2 * kQuarter, kChannels, 1, 1}, qk);
  weights.add("a.qk.bias", {2 * kQuarter}, ones(2 * kQuarter, 0.0F));
  weights.add("a.local_q.weight", {kQuarter, 1, 1, 1}, ones(kQuarter, 1.0F));
  weights.add("a.local_q.bias", {kQuarter}, ones(kQuarter, 0.0F));
  weights.add("a.local_v.0.weight", {kChannels, 1, 1, 1}, ones(kChannels, 1.0F));
  weights.add("a.local_v.0.bias", {kChannels}, ones(kChannels, 0.0F));
  weights.add("a.projection.weight", {kChannels, kChannels, 1, 1}, identity);
  weights.add("a.projection.bias", {kChannels}, ones(kChannels, 0.0F));
  weights.add("a.bias", {kSide, kSide}, ones(kTokens, 0.0F));
  Problem p(
      engine, weights, {{"x", {1, kSide, kSide, kChannels}}}, [](GraphBuilder& graph, Tensors& t) {
        graph.output("out",
                     va::reuseAttention(graph, t["x"], "a", {.kernels = {1}, .queryKernel = 1}));
      });
  const Matrix& x = p.input("x");
  const auto half = qk.begin() + static_cast<std::ptrdiff_t>(qk.size() / 2);
  Matrix expected = attend(project(x, {qk.begin(), half}), project(x, {half, qk.end()}), x, 1,
                           1.0 / std::sqrt(static_cast<double>(kQuarter)), {}, 1);
  for (double& value : expected.values) value = std::max(value, 0.0);
  return p.error(expected);
}

double mixtureError(const va::Engine& engine) {
  Inputs inputs = tokens({"q", "k", "v"});
  inputs.push_back({"gates", {1, kTokens, kHeads}});
  Problem p(engine, {}, inputs, [](GraphBuilder& graph, Tensors& t) {
    // Half of the gates are off: the rectifier zeroes them.
    const Tensor gates = va::activate(graph, "relu", t["gates"], va::Activation::Relu);
    graph.output("out", va::mixtureOfHeadsCore(graph, "a", t["q"], t["k"], t["v"], gates, 2));
  });
  Matrix expected = attend(p.input("q"), p.input("k"), p.input("v"), kHeads, kScale);
  for (Dim i = 0; i < kTokens; ++i) {
    for (Dim c = 0; c < kChannels; ++c) {
      expected(i, c) *= std::max(p.input("gates")(i, c / kSize), 0.0);
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
  Matrix expected = attend(p.input("q"), p.input("k"), p.input("v"), kHeads, kScale);
  const Matrix negative = attend(p.input("n"), p.input("k"), p.input("v"), kHeads, kScale);
  for (std::size_t i = 0; i < expected.values.size(); ++i) {
    expected.values[i] = 1.25 * expected.values[i] - 0.25 * negative.values[i];
  }
  return p.error(expected);
}

double ropeError(const va::Engine& engine) {
  Problem p(engine, {}, tokens({"x"}), [](GraphBuilder& graph, Tensors& t) {
    graph.output("out", va::partialRope(graph, t["x"], "a",
                                        {.heads = kHeads, .rotated = kSize, .width = kSide}));
  });
  Matrix expected = p.input("x");
  for (Dim i = 0; i < kTokens; ++i) {
    for (Dim pair = 0; pair < kChannels / 2; ++pair) {
      const Dim index = pair % (kSize / 2);
      const Dim place = index < kSize / 4 ? i % kSide : i / kSide;
      const double angle = static_cast<double>(place) *
                           std::pow(100.0, -4.0 * static_cast<double>(index % (kSize / 4)) / kSize);
      const double a = expected(i, 2 * pair);
      const double b = expected(i, 2 * pair + 1);
      expected(i, 2 * pair) = a * std::cos(angle) - b * std::sin(angle);
      expected(i, 2 * pair + 1) = a * std::sin(angle) + b * std::cos(angle);
    }
  }
  return p.error(expected);
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
      {"generalized_probabilistic", generalizedError}};
  const auto found = kErrors.find(system);
  return found == kErrors.end() ? std::numeric_limits<double>::quiet_NaN() : found->second(engine);
}

}  // namespace pristine
