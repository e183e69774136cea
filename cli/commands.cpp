#include "cli/commands.h"

#include <algorithm>
#include <cstdio>
#include <fstream>
#include <map>

#include "app/batch_plan.h"
#include "app/image_file.h"
#include "app/job_runner.h"
#include "app/model_catalog.h"
#include "app/profile_report.h"
#include "cli/console_observer.h"
#include "cli/interrupt.h"
#include "core/arithmetic_limits.h"
#include "core/error.h"

namespace pristine::cli {

namespace {

void writeTrace(const std::filesystem::path& path, const Restorer& restorer) {
  std::ofstream file(path, std::ios::binary);
  file << chromeTrace(restorer.profile(), restorer.trace()) << std::flush;
  if (!file) throw Error(ErrorCode::Output, "trace '" + path.string() + "' cannot be written");
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
  RestorerOptions restorerOptions = options.restorer;
  restorerOptions.profile = restorerOptions.profile || !options.trace.empty();
  Restorer restorer(model, restorerOptions);
  if (const std::string note = restorer.precisionNote(); !note.empty()) {
    std::fprintf(stderr, "note: %s\n", note.c_str());
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
  if (options.restorer.profile) {
    const auto limits = measureLimits(restorer.threads());
    std::fputs(profileTable(restorer.profile(), limits, options.verbose).c_str(), stdout);
  }
  if (!options.trace.empty()) writeTrace(options.trace, restorer);
  if (interrupt.token().stop_requested() && stopped > 0) return ExitCode::Interrupted;
  return failed > 0 ? ExitCode::SomeFailed : ExitCode::Done;
}

}  // namespace pristine::cli
