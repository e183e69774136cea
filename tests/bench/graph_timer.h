#pragma once

#include <benchmark/benchmark.h>

#include <functional>
#include <vector>

#include "vision_attention/graph_builder.h"

namespace pristine::bench {

/// Describes what is measured from the graph's inputs.
using Describe = std::function<va::Tensor(va::GraphBuilder&, const std::vector<va::Tensor>&)>;

/// Compiles the graph and times its runs (manual time) on inputs of unit variance, in the precision
/// state.range(0) (a va::Precision) and on state.range(1) threads (0: all). Reports GFLOP/s, two
/// operations a multiply-add, where there are any. Skips bf16 where the processor has none.
void timeGraph(benchmark::State& state, const va::Weights& weights,
               const std::vector<va::Shape>& inputs, const Describe& describe);

/// Registers {f32, bf16} x {1, all threads}.
void precisionsAndThreads(benchmark::internal::Benchmark* benchmark);

/// Normally distributed values that depend on the count alone.
std::vector<float> randomValues(va::Dim count, double deviation);

}  // namespace pristine::bench
