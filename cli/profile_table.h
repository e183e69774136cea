#pragma once

#include <vector>

#include "core/restorer.h"

namespace pristine::cli {

/// Prints seconds and work of each kind of operator, with `each` also of every operator.
void printProfile(const std::vector<OperatorSummary>& operators, bool each);

}  // namespace pristine::cli
