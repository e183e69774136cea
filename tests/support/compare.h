#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <string>

#include "tests/support/array.h"
#include "vision_attention/engine.h"

namespace va::test {

struct Tolerance {
  double maxAbs = 0.0;  ///< largest |actual - expected|
  double relL2 = 0.0;   ///< |actual - expected| / |expected|, both Euclidean
};

/// Demanded of every path on data of about unit variance.
inline constexpr Tolerance kF32Tolerance{1e-4, 1e-5};
inline constexpr Tolerance kBf16Tolerance{1e30, 2e-2};
/// Blocks and networks against PyTorch in f32.
inline constexpr Tolerance kParityTolerance{1e-4, 1e-4};

Tolerance toleranceOf(Precision precision);

/// Success if the shapes agree, non-finite values agree in place and kind, and both errors are
/// within the tolerance; else a message with the worst index.
::testing::AssertionResult isNear(const Array& actual, const Array& expected,
                                  const Tolerance& tolerance = kF32Tolerance);
/// Bit for bit, apart from the sign of zero.
::testing::AssertionResult isEqual(const Array& actual, const Array& expected);

/// What the std::invalid_argument says that `action` throws; "nothing was thrown" without one.
std::string messageOf(const std::function<void()>& action);

}  // namespace va::test

/// Ends a test that needs oneDNN's bf16 primitives where the processor has none.
#define SKIP_WITHOUT_BF16() \
  if (!va::cpuFeatures().bf16) GTEST_SKIP() << "no bf16 in the " << va::cpuFeatures().isa << " unit"
