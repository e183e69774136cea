#include "core/attention_study.h"

#include <algorithm>
#include <chrono>
#include <cmath>

#include "core/attention_cases.h"
#include "core/error.h"
#include "core/layer_weights.h"
#include "vision_attention/graph.h"
#include "vision_attention/ops/matmul.h"
#include "vision_attention/ops/streamed_attention.h"

namespace pristine {

namespace {

using Clock = std::chrono::steady_clock;

/// Verdicts are about the article's claim; what each system really measures is in the table.
const std::vector<AttentionSystem>& knownSystems() {
  static const std::vector<AttentionSystem> kSystems{
      {"softmax", "streamed softmax attention", "the baseline: exact, O(n) memory", "-", "-"},
      {"sparse", "native sparse attention (NSA)",
       "9.0x forward over FlashAttention-2 at 64k tokens on A100; bound 11.6x",
       "11x at 128k tokens, O(n log n)",
       "the paper claims neither: still quadratic; compare speed-up with the MAC ratio"},
      {"token_pruning", "DynamicViT bypass; ToMe merge and unmerge",
       "over 30 % fewer FLOPs, over 40 % more throughput at keep 0.7",
       "several times faster at equal accuracy",
       "speed as the MAC ratio; accuracy not testable without training"},
      {"agent", "agent attention, training-free form",
       "1.84x on Stable Diffusion; 1.7 to 2.1x on an i5 at higher accuracy",
       "45 % less compute on ImageNet", "not in the paper; N/(2n) holds for the attention part"},
      {"latent", "multi-head latent attention (MLA)",
       "93.3 % smaller cache (with depth and quantisation)", "an SVD, LLaMA-13B, -68 %",
       "the paper claims neither: 68.75 % belongs to Llama2-7B's conversion"},
      {"reuse", "reuse attention (UniForm)", "up to 5x faster on a Jetson at 76.7 % top-1",
       "less memory, faster", "one map instead of one a head: see MAC and byte ratios"},
      {"mixture_of_heads", "mixture-of-head attention (MoH)",
       "0.863 ms at 50 % of the heads against 1.376 ms", "3 to 5 expert heads",
       "the paper claims no such experts; time follows the share of heads"},
      {"partial_rope", "partial rotary position embedding", "-92.2 % cache with MLA and 4 bits",
       "significant efficiency gain", "rotation itself is a small share of the layer"},
      {"histogram", "histogram self-attention (DHSA)",
       "37.41 dB on Snow100K-S, 32.08 dB on Outdoor-Rain", "denoising and super-resolution",
       "the paper tests neither; linear in the pixels"},
      {"generalized_probabilistic", "generalised probabilistic attention (daGPAM)",
       "perplexity 108.26 to 106.38 on PTB", "faster convergence, better results",
       "beyond the evidence; costs twice the attention"},
      {"network", "a restoration network with each system as its mixer",
       "-", "-", "quality beside it: data/training/attention_study.py"},
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
  const auto baseline = compile(
      engine, work.baselineWeights ? *work.baselineWeights : *work.weights, work.baseline);
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
  const Effort effort = options.quick ? Effort{0.6, 3, 10} : Effort{12.0, 3, 10};
  for (const AttentionCase& work : attentionCases(options.quick)) {
    if (!wanted(work.system)) continue;
    tell(work.system + ", " + std::to_string(work.tokens) + " tokens");
    const AttentionMeasurement result = measure(engine, work, effort, stop);
    study.stopped = stop.stop_requested();
    if (study.stopped) break;
    study.measurements.push_back(result);
  }
  return study;
}

}  // namespace pristine
