#pragma once

#include <chrono>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "app/output_policy.h"

namespace pristine::cli {

enum class Verb;
struct OptionInfo;

/// How a batch is laid out and run.
struct BatchOptions {
  std::string filesFrom;  ///< list of inputs, "-": standard input; empty: none
  bool zeros = false;     ///< names of that list end in zero bytes
  std::string name;       ///< template of outputs' names
  IfExists ifExists = IfExists::Auto;
  bool dryRun = false;
  bool estimate = false;
  bool retryFailed = false;
  bool failFast = false;
  std::optional<std::chrono::seconds> timeLimit;
  std::filesystem::path journal;  ///< folder; empty: chosen by the output
};

/// Adds the options of a batch to the option table.
void addBatchFileOptions(std::vector<OptionInfo>& table, const std::vector<Verb>& verbs);
void addBatchRunOptions(std::vector<OptionInfo>& table, const std::vector<Verb>& verbs);

}  // namespace pristine::cli
