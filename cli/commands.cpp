#include "cli/commands.h"

#include <algorithm>
#include <cstdio>
#include <map>

#include "app/batch_plan.h"
#include "app/image_file.h"
#include "app/job_runner.h"
#include "app/model_catalog.h"
#include "cli/console_observer.h"
#include "cli/interrupt.h"
#include "core/error.h"

namespace pristine::cli {

namespace {

void print(const char* label, std::uint64_t macs, double seconds, double all, std::size_t count) {
  const double rate = seconds > 0 ? 2.0 * static_cast<double>(macs) / seconds / 1e9 : 0.0;
  std::printf("%-18s %6zu %12.3f %10.3f %7.1f %10.1f\n", label, count,
              static_cast<double>(macs) / 1e9, seconds, all > 0 ? 100.0 * seconds / all : 0.0,
              rate);
}

void printProfile(const std::vector<OperatorSummary>& operators, bool each) {
  struct Sum {
    std::uint64_t macs = 0;
    double seconds = 0;
    std::size_t count = 0;
  };
  std::map<std::string, Sum> kinds;
  Sum all;
  for (const OperatorSummary& o : operators) {
    for (Sum* sum : {&kinds[o.kind], &all}) {
      sum->macs += o.macs;
      sum->seconds += o.seconds;
      ++sum->count;
    }
  }
  std::printf("%-18s %6s %12s %10s %7s %10s\n", "operator", "count", "GMAC", "seconds", "%",
              "GFLOP/s");
  std::vector<std::pair<std::string, Sum>> sorted(kinds.begin(), kinds.end());
  std::ranges::sort(
      sorted, [](const auto& a, const auto& b) { return a.second.seconds > b.second.seconds; });
  for (const auto& [kind, sum] : sorted) {
    print(kind.c_str(), sum.macs, sum.seconds, all.seconds, sum.count);
  }
  print("all", all.macs, all.seconds, all.seconds, all.count);
  if (!each) return;
  std::printf("\n");
  for (const OperatorSummary& o : operators) {
    std::printf("%-44s %-16s %9.3f ms %10.3f GMAC  %s\n", o.name.c_str(), o.kind.c_str(),
                o.seconds * 1e3, static_cast<double>(o.macs) / 1e9, o.implementation.c_str());
  }
}

void printUse(const Model& model, const Restorer& restorer) {
  std::fprintf(stderr,
               "model %s, %.1f M parameters, %.0f K multiply-adds per pixel; %s, %d threads\n",
               model.info().name.c_str(), static_cast<double>(model.info().parameters) / 1e6,
               model.info().macsPerPixel / 1e3, restorer.precision().c_str(), restorer.threads());
}

}  // namespace

ExitCode restore(const Options& options) {
  const Interrupt interrupt;
  initializeImageFiles();
  const BatchPlan plan = planBatch(options.inputs, options.output, {options.recursive});
  for (const PlanFailure& failure : plan.failures) {
    std::fprintf(stderr, "failed: %s: %s\n", failure.input.c_str(), failure.reason.c_str());
  }
  if (plan.skippedFolders && !options.quiet) {
    std::fprintf(stderr, "note: sub-folders are left out; -r takes them along\n");
  }
  if (plan.jobs.empty()) {
    if (!plan.failures.empty()) return ExitCode::SomeFailed;
    std::fprintf(stderr, "no picture found\n");
    return ExitCode::NothingFound;
  }
  const auto model = loadModel(ModelChoice{options.task, options.scale, options.model});
  Restorer restorer(model, options.restorer);
  if (options.restorer.precision == Precision::BF16 && restorer.precision() != "bf16") {
    std::fprintf(stderr, "note: this processor has no bf16, using %s\n",
                 restorer.precision().c_str());
  }
  if (options.verbose) printUse(*model, restorer);
  ConsoleObserver observer(plan.jobs, options.quiet);
  RunOptions run;
  run.strength = options.strength / 100.0;
  run.write.quality = options.quality;
  const auto results = runJobs(plan.jobs, restorer, run, interrupt.token(), observer);

  const auto count = [&](JobStatus status) {
    return std::ranges::count(results, status, &JobResult::status);
  };
  const auto failed = static_cast<std::size_t>(count(JobStatus::Failed)) + plan.failures.size();
  const auto stopped = count(JobStatus::Stopped);
  if (!options.quiet) {
    double megapixels = 0;
    double seconds = 0;
    for (const JobResult& result : results) {
      if (result.status != JobStatus::Done) continue;
      megapixels += result.megapixels;
      seconds += result.seconds;
    }
    std::fprintf(
        stderr, "%td restored (%.1f MP, %.2f s/MP), %zu failed%s\n", count(JobStatus::Done),
        megapixels, megapixels > 0 ? seconds / megapixels : 0.0, failed,
        stopped > 0 ? (", " + std::to_string(stopped) + " not begun or given up").c_str() : "");
  }
  if (options.restorer.profile) printProfile(restorer.profile(), options.verbose);
  if (interrupt.token().stop_requested() && stopped > 0) return ExitCode::Interrupted;
  return failed > 0 ? ExitCode::SomeFailed : ExitCode::Done;
}

}  // namespace pristine::cli
