#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "vision_attention/engine.h"
#include "vision_attention/shape.h"

namespace va {

/// a [m, k] times b [k, n] (stored as [n, k] when transposeB) gives dst [m, n] in f32, all dense.
struct ThreadMatmulOptions {
  Dim m = 0;
  Dim n = 0;
  Dim k = 0;
  bool transposeB = false;
  DataType type = DataType::F32;  ///< of a and b
};

/// A small matrix product inside a parallel loop: compiled for one thread, run by all threads of
/// the engine at the same time, each on memory of its own that stays in its cache.
class ThreadMatmul {
 public:
  explicit ThreadMatmul(const ThreadMatmulOptions& options);
  ~ThreadMatmul();

  void prepare(const Engine& engine);
  /// Bytes per thread.
  std::size_t scratchBytes() const;
  void bind(const Engine& engine, int thread, const void* a, const void* b, float* dst,
            std::byte* scratch);
  void run(int thread);

  std::string implementation() const;
  std::uint64_t macs() const;

 private:
  struct Impl;
  ThreadMatmulOptions options_;
  std::unique_ptr<Impl> impl_;
};

}  // namespace va
