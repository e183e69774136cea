#pragma once

#include <filesystem>
#include <stdexcept>
#include <string>
#include <vector>

#include "app/image_file.h"
#include "cli/batch_options.h"
#include "core/metrics.h"
#include "core/restorer.h"

namespace pristine::cli {

/// A command line that makes no sense; what() says why.
class UsageError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// What the program is asked to do.
enum class Verb {
  Auto,
  Denoise,
  Dejpeg,
  Upscale,
  Inspect,
  Compare,
  Models,
  Bench,
  Completions,
  Help,
  Manual,
  Version
};

/// A command line, parsed. Members that an option sets get their default from the option table.
struct Options {
  using Verb = cli::Verb;
  Verb verb = Verb::Help;
  bool help = false;  ///< of `verb`; of the program when that is Help

  std::vector<std::filesystem::path> inputs;  ///< or the other words after the verb

  // denoise, dejpeg, upscale: the task is the verb's name; auto: found for each picture
  int scale = 1;
  std::filesystem::path output;
  std::string model;      ///< variant, name or path
  double strength = 100;  ///< percent
  WriteOptions write;
  ReadOptions read;
  std::int64_t maxMemory = 0;  ///< bytes of the process; 0: half of what is available
  bool recursive = false;
  BatchOptions batch;
  RestorerOptions restorer;
  std::filesystem::path trace;  ///< file for the operators' times; empty: none
  bool copyClean = false;       ///< of auto: pictures that need nothing are copied
  bool selfCheck = false;       ///< outputs are inspected
  bool quiet = false;
  bool verbose = false;

  // bench attention
  std::vector<std::string> systems;
  bool quick = false;

  CompareOptions compare;

  // models
  bool check = false;
  bool measure = false;

  bool json = false;
};

/// Parses the arguments after the program's name. Throws UsageError.
Options parseOptions(const std::vector<std::string>& arguments);

}  // namespace pristine::cli
