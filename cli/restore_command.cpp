#include "cli/restore_command.h"

#include <chrono>
#include <cstdio>
#include <optional>
#include <vector>

#include "app/image_file.h"
#include "app/job_runner.h"
#include "app/output_policy.h"
#include "app/run_estimate.h"
#include "cli/auto_choice.h"
#include "cli/batch_layout.h"
#include "cli/batch_report.h"
#include "cli/batch_tally.h"
#include "cli/console_observer.h"
#include "cli/interrupt.h"
#include "cli/option_table.h"
#include "cli/restorer_setup.h"
#include "core/error.h"

namespace pristine::cli {

namespace {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;

double secondsSince(Clock::time_point begin) {
  return std::chrono::duration<double>(Clock::now() - begin).count();
}

/// A run of a batch, step by step.
class Batch {
 public:
  explicit Batch(const Options& options)
      : options_(options), interrupt_(options.batch.timeLimit), json_(options.json) {}

  ExitCode run();

 private:
  void openJournal();
  void decideAll();
  void estimate();
  void runAll();
  void stopAfter(const JobResult& result);
  void sayPlanned() const;
  void record(const JobResult& result);
  ExitCode finish();
  BatchTotals totals() const;
  class Observer;

  const Options& options_;
  const Clock::time_point begin_ = Clock::now();
  Interrupt interrupt_;
  JsonReport json_;
  BatchLayout layout_;
  std::unique_ptr<AutoChoice> auto_;  ///< null where all pictures get one task
  RestorerSetup setup_;
  std::vector<Job> jobs_;         ///< that are to be run
  std::vector<JobResult> ended_;  ///< the others, with their status
  std::optional<double> estimate_;
  std::vector<JobCost> costs_;
  std::vector<double> weights_;  ///< of the jobs: seconds, or pixels where no speed is known
  BatchTally tally_;
};

/// Passes on to the console and the JSON report, and stops where the run is not to go on.
class Batch::Observer final : public JobObserver {
 public:
  Observer(Batch& batch, ConsoleObserver& console) : batch_(batch), console_(console) {}
  void started(std::size_t index, const Job& job, double megapixels) override {
    console_.started(index, batch_.layout_.shown(job), megapixels);
  }
  void progressed(std::size_t index, double share) override { console_.progressed(index, share); }
  void finished(std::size_t index, const JobResult& result) override {
    const JobResult shown = batch_.layout_.shown(result);
    console_.finished(index, shown);
    batch_.record(shown);
    batch_.stopAfter(shown);
  }

