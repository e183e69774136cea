#pragma once

#include <vector>

#include "core/attention_cases.h"

namespace pristine {

/// StudyNet of data/training/attention_study.py at one window of 128x128 pixels, with every system
/// as the mixer of its four blocks (the case's variant), against the network with softmax
/// attention.
std::vector<AttentionCase> attentionNetworks();

}  // namespace pristine
