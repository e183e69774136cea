#pragma once

#include <memory>
#include <string>

namespace va {

enum class Precision { F32, BF16 };

std::string toString(Precision precision);

/// What the processor offers, after the cap that DNNL_MAX_CPU_ISA may set.
struct CpuFeatures {
  std::string isa;    ///< oneDNN's name of the effective instruction set, e.g. "AVX512_CORE_BF16"
  bool bf16 = false;  ///< bf16 dot products in hardware
  bool int8 = false;  ///< int8 dot products in hardware (VNNI); sums saturate without them
};

CpuFeatures cpuFeatures();

/// oneDNN's CPU engine and stream plus the thread count of everything that runs on it.
/// Use an engine, and all graphs compiled for it, from one thread at a time.
class Engine {
 public:
  /// threads: OpenMP threads of every operator, >= 1, 0 = as many as the process may use.
  explicit Engine(int threads = 0);
  ~Engine();
  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;

  int threads() const { return threads_; }

  struct Impl;
  Impl& impl() const { return *impl_; }

 private:
  int threads_;
  std::unique_ptr<Impl> impl_;
};

}  // namespace va
