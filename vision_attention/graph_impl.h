#pragma once

#include <cstdlib>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "vision_attention/graph_builder.h"
#include "vision_attention/limit.h"
#include "vision_attention/operator.h"
#include "vision_attention/shape.h"

namespace va {

/// Internal to the graph machinery: one step of a description and of the compiled graph.
struct GraphNode {
  std::string name;
  std::unique_ptr<Operator> op;
  std::vector<int> sources;  ///< storage ids
  std::vector<int> outputs;  ///< storage ids
  std::uint64_t bytes = 0;   ///< of sources and outputs
  Arithmetic arithmetic = Arithmetic::F32;
  double start = 0;
  double seconds = 0;
};

struct Storage {
  std::size_t bytes = 0;
};

struct NamedTensor {
  Shape shape;
  DataType type = DataType::F32;
  int storage = -1;
};

struct GraphBuilder::Description {
  std::vector<Storage> storages;
  std::vector<int> storageOfTensor;
  std::vector<GraphNode> nodes;
  std::map<std::string, NamedTensor> inputs;
  std::map<std::string, NamedTensor> outputs;
  std::map<std::string, bool> usedWeights;
  std::set<std::string> usedInputScales;
};

struct FreeDeleter {
  void operator()(void* memory) const { std::free(memory); }
};

struct GraphImpl {
  const Engine* engine = nullptr;
  std::vector<GraphNode> nodes;
  std::vector<std::string> inputs;
  std::map<std::string, NamedTensor> named;  ///< storage holds the index into addresses
  std::vector<std::byte*> addresses;
  std::unique_ptr<std::byte, FreeDeleter> arena;
  std::size_t arenaBytes = 0;
  std::size_t unsharedBytes = 0;
  std::uint64_t macs = 0;
  bool profiling = false;
};

}  // namespace va
