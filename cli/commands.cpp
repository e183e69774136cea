#include "cli/commands.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <map>
#include <nlohmann/json.hpp>

#include "app/batch_plan.h"
#include "app/image_file.h"
#include "app/job_runner.h"
#include "app/machine_limits.h"
#include "app/model_catalog.h"
#include "cli/console_observer.h"
#include "cli/interrupt.h"
#include "core/error.h"
#include "core/metrics.h"

namespace pristine::cli {

namespace {

namespace fs = std::filesystem;
using nlohmann::json;

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

/// The pictures of a folder and all below it, relative and sorted.
std::vector<fs::path> picturesBelow(const fs::path& folder) {
  std::vector<fs::path> names;
  std::error_code error;
  fs::recursive_directory_iterator entry(folder, error);
  for (; !error && entry != fs::recursive_directory_iterator(); entry.increment(error)) {
    std::error_code unknown;
    if (entry->is_regular_file(unknown) && isImageExtension(entry->path())) {
      names.push_back(entry->path().lexically_relative(folder));
    }
  }
  if (error) throw Error(ErrorCode::Input, "folder '" + folder.string() + "': " + error.message());
  std::ranges::sort(names);
  return names;
}

struct Pair {
  std::string name;
  fs::path a;
  fs::path b;
};

/// Partners by relative name; the extension may differ where the stem is unique in its folder.
std::vector<Pair> pairFolders(const fs::path& a, const fs::path& b,
                              std::vector<std::string>& problems) {
  std::map<fs::path, std::vector<fs::path>> byStem;
  for (const fs::path& name : picturesBelow(b)) {
    byStem[fs::path(name).replace_extension()].push_back(name);
  }
  std::map<fs::path, bool> used;
  std::vector<Pair> pairs;
  for (const fs::path& name : picturesBelow(a)) {
    const auto& candidates = byStem[fs::path(name).replace_extension()];
    auto partner = std::ranges::find(candidates, name);
    if (partner == candidates.end() && candidates.size() == 1) partner = candidates.begin();
    if (partner == candidates.end()) {
      problems.push_back("'" + (a / name).string() + "' has no partner in '" + b.string() + "'");
      continue;
    }
    used[*partner] = true;
    pairs.push_back({name.string(), a / name, b / *partner});
  }
  for (const auto& [stem, names] : byStem) {
    for (const fs::path& name : names) {
      if (!used[name]) {
        problems.push_back("'" + (b / name).string() + "' has no partner in '" + a.string() + "'");
      }
    }
  }
  return pairs;
}

/// Memory of the process where the system does not say what is available.
constexpr std::int64_t kLeastMemory = std::int64_t{1} << 30U;
/// Bytes for decoders, encoders and packed weights, which come up only when they are used.
constexpr std::int64_t kReserve = std::int64_t{128} << 20U;

json number(double value) {
  if (std::isinf(value)) return "inf";
  return value;
}

}  // namespace

ExitCode denoise(const Options& options) {
  const Interrupt interrupt;
  initializeImageFiles();
  const BatchPlan plan =
      planBatch(options.inputs, options.output, {options.recursive, options.write.format});
  for (const PlanFailure& failure : plan.failures) {
    std::fprintf(stderr, "failed: %s: %s\n", failure.input.c_str(), failure.reason.c_str());
  }
  if (plan.skippedFolders && !options.quiet) {
    std::fprintf(stderr, "note: sub-folders are left out; -r takes them along\n");
  }
  if (plan.jobs.empty()) {
    if (!plan.failures.empty()) return ExitCode::AllFailed;
    std::fprintf(stderr, "no picture found\n");
    return ExitCode::NothingFound;
  }
  for (const Job& job : plan.jobs) {
    const auto format = options.write.format ? options.write.format : formatOfName(job.output);
    if (!format) continue;
    try {
      requirePossible(options.write, *format);
    } catch (const Error& error) {
      throw Error(ErrorCode::Usage, "output '" + job.output.string() + "': " + error.what());
    }
  }
  const auto model = loadModel(options.model);
  if (model->info().task != "denoise") {
    throw Error(ErrorCode::Model, "model '" + options.model + "' is for task '" +
                                      model->info().task + "', expected 'denoise'");
  }
  const std::int64_t memory =
      options.maxMemory > 0 ? options.maxMemory : std::max(kLeastMemory, availableMemory() / 2);
  RestorerOptions restoring = options.restorer;
  if (restoring.threads == 0) restoring.threads = availableThreads();
  restoring.activations = std::min(restoring.activations, memory / 4);
  Restorer restorer(model, restoring);
  if (options.restorer.precision == Precision::BF16 && restorer.precision() != "bf16") {
    std::fprintf(stderr, "note: this processor has no bf16, using %s\n",
                 restorer.precision().c_str());
  }
  if (options.verbose) printUse(*model, restorer);
  ConsoleObserver observer(plan.jobs, options.quiet);
  RunOptions run;
  run.strength = options.strength / 100.0;
  run.write = options.write;
  run.read = options.read;
  run.pictureMemory =
      std::max<std::int64_t>(1, memory - residentMemory() - restoring.activations - kReserve);
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
  if (failed == 0) return ExitCode::Done;
  return count(JobStatus::Done) > 0 ? ExitCode::SomeFailed : ExitCode::AllFailed;
}

ExitCode compare(const Options& options) {
  initializeImageFiles();
  const fs::path& a = options.inputs[0];
  const fs::path& b = options.inputs[1];
  std::vector<std::string> problems;
  std::vector<Pair> pairs;
  std::error_code unknown;
  for (const fs::path& path : {a, b}) {
    if (!fs::exists(path, unknown)) {
      throw Error(ErrorCode::Input, "compare: '" + path.string() + "' does not exist");
    }
  }
  const bool folders = fs::is_directory(a, unknown);
  if (folders != fs::is_directory(b, unknown)) {
    throw Error(ErrorCode::Usage,
                "compare: '" + a.string() + "' and '" + b.string() + "' are a file and a folder");
  }
  if (folders) {
    pairs = pairFolders(a, b, problems);
    if (pairs.empty() && problems.empty()) {
      std::fprintf(stderr, "no picture found\n");
      return ExitCode::NothingFound;
    }
  } else {
    pairs.push_back({a.string(), a, b});
  }
  json files = json::array();
  Comparison sum;
  std::size_t compared = 0;
  for (const Pair& pair : pairs) {
    try {
      const Comparison result = pristine::compare(readImage(pair.a), readImage(pair.b));
      sum.psnr += result.psnr;
      sum.ssim += result.ssim;
      ++compared;
      files.push_back({{"file", pair.name}, {"psnr", number(result.psnr)}, {"ssim", result.ssim}});
      if (!options.json) {
        std::printf("%8.4f dB  %.6f  %s\n", result.psnr, result.ssim, pair.name.c_str());
      }
    } catch (const Error& error) {
      problems.push_back("'" + pair.name + "': " + error.what());
    }
  }
  const auto n = static_cast<double>(std::max<std::size_t>(compared, 1));
  if (options.json) {
    json report{{"schema", 1}, {"files", files}, {"problems", problems}};
    if (compared > 0) {
      report["mean"] = {
          {"psnr", number(sum.psnr / n)}, {"ssim", sum.ssim / n}, {"files", compared}};
    }
    std::printf("%s\n", report.dump(2, ' ', false, json::error_handler_t::replace).c_str());
  } else if (compared > 1) {
    std::printf("%8.4f dB  %.6f  mean of %zu\n", sum.psnr / n, sum.ssim / n, compared);
  }
  for (const std::string& problem : problems) std::fprintf(stderr, "failed: %s\n", problem.c_str());
  return problems.empty() ? ExitCode::Done : ExitCode::SomeFailed;
}

ExitCode models(const Options& options) {
  const auto paths = listModels();
  json list = json::array();
  bool broken = false;
  if (!options.json) {
    std::printf("%-14s %-10s %6s %12s %14s  %s\n", "name", "task", "scale", "parameters",
                "K MAC/pixel", "title");
  }
  for (const fs::path& path : paths) {
    try {
      const ModelInfo info = loadModel(path.string())->info();
      if (options.json) {
        list.push_back({{"name", info.name},
                        {"task", info.task},
                        {"scale", info.scale},
                        {"parameters", info.parameters},
                        {"macs_per_pixel", info.macsPerPixel},
                        {"title", info.title},
                        {"path", path.string()}});
      } else {
        std::printf("%-14s %-10s %6d %12zu %14.1f  %s\n", path.stem().c_str(), info.task.c_str(),
                    info.scale, info.parameters, info.macsPerPixel / 1e3, info.title.c_str());
      }
    } catch (const Error& error) {
      broken = true;
      std::fprintf(stderr, "failed: %s\n", error.what());
    }
  }
  if (options.json) {
    std::printf("%s\n", list.dump(2, ' ', false, json::error_handler_t::replace).c_str());
  }
  if (paths.empty()) {
    std::fprintf(stderr, "no model in");
    for (const fs::path& folder : modelFolders()) std::fprintf(stderr, " '%s'", folder.c_str());
    std::fprintf(stderr, "\n");
  }
  return broken || paths.empty() ? ExitCode::Environment : ExitCode::Done;
}

}  // namespace pristine::cli
