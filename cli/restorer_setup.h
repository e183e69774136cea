#pragma once

#include <memory>
#include <string>

#include "app/job_runner.h"
#include "cli/options.h"
#include "core/model.h"
#include "core/restorer.h"

namespace pristine::cli {

/// A model made ready for the pictures of a run.
struct RestorerSetup {
  std::shared_ptr<const Model> model;
  std::unique_ptr<Restorer> restorer;
  RunOptions run;  ///< without a journal
};

/// For a task, "denoise", "dejpeg" or "upscale". Says on standard error what is used where asked
/// to, and where a precision is not to be had. Throws Error(Model).
RestorerSetup setUpRestorer(const Options& options, const std::string& task);

/// Writes the operators' times where asked for: the profile to standard output, the trace to its
/// file. Throws Error(Output).
void writeOperatorTimes(const Options& options, const Restorer& restorer);

}  // namespace pristine::cli
