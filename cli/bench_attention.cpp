#include "cli/bench_attention.h"

#include <algorithm>
#include <cmath>
#include <cstdio>

#include "app/attention_bench.h"
#include "cli/interrupt.h"

namespace pristine::cli {

namespace {

void printTable(const AttentionStudy& study) {
  std::printf(
      "%s, %d threads, f32; matrix product %.1f GFLOP/s, softmax attention %.1f (%.0f %%)\n",
      study.isa.c_str(), study.threads, study.matmulGflops, study.attentionGflops,
      100.0 * study.attentionGflops / study.matmulGflops);
  for (const AttentionSystem& system : study.systems) {
    std::printf("\n%s: %s\n", system.name.c_str(), system.title.c_str());
    for (const AttentionClaim& claim : system.claims) {
      std::printf("  %s: %s\n    %s%s%s\n", claim.source.c_str(), claim.text.c_str(),
                  toString(claim.verdict).c_str(), claim.figure.empty() ? "" : ": ",
                  claim.figure.c_str());
    }
    if (!std::isnan(system.maxError)) {
      std::printf("  largest error to the definition in f64: %.1e\n", system.maxError);
    }
    std::printf("  %8s %10s %10s %8s %8s %9s %10s  %s\n", "tokens", "ms", "softmax ms", "faster",
                "by MAC", "MB", "softmax MB", "work");
    for (const AttentionMeasurement& m : study.measurements) {
      if (m.system != system.name) continue;
      std::printf("  %8lld %10.2f %10.2f%s %7.2fx %7.2fx %9.1f %10.1f  %s\n",
                  static_cast<long long>(m.tokens), 1e3 * m.cost.seconds.median,
                  1e3 * m.baseline.seconds.median, m.baselineShare < 1 ? "*" : " ", m.speedup(),
                  m.macRatio(), static_cast<double>(m.cost.bytes) / 1e6,
                  static_cast<double>(m.baseline.bytes) / 1e6, m.variant.c_str());
      if (m.stateBytes > 0) {
        std::printf("  %8s kept for these tokens: %.1f MB instead of %.1f MB (%.1f %% less)\n", "",
                    m.stateBytes / 1e6, m.baselineStateBytes / 1e6,
                    100.0 - 100.0 * m.stateBytes / m.baselineStateBytes);
      }
    }
  }
  for (const BreakEven& even : breakEvens(study)) {
    std::printf("\n%s, %s: as fast as softmax attention at %.0f tokens", even.system.c_str(),
                even.variant.c_str(), even.tokens);
  }
  const bool sampled = std::ranges::any_of(
      study.measurements, [](const AttentionMeasurement& m) { return m.baselineShare < 1; });
  std::printf("\n\nmedians of alternating runs%s\n",
              sampled ? "; * softmax attention of every 16th query, scaled" : "");
}

}  // namespace

ExitCode benchAttention(const Options& options) {
  const Interrupt interrupt;
  const AttentionStudy study =
      pristine::benchAttention({options.systems, options.quick, options.restorer.threads},
                               interrupt.token(), [&](const std::string& what) {
                                 if (!options.quiet)
                                   std::fprintf(stderr, "measuring %s\n", what.c_str());
                               });
  if (options.json) {
    std::printf("%s\n", attentionStudyJson(study).c_str());
  } else {
    printTable(study);
  }
  return study.stopped ? ExitCode::Interrupted : ExitCode::Done;
}

}  // namespace pristine::cli
