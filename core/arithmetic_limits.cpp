#include "core/arithmetic_limits.h"

#include "vision_attention/limit.h"

namespace pristine {

double ArithmeticLimits::seconds(const std::string& arithmetic, std::uint64_t macs) const {
  const double rate = arithmetic == "int8" ? int8 : arithmetic == "bf16" ? bf16 : f32;
  return rate > 0 ? 2e-9 * static_cast<double>(macs) / rate : 0.0;
}

ArithmeticLimits measureLimits(int threads) {
  const va::Engine engine(threads);
  return {engine.threads(), va::convolutionLimit(engine, va::Arithmetic::F32),
          va::convolutionLimit(engine, va::Arithmetic::BF16),
          va::convolutionLimit(engine, va::Arithmetic::Int8)};
}

ProcessorFeatures processorFeatures() {
  const va::CpuFeatures cpu = va::cpuFeatures();
  return {cpu.isa, cpu.bf16, cpu.int8};
}

}  // namespace pristine
