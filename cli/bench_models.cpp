#include "cli/bench_models.h"

#include <cstdio>
#include <nlohmann/json.hpp>

#include "app/model_bench.h"
#include "core/arithmetic_limits.h"

namespace pristine::cli {

namespace {

using nlohmann::json;

json rate(double gflops) {
  return gflops > 0 ? json(gflops) : json();
}

json rowJson(const ModelBenchRow& row) {
  return {{"model", row.model},
          {"precision", row.precision},
          {"threads", row.threads},
          {"macs_per_pixel", row.macsPerPixel},
          {"seconds_per_megapixel", row.secondsPerMegapixel},
          {"network_share", row.networkShare},
          {"limit_share", row.limitShare}};
}

void printRate(const char* name, double gflops) {
  if (gflops > 0) {
    std::printf(" %s %.1f", name, gflops);
  } else {
    std::printf(" %s -", name);
  }
}

}  // namespace

ExitCode benchModels(const Options& options) {
  const ArithmeticLimits limits = measureLimits(options.restorer.threads);
  const ProcessorFeatures processor = processorFeatures();
  if (!options.json) {
    std::printf("%s, %d threads; 3x3 convolution, GFLOP/s:", processor.isa.c_str(), limits.threads);
    printRate("f32", limits.f32);
    printRate("bf16", limits.bf16);
    printRate("int8", limits.int8);
    std::printf("\n%-20s %-10s %12s %8s %10s %8s\n", "model", "precision", "K MAC/pixel", "s/MP",
                "network %", "limit %");
  }
  json rows = json::array();
  ModelBenchOptions bench;
  for (const auto& name : options.inputs) bench.models.push_back(name.string());
  bench.precision = options.restorer.precision;
  bench.threads = options.restorer.threads;
  pristine::benchModels(bench, limits, [&](const ModelBenchRow& row) {
    rows.push_back(rowJson(row));
    if (options.json) return;
    std::printf("%-20s %-10s %12.1f %8.3f %10.1f %8.1f\n", row.model.c_str(), row.precision.c_str(),
                row.macsPerPixel / 1e3, row.secondsPerMegapixel, 100 * row.networkShare,
                100 * row.limitShare);
    std::fflush(stdout);
  });
  if (options.json) {
    const json report{
        {"schema", 1},
        {"processor",
         {{"isa", processor.isa},
          {"bf16", processor.bf16},
          {"int8", processor.int8},
          {"threads", limits.threads}}},
        {"limit_gflops",
         {{"f32", rate(limits.f32)}, {"bf16", rate(limits.bf16)}, {"int8", rate(limits.int8)}}},
        {"models", rows}};
    std::printf("%s\n", report.dump(2, ' ', false, json::error_handler_t::replace).c_str());
  }
  return rows.empty() ? ExitCode::Environment : ExitCode::Done;
}

}  // namespace pristine::cli
