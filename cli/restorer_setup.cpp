#include "cli/restorer_setup.h"

#include <algorithm>
#include <cstdio>
#include <fstream>

#include "app/machine_limits.h"
#include "app/model_catalog.h"
#include "app/profile_report.h"
#include "core/arithmetic_limits.h"
#include "core/error.h"

namespace pristine::cli {

namespace {

void printUse(const Model& model, const Restorer& restorer) {
  std::fprintf(stderr,
               "model %s, %.1f M parameters, %.0f K multiply-adds per pixel; %s, %d threads\n",
               model.info().name.c_str(), static_cast<double>(model.info().parameters) / 1e6,
               model.info().macsPerPixel / 1e3, restorer.precision().c_str(), restorer.threads());
}

}  // namespace

RestorerSetup setUpRestorer(const Options& options, const std::string& task) {
  RestorerSetup setup;
  // A run that chooses takes the best models.
  const std::string variant = options.model.empty() ? "best" : options.model;
  setup.model = loadModel(ModelChoice{task, options.scale, variant});
  const std::int64_t memory = options.maxMemory > 0 ? options.maxMemory : standardMemory();
  RestorerOptions restoring = options.restorer;
  if (restoring.threads == 0) restoring.threads = availableThreads();
  restoring.activations =
      std::min(restoring.activations, memory / (options.verb == Verb::Auto ? 8 : 4));
  restoring.profile = restoring.profile || !options.trace.empty();
  setup.restorer = std::make_unique<Restorer>(setup.model, restoring);
  if (const std::string note = setup.restorer->precisionNote(); !note.empty()) {
    std::fprintf(stderr, "note: %s\n", note.c_str());
  }
  if (options.verbose) printUse(*setup.model, *setup.restorer);
  setup.run.strength = options.strength / 100.0;
  setup.run.write = options.write;
  setup.run.read = options.read;
  setup.run.pictureMemory = memoryForPictures(memory, restoring.activations);
  setup.run.settings = settingsDigest(setup.model->info(), setup.restorer->precision(),
                                      options.restorer.tile, setup.run);
  return setup;
}

void writeOperatorTimes(const Options& options, const Restorer& restorer) {
  if (options.restorer.profile) {
    const auto limits = measureLimits(restorer.threads());
    std::fputs(profileTable(restorer.profile(), limits, options.verbose).c_str(), stdout);
  }
  if (options.trace.empty()) return;
  std::ofstream file(options.trace, std::ios::binary);
  file << chromeTrace(restorer.profile(), restorer.trace()) << std::flush;
  if (!file) {
    throw Error(ErrorCode::Output, "trace '" + options.trace.string() + "' cannot be written");
  }
}

}  // namespace pristine::cli
