#include <cstdint>
#include <string>
#include <vector>

#include "cli/options.h"

/// Arguments are separated by zeros.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::vector<std::string> arguments(1);
  for (std::size_t i = 0; i < size; ++i) {
    if (data[i] == 0) {
      arguments.emplace_back();
    } else {
      arguments.back().push_back(static_cast<char>(data[i]));
    }
  }
  try {
    pristine::cli::parseOptions(arguments);
  } catch (const pristine::cli::UsageError&) {
    // Refused with a reason, as it should be.
  }
  return 0;
}
