#include "tests/bench/graph_timer.h"

#include <chrono>
#include <cstring>
#include <random>
#include <string>

#include "vision_attention/bfloat16.h"
#include "vision_attention/engine.h"
#include "vision_attention/graph.h"

namespace pristine::bench {

namespace {

/// Values of state.range(0).
constexpr std::int64_t kF32 = 0;
constexpr std::int64_t kBf16 = 1;
constexpr std::int64_t kInt8 = 2;

void fill(va::Graph& graph, const std::string& name, va::DataType type,
          const std::vector<float>& values) {
  if (type == va::DataType::BF16) {
    const auto dst = graph.data<va::BFloat16>(name);
    for (std::size_t i = 0; i < dst.size(); ++i) dst[i] = va::BFloat16(values[i]);
  } else {
    const auto dst = graph.data<float>(name);
    std::memcpy(dst.data(), values.data(), dst.size_bytes());
  }
}

}  // namespace

std::vector<float> randomValues(va::Dim count, double deviation) {
  std::mt19937 generator(static_cast<std::uint32_t>(count));
  std::normal_distribution<float> normal(0.0F, static_cast<float>(deviation));
  std::vector<float> values(static_cast<std::size_t>(count));
  for (float& value : values) value = normal(generator);
  return values;
}

std::string Setting::label() const {
  return (int8 ? "int8+" : "") + toString(precision) + ", " +
         std::to_string(va::Engine(threads).threads()) + " threads";
}

std::optional<Setting> settingOf(benchmark::State& state) {
  const va::CpuFeatures cpu = va::cpuFeatures();
  Setting setting;
  setting.int8 = state.range(0) == kInt8;
  setting.threads = static_cast<int>(state.range(1));
  if (state.range(0) == kBf16 || (setting.int8 && cpu.bf16)) {
    setting.precision = va::Precision::BF16;
  }
  if (state.range(0) == kBf16 && !cpu.bf16) {
    state.SkipWithError("the processor has no bf16");
    return std::nullopt;
  }
  if (setting.int8 && !cpu.int8) {
    state.SkipWithError("the processor has no VNNI");
    return std::nullopt;
  }
  return setting;
}

void timeGraph(benchmark::State& state, const va::Weights& weights,
               const std::vector<va::Shape>& inputs, const Describe& describe,
               const va::InputScales& int8) {
  const auto setting = settingOf(state);
  if (!setting) return;
  const va::Engine engine(setting->threads);
  va::GraphBuilder builder(weights, setting->precision, setting->int8 ? int8 : va::InputScales());
  const va::DataType type = builder.activationType();
  std::vector<va::Tensor> sources;
  std::vector<std::vector<float>> values;
  for (const va::Shape& shape : inputs) {
    sources.push_back(builder.input("src" + std::to_string(sources.size()), shape, type));
    values.push_back(randomValues(shape.elements(), 1.0));
  }
  builder.output("dst", describe(builder, sources));
  const auto graph = builder.compile(engine);
  for (auto _ : state) {
    // Later operators may lie in an input's memory.
    for (std::size_t i = 0; i < values.size(); ++i) {
      fill(*graph, "src" + std::to_string(i), type, values[i]);
    }
    const auto begin = std::chrono::steady_clock::now();
    graph->run();
    state.SetIterationTime(
        std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count());
  }
  if (graph->macs() > 0) {
    state.counters["GFLOP/s"] = benchmark::Counter(2e-9 * static_cast<double>(graph->macs()),
                                                   benchmark::Counter::kIsIterationInvariantRate);
  }
  state.SetLabel(setting->label());
}

void precisionsAndThreads(benchmark::internal::Benchmark* benchmark) {
  benchmark->UseManualTime()->Unit(benchmark::kMillisecond)->ArgNames({"precision", "threads"});
  for (const std::int64_t precision : {kF32, kBf16}) {
    for (const std::int64_t threads : {1, 0}) benchmark->Args({precision, threads});
  }
}

void precisionsWithInt8(benchmark::internal::Benchmark* benchmark) {
  precisionsAndThreads(benchmark);
  for (const std::int64_t threads : {1, 0}) benchmark->Args({kInt8, threads});
}

}  // namespace pristine::bench
