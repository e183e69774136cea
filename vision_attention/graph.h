#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "vision_attention/limit.h"
#include "vision_attention/run_control.h"
#include "vision_attention/shape.h"

namespace va {

struct GraphImpl;

/// Facts about one step of a compiled graph.
struct OperatorReport {
  std::string name;
  std::string kind;
  std::string implementation;
  std::uint64_t macs = 0;
  std::uint64_t bytes = 0;  ///< of the tensors read and written, weights not counted
  Arithmetic arithmetic = Arithmetic::F32;
  double start = 0;    ///< of the last run, seconds of the steady clock, 0 unless profiling
  double seconds = 0;  ///< of the last run, 0 unless profiling
};

/// A compiled computation: primitives, packed weights and one arena. run() allocates no tensor,
/// only oneDNN keeps some bytes per primitive for its argument lists. Inputs and outputs share the
/// arena: fill every input before each run, and read the outputs before filling the next. Not
/// thread-safe; the engine it was compiled for must outlive it.
class Graph {
 public:
  explicit Graph(std::unique_ptr<GraphImpl> impl);
  ~Graph();

  /// Memory of a named input or output; throws std::invalid_argument on an unknown name or when T
  /// does not have the size of the tensor's elements.
  template <typename T>
  std::span<T> data(const std::string& name) {
    const auto [bytes, size] = memory(name, sizeof(T));
    return {reinterpret_cast<T*>(bytes), size};
  }
  const Shape& shape(const std::string& name) const;
  /// Names of the graph's inputs, sorted.
  std::vector<std::string> inputNames() const;

  /// Runs every operator. Returns false if the stop token ended the run early.
  bool run(const RunControl& control = {});

  /// Measures seconds per operator in the runs that follow.
  void setProfiling(bool on);
  std::vector<OperatorReport> report() const;
  std::uint64_t macs() const;
  /// Bytes of activations and scratch after lifetime planning; without sharing they would be
  /// unsharedBytes().
  std::size_t arenaBytes() const;
  std::size_t unsharedBytes() const;

 private:
  std::pair<std::byte*, std::size_t> memory(const std::string& name, std::size_t elementSize);

  std::unique_ptr<GraphImpl> impl_;
};

}  // namespace va
