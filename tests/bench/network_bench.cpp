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
    const auto precision = static_cast<va::Precision>(state.range(0));
    if (precision == va::Precision::BF16 && !va::cpuFeatures().bf16) {
      state.SkipWithError("the processor has no bf16");
      return;
    }
    const auto model = benchedModel();
    const va::Dim side =
        std::max<va::Dim>(1, kTile / model->config().window) * model->config().window;
    const va::Engine engine(static_cast<int>(state.range(1)));
    va::Network network(engine, model->config(), model->weights(), side, side, precision);
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
    state.SetLabel(toString(precision) + ", " + std::to_string(engine.threads()) + " threads");
  } catch (const Error& error) {
    state.SkipWithError(error.what());
  }
}

BENCHMARK(network)->Apply(precisionsAndThreads);

}  // namespace
}  // namespace pristine::bench
