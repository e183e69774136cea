#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "tests/support/array.h"
#include "vision_attention/engine.h"
#include "vision_attention/graph.h"
#include "vision_attention/graph_builder.h"
#include "vision_attention/weights.h"

namespace va::test {

/// Data for one input of a graph; stored in the graph's activation type unless told otherwise.
struct Feed {
  Feed(Array feedValues, std::optional<DataType> feedType = std::nullopt)
      : values(std::move(feedValues)), type(feedType) {}

  Array values;
  std::optional<DataType> type;
};

/// Describes what is under test from the graph's inputs; returns the tensors to read.
using Describe = std::function<std::vector<Tensor>(GraphBuilder&, const std::vector<Tensor>&)>;
using DescribeOne = std::function<Tensor(GraphBuilder&, const std::vector<Tensor>&)>;

struct RunOptions {
  Precision precision = Precision::F32;
  int threads = 1;
};

/// A graph around the operators under test, ready to run on any data of the same shapes.
class GraphRunner {
 public:
  GraphRunner(const Describe& describe, const std::vector<Feed>& feeds, const Weights& weights,
              const RunOptions& options);

  /// Fills the inputs, runs, and reads the outputs.
  std::vector<Array> run(const std::vector<Feed>& feeds);
  Graph& graph() { return *graph_; }

 private:
  Engine engine_;
  std::vector<DataType> inputTypes_;
  std::vector<DataType> outputTypes_;
  std::unique_ptr<Graph> graph_;
};

/// Builds, compiles and runs once.
std::vector<Array> runGraphs(const Describe& describe, const std::vector<Feed>& feeds,
                             const Weights& weights = {}, const RunOptions& options = {});
Array runGraph(const DescribeOne& describe, const std::vector<Feed>& feeds,
               const Weights& weights = {}, const RunOptions& options = {});

/// Describes without compiling: for tests of what is refused.
void describeOnly(const DescribeOne& describe, const std::vector<Feed>& feeds,
                  const Weights& weights = {}, Precision precision = Precision::F32);

Weights weightsOf(const std::map<std::string, Array>& arrays);

}  // namespace va::test
