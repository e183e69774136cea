#pragma once

#include <string>
#include <vector>

#include "core/arithmetic_limits.h"
#include "core/restorer.h"

namespace pristine {

/// Count, multiply-adds, seconds, rates and share of the limit (time at the limit / time taken) of
/// every kind of operator, the slowest first, and of all; with `each` also of every operator.
std::string profileTable(const std::vector<OperatorSummary>& operators,
                         const ArithmeticLimits& limits, bool each);

/// The runs as a JSON object in Chrome's trace event format, for chrome://tracing or Perfetto.
std::string chromeTrace(const std::vector<OperatorSummary>& operators,
                        const std::vector<OperatorRun>& runs);

}  // namespace pristine
