#pragma once

#include <filesystem>
#include <string>

#include "cli/restorer_setup.h"

namespace pristine::cli {

/// The decision about each picture of 'pristine auto', and the restorer of the task that is not the
/// run's own. Lives as long as the run.
class AutoChoice {
 public:
  /// Loads both models. copy: pictures that need nothing are written all the same. Throws
  /// Error(Model).
  AutoChoice(const Options& options, bool copy);

  /// The run's setup, with denoising as its own task; once.
  RestorerSetup takeSetup() { return std::move(denoise_); }
  /// The model of dejpeg.
  const ModelInfo& other() const { return dejpeg_.model->info(); }

 private:
  RestorerSetup denoise_;
  RestorerSetup dejpeg_;
};

/// What is left in an output, for the user.
std::string selfCheck(const std::filesystem::path& output, const ReadOptions& options);

}  // namespace pristine::cli