 private:
  Batch& batch_;
  ConsoleObserver& console_;
};

void Batch::openJournal() {
  fs::path folder = options_.batch.journal;
  const fs::path& outputs = layout_.plan.folder;
  if (folder.empty()) folder = outputs.empty() ? journalFolderOfUser() : journalFolderIn(outputs);
  if (!layout_.piped.empty()) folder.clear();
  setup_.run.journal = std::make_shared<Journal>(folder, outputs.empty() ? fs::path("/") : outputs);
}

void Batch::decideAll() {
  for (const Job& job : layout_.plan.jobs) {
    const Decision decision =
        decide(job, setup_.run.settings, options_.batch.ifExists, *setup_.run.journal);
    if (options_.batch.retryFailed && !decision.failedBefore) continue;
    if (const auto result = resultOf(decision)) {
      ended_.push_back(*result);
    } else {
      jobs_.push_back(decision.job);
    }
  }
  for (const PlanFailure& failure : layout_.plan.failures) {
    JobResult result;
    result.job.input = failure.input;
    result.status = JobStatus::Failed;
    result.code = ErrorCode::Input;
    result.reason = failure.reason;
    ended_.push_back(result);
  }
}

/// Measures model and formats only where an estimate is asked for.
void Batch::estimate() {
  const double started = secondsSince(begin_);
  const CostOptions options{setup_.run.write, setup_.run.strength > 0};
  costs_ = costsOf(jobs_, *setup_.restorer, options);
  const auto speed = speedOf(costs_, *setup_.restorer, options, SpeedCache(speedCacheOfUser()),
                             options_.batch.estimate, interrupt_.token());
  for (const JobCost& cost : costs_) {
    weights_.push_back(speed ? secondsInRun(cost, *speed) : cost.tilePixels);
  }
  if (speed) estimate_ = started + secondsOfRun(costs_, *speed);
}

void Batch::record(const JobResult& result) {
  tally_.count(result);
  json_.file(result, statusName(result));
}

void Batch::stopAfter(const JobResult& result) {
  if (result.status != JobStatus::Failed) return;
  // With a full disk every further picture would be restored in vain.
  if (options_.batch.failFast || tally_.diskFull()) interrupt_.stop();
}

void Batch::sayPlanned() const {
  for (const Job& job : jobs_) {
    JobResult result;
    result.job = layout_.shown(job);
    json_.file(result, "planned");
    if (options_.batch.dryRun && !options_.json) {
      std::printf("%s -> %s\n", inputName(result.job).c_str(),
                  printable(result.job.output.string()).c_str());
    }
  }
  if (!options_.batch.estimate || options_.json) return;
  double pixels = 0;
  for (const JobCost& cost : costs_) pixels += cost.pixels;
  std::printf("%zu pictures, %s, %s\n", jobs_.size(), megapixelsText(1e-6 * pixels).c_str(),
              estimate_ ? durationText(*estimate_).c_str() : "not measured");
}

void Batch::runAll() {
  ConsoleObserver console({weights_, estimate_}, options_.quiet);
  Observer observer(*this, console);
  const auto results = runJobs(jobs_, *setup_.restorer, setup_.run, interrupt_.token(), observer);
  for (const JobResult& result : results) {
    if (result.status == JobStatus::Stopped) record(layout_.shown(result));
  }
}

BatchTotals Batch::totals() const {
  BatchTotals totals = tally_.totals();
  totals.seconds = secondsSince(begin_);
  return totals;
}

ExitCode Batch::finish() {
  const ExitCode code = tally_.exitCode(interrupt_.cause());
  if (!options_.quiet) {
    std::fprintf(stderr, "%s\n", summaryOf(totals()).c_str());
    if (const std::string problem = setup_.run.journal->problem(); !problem.empty()) {
      std::fprintf(stderr, "note: %s; another run will not know what this one has made\n",
                   problem.c_str());
    }
  }
  json_.summary(totals(), static_cast<int>(code));
  writeOperatorTimes(options_, *setup_.restorer);
  return code;
}

ExitCode Batch::run() {
  initializeImageFiles();
  layout_ = layOutBatch(options_);
  if (layout_.plan.skippedFolders && !options_.quiet) {
    std::fprintf(stderr, "note: sub-folders are left out; -r takes them along\n");
  }
  for (const fs::path& pattern : layout_.unmatched) {
    std::fprintf(stderr, "note: nothing matches '%s'\n", printable(pattern.string()).c_str());
  }
  if (layout_.plan.jobs.empty() && layout_.plan.failures.empty()) {
    std::fprintf(stderr, "no picture found\n");
    return ExitCode::NothingFound;
  }
  if (options_.verb == Verb::Auto) {
    auto_ = std::make_unique<AutoChoice>(options_, options_.copyClean || !layout_.piped.empty());
    setup_ = auto_->takeSetup();
  } else {
    setup_ = setUpRestorer(options_, infoOf(options_.verb).name);
  }
  if (options_.selfCheck)
    setup_.run.check = [this](const fs::path& o) { return selfCheck(o, options_.read); };
  openJournal();
  decideAll();
  if (jobs_.empty() && ended_.empty()) {
    std::fprintf(stderr, "no picture failed the last time\n");
    return ExitCode::NothingFound;
  }
  estimate();
  std::string model = setup_.model->info().name;
  std::string digest = setup_.model->info().digest;
  if (auto_) {
    model += " " + auto_->other().name;
    digest += " " + auto_->other().digest;
  }
  json_.start({infoOf(options_.verb).name, model, digest, setup_.restorer->precision(),
               setup_.restorer->threads(), jobs_.size() + ended_.size(), estimate_});
  for (const JobResult& ended : ended_) {
    const JobResult result = layout_.shown(ended);
    if (result.status == JobStatus::Failed) {
      std::fprintf(stderr, "failed: %s: %s\n", inputName(result.job).c_str(),
                   result.reason.c_str());
    }
    record(result);
    stopAfter(result);
  }
  if (options_.batch.dryRun || options_.batch.estimate) {
    sayPlanned();
    const bool stopped = interrupt_.token().stop_requested();
    const ExitCode code = stopped ? interrupt_.cause() : tally_.exitCode(ExitCode::Done);
    json_.summary(totals(), static_cast<int>(code));
    return code;
  }
  runAll();
  if (!layout_.piped.empty() && tally_.totals().restored + tally_.totals().skipped == 1) {
    copyToOutput(layout_.piped);
  }
  return finish();
}

}  // namespace

ExitCode restore(const Options& options) {
  return Batch(options).run();
}

}  // namespace pristine::cli
