#include "core/attention_study.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <iterator>
#include <map>

#include "core/attention_cases.h"
#include "core/attention_claims.h"
#include "core/error.h"
#include "core/layer_weights.h"
#include "vision_attention/graph.h"
#include "vision_attention/ops/matmul.h"
#include "vision_attention/ops/streamed_attention.h"

namespace pristine {

namespace {

using Clock = std::chrono::steady_clock;

const std::vector<AttentionSystem>& knownSystems() {
  static const std::vector<AttentionSystem> kSystems{
      {"softmax", "streamed softmax attention, the baseline"},
      {"sparse", "native sparse attention (NSA)"},
      {"token_pruning", "DynamicViT bypass; ToMe merge and unmerge"},
      {"agent", "agent attention, training-free form"},
      {"latent", "multi-head latent attention (MLA)"},
      {"reuse", "reuse attention (UniForm)"},
      {"mixture_of_heads", "mixture-of-head attention (MoH)"},
      {"partial_rope", "partial rotary position embedding"},
      {"histogram", "histogram self-attention (DHSA)"},
      {"generalized_probabilistic", "generalised probabilistic attention (daGPAM)"},
      {"network", "a restoration network with each system as its mixer"},
  };
  return kSystems;
}

std::unique_ptr<va::Graph> compile(const va::Engine& engine, const va::Weights& weights,
                                   const std::function<void(va::GraphBuilder&)>& describe) {
  va::GraphBuilder builder(weights, va::Precision::F32);
  describe(builder);
  auto graph = builder.compile(engine);
  // Unit-variance data: softmax rows of zeros would be unlike anything real.
  std::uint64_t seed = 0;
  for (const std::string& name : graph->inputNames()) {
    fillPseudoNormal(graph->data<float>(name), ++seed);
  }
  return graph;
}

double secondsOf(va::Graph& graph) {
  const auto start = Clock::now();
  graph.run();
  return std::chrono::duration<double>(Clock::now() - start).count();
}

RunTimes summarize(std::vector<double> seconds, double scale) {
  std::ranges::sort(seconds);
  const auto quantile = [&](double share) {
    const double place = share * static_cast<double>(seconds.size() - 1);
    return seconds[static_cast<std::size_t>(std::lround(place))] * scale;
  };
  return {quantile(0.5), quantile(0.1), quantile(0.9), seconds.size()};
}

struct Effort {
  double seconds;  ///< for both sides together
  std::size_t leastRuns;
  std::size_t mostRuns;
};

AttentionMeasurement measure(const va::Engine& engine, const AttentionCase& work,
                             const Effort& effort, const std::stop_token& stop) {
  AttentionMeasurement result;
  result.system = work.system;
  result.variant = work.variant;
  result.tokens = work.tokens;
  result.baselineShare = work.baselineShare;
  result.stateBytes = work.stateBytes;
  result.baselineStateBytes = work.baselineStateBytes;
  const auto system = compile(engine, *work.weights, work.describe);
  const auto baseline =
      compile(engine, work.baselineWeights ? *work.baselineWeights : *work.weights, work.baseline);
  const auto begin = Clock::now();
  system->run();
  baseline->run();
  std::vector<double> own;
  std::vector<double> other;
  // Alternately, so that a disturbance meets both sides.
  while (own.size() < effort.mostRuns && !stop.stop_requested()) {
    own.push_back(secondsOf(*system));
    other.push_back(secondsOf(*baseline));
    const double spent = std::chrono::duration<double>(Clock::now() - begin).count();
    if (own.size() >= effort.leastRuns && spent > effort.seconds) break;
  }
  if (own.empty()) return result;
  const double scale = 1.0 / work.baselineShare;
  result.cost = {summarize(own, 1.0), system->macs(), system->arenaBytes()};
  result.baseline = {summarize(other, scale),
                     static_cast<std::uint64_t>(static_cast<double>(baseline->macs()) * scale),
                     baseline->arenaBytes()};
  return result;
}

double rateOf(const va::Engine& engine, const std::function<void(va::GraphBuilder&)>& describe) {
  const va::Weights none;
  const auto graph = compile(engine, none, describe);
  graph->run();
  double best = secondsOf(*graph);
  for (int i = 0; i < 3; ++i) best = std::min(best, secondsOf(*graph));
  return 2.0 * static_cast<double>(graph->macs()) / best / 1e9;
}

}  // namespace

std::vector<BreakEven> breakEvens(const AttentionStudy& study) {
  std::map<std::pair<std::string, std::string>, std::map<double, double>> variants;
  for (const AttentionMeasurement& m : study.measurements) {
    variants[{m.system, m.variant}][std::log(static_cast<double>(m.tokens))] =
        std::log(m.speedup());
  }
  std::vector<BreakEven> result;
  for (const auto& [name, points] : variants) {
    for (auto after = points.begin(); after != points.end(); ++after) {
      if (after == points.begin()) continue;
      const auto& [x0, y0] = *std::prev(after);
      const auto& [x1, y1] = *after;
      if (y0 > 0.0 || y1 <= 0.0) continue;
      result.push_back({name.first, name.second, std::exp(x0 - (x1 - x0) * y0 / (y1 - y0))});
      break;
    }
  }
  return result;
}

std::vector<std::string> attentionSystems() {
  std::vector<std::string> names;
  for (const AttentionSystem& system : knownSystems()) names.push_back(system.name);
  return names;
}

AttentionStudy studyAttention(const AttentionStudyOptions& options, const std::stop_token& stop,
                              const std::function<void(const std::string&)>& progress) {
  const auto names = attentionSystems();
  for (const std::string& name : options.systems) {
    if (std::ranges::find(names, name) != names.end()) continue;
    std::string known;
    for (const std::string& other : names) known += (known.empty() ? "" : ", ") + other;
    throw Error(ErrorCode::Usage, "attention system '" + name + "' is unknown, expected " + known);
  }
  const auto wanted = [&](const std::string& name) {
    return options.systems.empty() ||
           std::ranges::find(options.systems, name) != options.systems.end();
  };
  const auto tell = [&](const std::string& text) {
    if (progress) progress(text);
  };
  const va::Engine engine(options.threads);
  AttentionStudy study;
  study.isa = va::cpuFeatures().isa;
  study.threads = engine.threads();
  tell("matrix product");
  study.matmulGflops = rateOf(engine, [](va::GraphBuilder& graph) {
    const va::Tensor a = graph.input("a", {1, 1024, 1024});
    graph.output("out", va::matmul(graph, "product", a, graph.input("b", {1, 1024, 1024})));
  });
  tell("softmax attention");
  const va::Dim n = options.quick ? 2048 : 4096;
  study.attentionGflops = rateOf(engine, [n](va::GraphBuilder& graph) {
    const va::Tensor q = graph.input("q", {1, n, 256});
    const va::Tensor k = graph.input("k", {1, n, 256});
    graph.output("out", va::streamedAttention(graph, "attention", q, k,
                                              graph.input("v", {1, n, 256}), {.heads = 4}));
  });
  for (AttentionSystem system : knownSystems()) {
    if (!wanted(system.name)) continue;
    tell(system.name + ", error");
    system.maxError = attentionError(system.name, engine);
    study.systems.push_back(std::move(system));
  }
  const Effort effort = options.quick ? Effort{0.6, 3, 10} : Effort{5.0, 3, 10};
  for (const AttentionCase& work : attentionCases(options.quick)) {
    if (!wanted(work.system)) continue;
    tell(work.system + ", " + std::to_string(work.tokens) + " tokens");
    const AttentionMeasurement result = measure(engine, work, effort, stop);
    study.stopped = stop.stop_requested();
    if (study.stopped) break;
    study.measurements.push_back(result);
  }
  for (AttentionSystem& system : study.systems) system.claims = judgeClaims(system.name, study);
  return study;
}

}  // namespace pristine
