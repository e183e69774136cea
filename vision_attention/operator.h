#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "vision_attention/engine.h"

namespace va {

/// Memory of one operator inside the graph's arena, 64-byte aligned, valid as long as the graph.
struct Buffers {
  std::vector<std::byte*> src;
  std::vector<std::byte*> dst;
  std::byte* scratch = nullptr;
};

/// One step of a graph. Life: constructed by the describing function of its file in ops/ or
/// attention/, prepare() once, bind() once, run() many times.
class Operator {
 public:
  virtual ~Operator() = default;

  /// Creates what does not depend on addresses: primitives, packed weights. inPlace is true when
  /// the graph lets dst[0] share the memory of src[inPlaceSource()].
  virtual void prepare(const Engine& engine, bool inPlace) = 0;
  /// Bytes wanted in Buffers::scratch; asked after prepare().
  virtual std::size_t scratchBytes() const { return 0; }
  virtual void bind(const Engine& engine, const Buffers& buffers) = 0;
  virtual void run(const Engine& engine) = 0;

  /// Index of the source that dst[0] may overwrite when nothing needs it later; -1: none.
  virtual int inPlaceSource() const { return -1; }
  /// Class for reports: "conv3x3", "matmul", "sort", ...
  virtual std::string kind() const = 0;
  /// oneDNN's implementation name, "; " between several, or "native" for our own loops.
  virtual std::string implementation() const { return "native"; }
  /// Multiply-adds of one run.
  virtual std::uint64_t macs() const { return 0; }
};

}  // namespace va
