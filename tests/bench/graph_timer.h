#pragma once

#include <benchmark/benchmark.h>

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "vision_attention/graph_builder.h"

namespace pristine::bench {

/// Describes what is measured from the graph's inputs.
using Describe = std::function<va::Tensor(va::GraphBuilder&, const std::vector<va::Tensor>&)>;

/// What state.range(0) and state.range(1) ask for.
struct Setting {
  va::Precision precision = va::Precision::F32;
  bool int8 = false;  ///< the dense pairs in int8, the rest in `precision`
  int threads = 0;    ///< 0: all

  std::string label() const;
};

/// Empty, and the benchmark skipped, where the processor cannot.
std::optional<Setting> settingOf(benchmark::State& state);

/// Compiles the graph and times its runs (manual time) on inputs of unit variance, in the setting
/// of `state`. Reports GFLOP/s, two operations a multiply-add, where there are any. int8: of the
/// convolutions, for settings in int8.
void timeGraph(benchmark::State& state, const va::Weights& weights,
               const std::vector<va::Shape>& inputs, const Describe& describe,
               const va::InputScales& int8 = {});

/// Registers {f32, bf16} x {1, all threads}.
void precisionsAndThreads(benchmark::internal::Benchmark* benchmark);
/// Registers {f32, bf16, int8} x {1, all threads}.
void precisionsWithInt8(benchmark::internal::Benchmark* benchmark);

/// Normally distributed values that depend on the count alone.
std::vector<float> randomValues(va::Dim count, double deviation);

}  // namespace pristine::bench
