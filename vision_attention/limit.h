#pragma once

#include <string>

#include "vision_attention/engine.h"

namespace va {

/// What multiplies: the type of an operator's factors.
enum class Arithmetic { F32, BF16, Int8 };

std::string toString(Arithmetic arithmetic);

/// GFLOP/s, two operations a multiply-add, of oneDNN's own dense 3x3 convolution from 64 to 64
/// channels at 256x256 in the layout that it prefers: the yardstick for networks made of such
/// convolutions. The best of the runs within about `seconds`; 0 where the processor lacks the
/// arithmetic.
double convolutionLimit(const Engine& engine, Arithmetic arithmetic, double seconds = 0.5);

}  // namespace va
