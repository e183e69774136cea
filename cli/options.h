#pragma once

#include <filesystem>
#include <stdexcept>
#include <string>
#include <vector>

#include "core/metrics.h"
#include "core/restorer.h"

namespace pristine::cli {

/// A command line that makes no sense; what() says why.
class UsageError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

struct Options {
  enum class Verb {
    Denoise,
    Dejpeg,
    Upscale,
    Compare,
    Models,
    BenchModels,
    BenchAttention,
    Help,
    Version
  };
  Verb verb = Verb::Help;
  std::string help;  ///< text to print, when verb is Help

  // denoise, dejpeg, upscale
  std::string task;  ///< the verb's
  int scale = 1;
  std::vector<std::filesystem::path> inputs;
  std::filesystem::path output;
  std::string model = "best";  ///< variant, name or path
  double strength = 100;       ///< percent
  int quality = 95;
  bool recursive = false;
  RestorerOptions restorer;
  std::filesystem::path trace;  ///< file for the operators' times; empty: none
  bool quiet = false;
  bool verbose = false;

  // bench
  std::vector<std::string> models;
  std::vector<std::string> precisions;

  // bench attention
  std::vector<std::string> systems;
  bool quick = false;

  // compare
  CompareOptions compare;

  // models
  bool check = false;
  bool measure = false;

  // compare, models, bench, bench attention
  bool json = false;
};

/// Parses the arguments after the program's name. Throws UsageError.
Options parseOptions(const std::vector<std::string>& arguments);

}  // namespace pristine::cli
