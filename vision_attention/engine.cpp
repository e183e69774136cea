#include "vision_attention/engine.h"

#include <sched.h>

#include <stdexcept>

#include "vision_attention/ops/dnnl_support.h"

namespace va {

namespace {

int processorsOfProcess() {
  cpu_set_t set;
  CPU_ZERO(&set);
  if (sched_getaffinity(0, sizeof(set), &set) != 0) return 1;
  const int count = CPU_COUNT(&set);
  return count > 0 ? count : 1;
}

}  // namespace

std::string toString(Precision precision) {
  return precision == Precision::BF16 ? "bf16" : "f32";
}

CpuFeatures cpuFeatures() {
  using dnnl::cpu_isa;
  CpuFeatures features;
  switch (dnnl::get_effective_cpu_isa()) {
    case cpu_isa::sse41:
      features.isa = "SSE41";
      break;
    case cpu_isa::avx:
      features.isa = "AVX";
      break;
    case cpu_isa::avx2:
      features.isa = "AVX2";
      break;
    case cpu_isa::avx2_vnni:
      features.isa = "AVX2_VNNI";
      features.int8 = true;
      break;
    case cpu_isa::avx512_core:
      features.isa = "AVX512_CORE";
      break;
    case cpu_isa::avx512_core_vnni:
      features.isa = "AVX512_CORE_VNNI";
      features.int8 = true;
      break;
    case cpu_isa::avx512_core_bf16:
      features.isa = "AVX512_CORE_BF16";
      features.bf16 = features.int8 = true;
      break;
    case cpu_isa::avx512_core_amx:
      features.isa = "AVX512_CORE_AMX";
      features.bf16 = features.int8 = true;
      break;
    default:
      features.isa = "generic";
      break;
  }
  return features;
}

Engine::Engine(int threads)
    : threads_(threads == 0 ? processorsOfProcess() : threads), impl_(std::make_unique<Impl>()) {
  if (threads_ < 1) {
    throw std::invalid_argument("engine: " + std::to_string(threads) + " threads, expected >= 0");
  }
}

Engine::~Engine() = default;

}  // namespace va
