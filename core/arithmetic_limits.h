#pragma once

#include <cstdint>
#include <string>

namespace pristine {

/// GFLOP/s of the dense 3x3 convolution that networks are measured against (va::convolutionLimit);
/// 0 where the processor lacks the arithmetic.
struct ArithmeticLimits {
  int threads = 0;
  double f32 = 0;
  double bf16 = 0;
  double int8 = 0;

  /// Seconds that so many multiply-adds take at the limit; 0 if it is not known.
  double seconds(const std::string& arithmetic, std::uint64_t macs) const;
};

/// Measures for about half a second each. threads: 0 for as many as the process may use. Call it
/// from the thread that runs networks.
ArithmeticLimits measureLimits(int threads);

/// What the processor offers to networks.
struct ProcessorFeatures {
  std::string isa;  ///< oneDNN's name of the instruction set that it uses
  bool bf16 = false;
  bool int8 = false;
};
ProcessorFeatures processorFeatures();

}  // namespace pristine
