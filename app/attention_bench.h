#pragma once

#include <functional>
#include <stop_token>
#include <string>

#include "core/attention_study.h"

namespace pristine {

/// The study of the attention systems for front ends. progress is told, from the calling thread,
/// what is about to be measured. Throws Error(Usage) on an unknown system.
AttentionStudy benchAttention(const AttentionStudyOptions& options, const std::stop_token& stop,
                              const std::function<void(const std::string&)>& progress);

/// The study as JSON text, schema 1: times in seconds, sizes in bytes.
std::string attentionStudyJson(const AttentionStudy& study);

}  // namespace pristine
