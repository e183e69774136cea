#include "cli/restore_command.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <iostream>
#include <numeric>

#include "app/batch_inputs.h"
#include "app/batch_plan.h"
#include "app/image_file.h"
#include "app/job_runner.h"
#include "app/machine_limits.h"
#include "app/model_catalog.h"
#include "app/output_policy.h"
#include "app/profile_report.h"
#include "app/run_estimate.h"
#include "cli/batch_report.h"
#include "cli/console_observer.h"
#include "cli/interrupt.h"
#include "cli/option_table.h"
#include "cli/standard_streams.h"
#include "core/arithmetic_limits.h"
#include "core/error.h"

namespace pristine::cli {

namespace {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;

void writeTrace(const fs::path& path, const Restorer& restorer) {
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

bool isDiskFull(const JobResult& result) {
  return result.code == ErrorCode::Output &&
         (result.reason.find(std::strerror(ENOSPC)) != std::string::npos ||
          result.reason.find(std::strerror(EDQUOT)) != std::string::npos);
}

/// A run of a batch, step by step.
class Batch {
 public:
  explicit Batch(const Options& options)
      : options_(options), interrupt_(options.batch.timeLimit), json_(options.json) {}

  ExitCode run();

 private:
  std::vector<fs::path> inputs();
  void plan();
  void requirePossibleFormats() const;
  void loadRestorer();
  void openJournal();
  void decideAll();
  void estimate();
  void runAll(const std::vector<double>& weights);
  void stopAfter(const JobResult& result);
  void sayPlanned() const;
  void countFailure(const JobResult& result);
  void record(const JobResult& result);
  ExitCode exitCode() const;
  ExitCode finish();
  class Observer;

  const Options& options_;
  const Clock::time_point begin_ = Clock::now();
  Interrupt interrupt_;
  JsonReport json_;
  std::unique_ptr<SpoolFolder> spool_;
  fs::path piped_;  ///< the file that goes to standard output
  BatchPlan plan_;
  std::shared_ptr<const Model> model_;
  std::unique_ptr<Restorer> restorer_;
  RunOptions run_;
  std::vector<Job> jobs_;         ///< that are to be run
  std::vector<JobResult> ended_;  ///< the others, with their status
  std::optional<double> estimate_;
  std::vector<JobCost> costs_;
  BatchTotals totals_;
  std::size_t memoryFailures_ = 0;
  bool diskFull_ = false;
};

/// Passes on to the console and the JSON report, and stops where the run is not to go on.
class Batch::Observer final : public JobObserver {
 public:
  Observer(Batch& batch, ConsoleObserver& console) : batch_(batch), console_(console) {}
  void started(std::size_t index, const Job& job, double megapixels) override {
    console_.started(index, job, megapixels);
  }
  void progressed(std::size_t index, double share) override { console_.progressed(index, share); }
  void finished(std::size_t index, const JobResult& result) override {
    console_.finished(index, result);
    batch_.record(result);
    batch_.stopAfter(result);
  }

 private:
  Batch& batch_;
  ConsoleObserver& console_;
};

std::vector<fs::path> Batch::inputs() {
  std::vector<fs::path> inputs = options_.inputs;
  const std::string& list = options_.batch.filesFrom;
  if (!list.empty()) {
    std::ifstream file;
    if (list != "-") {
      file.open(list, std::ios::binary);
      if (!file) throw Error(ErrorCode::Usage, "list '" + list + "': " + std::strerror(errno));
    }
    const auto names = readFileList(list == "-" ? std::cin : file, options_.batch.zeros);
    inputs.insert(inputs.end(), names.begin(), names.end());
  }
  inputs = expandPatterns(inputs);
  const auto piped = std::ranges::count(inputs, fs::path("-"));
  const bool pipedOut = options_.output == "-";
  if (piped > 1 || (piped == 1 && list == "-")) {
    throw Error(ErrorCode::Usage, "standard input can be taken once");
  }
  if (pipedOut && (inputs.size() != 1 || fs::is_directory(inputs.front()))) {
    throw Error(ErrorCode::Usage, "-o - takes one picture");
  }
  if (pipedOut && options_.json) {
    throw Error(ErrorCode::Usage, "-o - and --json both write to standard output");
  }
  return inputs;
}

void Batch::plan() {
  std::vector<fs::path> inputs = this->inputs();
  fs::path output = options_.output;
  if (output == "-" || std::ranges::count(inputs, fs::path("-")) > 0) {
    spool_ = std::make_unique<SpoolFolder>();
  }
  for (fs::path& input : inputs) {
    if (input == "-") input = spool_->takeInput();
  }
  if (output == "-") {
    FileFormat format = FileFormat::Png;
    if (options_.write.format) {
      format = *options_.write.format;
    } else {
      format = pictureSize(inputs.front(), options_.read).format;
    }
    output = spool_->path() / (std::string("stdout") + traitsOf(format).extensions.front());
    piped_ = output;
  } else if (spool_ && inputs.size() == 1 && fs::is_directory(output) && !options_.write.format) {
    // The name says nothing of a picture that came without one.
    const FileFormat format = pictureSize(inputs.front(), options_.read).format;
    output /= std::string("stdin") + traitsOf(format).extensions.front();
  }
  PlanOptions planning;
  planning.recursive = options_.recursive;
  planning.format = options_.write.format;
  if (options_.batch.name != "{dir}/{name}") {
    char strength[32];
    std::snprintf(strength, sizeof(strength), "%g", options_.strength);
    planning.name =
        NameTemplate(options_.batch.name, {{"verb", infoOf(options_.verb).name},
                                           {"model", fs::path(options_.model).stem().string()},
                                           {"strength", strength}});
  }
  plan_ = planBatch(inputs, output, planning);
}

void Batch::requirePossibleFormats() const {
  for (const Job& job : plan_.jobs) {
    const auto format = options_.write.format ? options_.write.format : formatOfName(job.output);
    if (!format) continue;
    try {
      requirePossible(options_.write, *format);
    } catch (const Error& error) {
      throw Error(ErrorCode::Usage, "output '" + job.output.string() + "': " + error.what());
    }
  }
}

void Batch::loadRestorer() {
  model_ = loadModel(ModelChoice{infoOf(options_.verb).name, options_.scale, options_.model});
  const std::int64_t memory = options_.maxMemory > 0 ? options_.maxMemory : standardMemory();
  RestorerOptions restoring = options_.restorer;
  if (restoring.threads == 0) restoring.threads = availableThreads();
  restoring.activations = std::min(restoring.activations, memory / 4);
  restoring.profile = restoring.profile || !options_.trace.empty();
  restorer_ = std::make_unique<Restorer>(model_, restoring);
  if (const std::string note = restorer_->precisionNote(); !note.empty()) {
    std::fprintf(stderr, "note: %s\n", note.c_str());
  }
  if (options_.verbose) printUse(*model_, *restorer_);
  run_.strength = options_.strength / 100.0;
  run_.write = options_.write;
  run_.read = options_.read;
  run_.pictureMemory = memoryForPictures(memory, restoring.activations);
  run_.settings =
      settingsDigest(model_->info(), restorer_->precision(), options_.restorer.tile, run_);
}

void Batch::openJournal() {
  fs::path folder = options_.batch.journal;
  const fs::path base = plan_.folder.empty() ? fs::path("/") : plan_.folder;
  if (folder.empty()) {
    folder = plan_.folder.empty() ? journalFolderOfUser() : journalFolderIn(plan_.folder);
  }
  if (!piped_.empty()) folder.clear();
  run_.journal = std::make_shared<Journal>(folder, base);
}

void Batch::decideAll() {
  for (const Job& job : plan_.jobs) {
    const Decision decision = decide(job, run_.settings, options_.batch.ifExists, *run_.journal);
    if (options_.batch.retryFailed && !decision.failedBefore) continue;
    if (const auto result = resultOf(decision)) {
      ended_.push_back(*result);
    } else {
      jobs_.push_back(decision.job);
    }
  }
  for (const PlanFailure& failure : plan_.failures) {
    JobResult result;
    result.job.input = failure.input;
    result.status = JobStatus::Failed;
    result.code = ErrorCode::Input;
    result.reason = failure.reason;
    ended_.push_back(result);
  }
}

/// Measures the model only where an estimate is asked for.
void Batch::estimate() {
  costs_ = costsOf(jobs_, *restorer_);
  const SpeedCache cache(speedCacheOfUser());
  const std::string key = speedKey(model_->info().digest, *restorer_);
  std::optional<RunSpeed> speed = cache.find(key);
  if (!speed && options_.batch.estimate && !jobs_.empty()) {
    speed = measureSpeed(*restorer_, interrupt_.token());
    if (speed) cache.store(key, *speed);
  }
  if (!speed) return;
  double sum = 0;
  for (const JobCost& cost : costs_) sum += cost.seconds(*speed);
  estimate_ = run_.strength > 0 ? sum : 0.0;
}

void Batch::record(const JobResult& result) {
  switch (result.status) {
    case JobStatus::Done:
      ++totals_.restored;
      totals_.megapixels += result.megapixels;
      totals_.networkSeconds += result.seconds;
      json_.file(result, "restored");
      return;
    case JobStatus::Failed:
      ++totals_.failed;
      if (result.code == ErrorCode::Memory) ++memoryFailures_;
      diskFull_ = diskFull_ || isDiskFull(result);
      json_.file(result, "failed");
      return;
    case JobStatus::Stopped:
      ++totals_.stopped;
      json_.file(result, "stopped");
      return;
    case JobStatus::Skipped:
      ++(result.reason.empty() ? totals_.upToDate : totals_.skipped);
      json_.file(result, result.reason.empty() ? "up_to_date" : "skipped");
      return;
  }
}

void Batch::stopAfter(const JobResult& result) {
  if (result.status != JobStatus::Failed) return;
  // With a full disk every further picture would be restored in vain.
  if (options_.batch.failFast || diskFull_) interrupt_.stop();
}

void Batch::sayPlanned() const {
  for (const Job& job : jobs_) {
    JobResult result;
    result.job = job;
    json_.file(result, "planned");
    if (options_.batch.dryRun && !options_.json) {
      std::printf("%s -> %s\n", printable(job.input.string()).c_str(),
                  printable(job.output.string()).c_str());
    }
  }
  if (!options_.batch.estimate || options_.json) return;
  double megapixels = 0;
  for (const JobCost& cost : costs_) megapixels += cost.megapixels;
  std::printf("%zu pictures, %.1f MP, %s\n", jobs_.size(), megapixels,
              estimate_ ? durationText(*estimate_).c_str() : "not measured");
}

void Batch::runAll(const std::vector<double>& weights) {
  ConsoleObserver console(weights, estimate_, options_.quiet);
  Observer observer(*this, console);
  const auto results = runJobs(jobs_, *restorer_, run_, interrupt_.token(), observer);
  for (const JobResult& result : results) {
    if (result.status == JobStatus::Stopped) record(result);
  }
}

ExitCode Batch::exitCode() const {
  if (totals_.stopped > 0 && interrupt_.cause() != ExitCode::Done) return interrupt_.cause();
  if (diskFull_) return ExitCode::Resources;
  if (totals_.failed == 0) return ExitCode::Done;
  if (memoryFailures_ == totals_.failed) return ExitCode::Resources;
  return totals_.restored + totals_.upToDate + totals_.skipped > 0 ? ExitCode::SomeFailed
                                                                   : ExitCode::AllFailed;
}

ExitCode Batch::finish() {
  totals_.seconds = std::chrono::duration<double>(Clock::now() - begin_).count();
  const ExitCode code = exitCode();
  if (!options_.quiet) {
    std::fprintf(stderr, "%s\n", summaryOf(totals_).c_str());
    if (const std::string problem = run_.journal->problem(); !problem.empty()) {
      std::fprintf(stderr, "note: %s; another run will not know what this one has made\n",
                   problem.c_str());
    }
  }
  json_.summary(totals_, static_cast<int>(code));
  if (options_.restorer.profile) {
    const auto limits = measureLimits(restorer_->threads());
    std::fputs(profileTable(restorer_->profile(), limits, options_.verbose).c_str(), stdout);
  }
  if (!options_.trace.empty()) writeTrace(options_.trace, *restorer_);
  return code;
}

ExitCode Batch::run() {
  initializeImageFiles();
  plan();
  if (plan_.skippedFolders && !options_.quiet) {
    std::fprintf(stderr, "note: sub-folders are left out; -r takes them along\n");
  }
  if (plan_.jobs.empty() && plan_.failures.empty()) {
    std::fprintf(stderr, "no picture found\n");
    return ExitCode::NothingFound;
  }
  requirePossibleFormats();
  loadRestorer();
  openJournal();
  decideAll();
  if (jobs_.empty() && ended_.empty()) {
    std::fprintf(stderr, "no picture failed the last time\n");
    return ExitCode::NothingFound;
  }
  estimate();
  json_.start({infoOf(options_.verb).name, model_->info().name, model_->info().digest,
               restorer_->precision(), restorer_->threads(), jobs_.size() + ended_.size(),
               estimate_});
  for (const JobResult& result : ended_) {
    if (result.status == JobStatus::Failed) {
      std::fprintf(stderr, "failed: %s: %s\n", printable(result.job.input.string()).c_str(),
                   result.reason.c_str());
    }
    record(result);
    stopAfter(result);
  }
  if (options_.batch.dryRun || options_.batch.estimate) {
    sayPlanned();
    totals_.seconds = std::chrono::duration<double>(Clock::now() - begin_).count();
    const ExitCode code = interrupt_.token().stop_requested() ? interrupt_.cause() : exitCode();
    json_.summary(totals_, static_cast<int>(code));
    return code;
  }
  std::vector<double> weights;
  const SpeedCache cache(speedCacheOfUser());
  const auto speed = cache.find(speedKey(model_->info().digest, *restorer_));
  for (const JobCost& cost : costs_) {
    weights.push_back(speed ? cost.seconds(*speed) : cost.tilePixels);
  }
  runAll(weights);
  if (!piped_.empty() && totals_.restored == 1) copyToOutput(piped_);
  return finish();
}

}  // namespace

ExitCode restore(const Options& options) {
  return Batch(options).run();
}

}  // namespace pristine::cli
