#pragma once

#include <filesystem>
#include <stdexcept>
#include <string>
#include <vector>

#include "app/image_file.h"
#include "core/restorer.h"

namespace pristine::cli {

/// A command line that makes no sense; what() says why.
class UsageError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

struct Options {
  enum class Verb { Denoise, Compare, Models, BenchAttention, Help, Version };
  Verb verb = Verb::Help;
  std::string help;  ///< text to print, when verb is Help

  // denoise
  std::vector<std::filesystem::path> inputs;
  std::filesystem::path output;
  std::string model = "denoise";
  double strength = 100;  ///< percent
  WriteOptions write;
  ReadOptions read;
  std::int64_t maxMemory = 0;  ///< bytes of the process; 0: half of what is available
  bool recursive = false;
  RestorerOptions restorer;
  bool quiet = false;
  bool verbose = false;

  // bench attention
  std::vector<std::string> systems;
  bool quick = false;

  // compare, models, bench attention
  bool json = false;
};

/// Parses the arguments after the program's name. Throws UsageError.
Options parseOptions(const std::vector<std::string>& arguments);

}  // namespace pristine::cli
