#include "vision_attention/network.h"

#include <algorithm>
#include <chrono>

#include "core/error.h"
#include "tests/bench/benched_model.h"
#include "tests/bench/graph_timer.h"

namespace pristine::bench {
namespace {

/// The whole network on one tile; "s/MP" is without halo and blending.
void network(benchmark::State& state) {
  try {
    const auto setting = settingOf(state);
    if (!setting) return;
    const auto model = benchedModel();
    if (setting->int8 && !model->info().int8) {
      state.SkipWithError("the model carries no scales for int8");
      return;
    }
    const va::Dim side =
        std::max<va::Dim>(1, kTile / model->config().window) * model->config().window;
    const va::Engine engine(setting->threads);
    va::Network network(engine, model->config(), model->weights(), side, side, setting->precision,
                        setting->int8 ? model->inputScales() : va::InputScales());
    const auto values = randomValues(side * side * model->config().imageChannels, 0.2);
    double seconds = 0;
    for (auto _ : state) {
      std::ranges::copy(values, network.input().begin());
      const auto begin = std::chrono::steady_clock::now();
      network.run();
      const double run =
          std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
      state.SetIterationTime(run);
      seconds += run;
    }
    state.counters["GFLOP/s"] =
        benchmark::Counter(2e-9 * static_cast<double>(network.graph().macs()),
                           benchmark::Counter::kIsIterationInvariantRate);
    state.counters["s/MP"] = seconds / static_cast<double>(state.iterations()) /
                             (1e-6 * static_cast<double>(side * side));
    state.counters["arena MB"] = 1e-6 * static_cast<double>(network.graph().arenaBytes());
    state.SetLabel(setting->label());
  } catch (const Error& error) {
    state.SkipWithError(error.what());
  }
}

BENCHMARK(network)->Apply(precisionsWithInt8);

}  // namespace
}  // namespace pristine::bench
