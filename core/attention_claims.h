#pragma once

#include <string>
#include <vector>

#include "core/attention_study.h"

namespace pristine {

/// What the system's paper and the survey article claim, judged by the study's measurements.
std::vector<AttentionClaim> judgeClaims(const std::string& system, const AttentionStudy& study);

}  // namespace pristine
