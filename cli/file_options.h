#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "cli/option_table.h"

namespace pristine::cli {

/// How result files are written: format, depth, quality, lossless, strip.
void addFormatOptions(std::vector<OptionInfo>& table, const std::vector<Verb>& verbs);
/// What the program may take: max-memory, max-pixels.
void addLimitOptions(std::vector<OptionInfo>& table, const std::vector<Verb>& verbs);

/// Throws UsageError where no file could be written as these options ask for.
void checkFormatOptions(const Options& options);

/// A positive whole number with an optional K, M, G or T, of 1024 or 1000; nullopt otherwise.
std::optional<std::int64_t> parseQuantity(const std::string& text, std::int64_t kilo);

}  // namespace pristine::cli
