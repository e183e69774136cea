#include "tests/support/graph_runner.h"

#include <stdexcept>

#include "vision_attention/bfloat16.h"

namespace va::test {

namespace {

std::string inputName(std::size_t i) {
  return "in" + std::to_string(i);
}
std::string outputName(std::size_t i) {
  return "out" + std::to_string(i);
}

template <typename T>
void write(Graph& graph, const std::string& name, const Array& values) {
  const auto data = graph.data<T>(name);
  for (std::size_t i = 0; i < data.size(); ++i) data[i] = static_cast<T>(values.values().at(i));
}

void writeInput(Graph& graph, const std::string& name, const Array& values, DataType type) {
  switch (type) {
    case DataType::F32:
      return write<float>(graph, name, values);
    case DataType::S32:
      return write<std::int32_t>(graph, name, values);
    case DataType::U8:
      return write<std::uint8_t>(graph, name, values);
    case DataType::S8:
      return write<std::int8_t>(graph, name, values);
    case DataType::BF16:
      const auto data = graph.data<BFloat16>(name);
      for (std::size_t i = 0; i < data.size(); ++i) {
        data[i] = BFloat16(static_cast<float>(values.values().at(i)));
      }
      return;
  }
}

template <typename T>
Array read(Graph& graph, const std::string& name) {
  Array result(graph.shape(name));
  const auto data = graph.data<T>(name);
  for (std::size_t i = 0; i < data.size(); ++i) {
    if constexpr (std::is_same_v<T, BFloat16>) {
      result.values()[i] = static_cast<double>(static_cast<float>(data[i]));
    } else {
      result.values()[i] = static_cast<double>(data[i]);
    }
  }
  return result;
}

Array readOutput(Graph& graph, const std::string& name, DataType type) {
  switch (type) {
    case DataType::F32:
      return read<float>(graph, name);
    case DataType::S32:
      return read<std::int32_t>(graph, name);
    case DataType::U8:
      return read<std::uint8_t>(graph, name);
    case DataType::S8:
      return read<std::int8_t>(graph, name);
    case DataType::BF16:
      return read<BFloat16>(graph, name);
  }
  throw std::invalid_argument("unknown data type");
}

std::vector<Tensor> declareInputs(GraphBuilder& builder, const std::vector<Feed>& feeds) {
  std::vector<Tensor> inputs;
  for (std::size_t i = 0; i < feeds.size(); ++i) {
    inputs.push_back(builder.input(inputName(i), feeds[i].values.shape(),
                                   feeds[i].type.value_or(builder.activationType())));
  }
  return inputs;
}

}  // namespace

GraphRunner::GraphRunner(const Describe& describe, const std::vector<Feed>& feeds,
                         const Weights& weights, const RunOptions& options)
    : engine_(options.threads) {
  GraphBuilder builder(weights, options.precision);
  const auto inputs = declareInputs(builder, feeds);
  for (const Tensor& input : inputs) inputTypes_.push_back(input.type);
  const auto outputs = describe(builder, inputs);
  for (std::size_t i = 0; i < outputs.size(); ++i) {
    builder.output(outputName(i), outputs[i]);
    outputTypes_.push_back(outputs[i].type);
  }
  graph_ = builder.compile(engine_);
}

std::vector<Array> GraphRunner::run(const std::vector<Feed>& feeds) {
  for (std::size_t i = 0; i < feeds.size(); ++i) {
    if (feeds[i].values.shape() != graph_->shape(inputName(i))) {
      throw std::invalid_argument("feed " + std::to_string(i) + " is " +
                                  feeds[i].values.shape().toString());
    }
    writeInput(*graph_, inputName(i), feeds[i].values, inputTypes_.at(i));
  }
  graph_->run();
  std::vector<Array> results;
  for (std::size_t i = 0; i < outputTypes_.size(); ++i) {
    results.push_back(readOutput(*graph_, outputName(i), outputTypes_[i]));
  }
  return results;
}

std::vector<Array> runGraphs(const Describe& describe, const std::vector<Feed>& feeds,
                             const Weights& weights, const RunOptions& options) {
  return GraphRunner(describe, feeds, weights, options).run(feeds);
}

Array runGraph(const DescribeOne& describe, const std::vector<Feed>& feeds, const Weights& weights,
               const RunOptions& options) {
  const auto describeAll = [&](GraphBuilder& builder, const std::vector<Tensor>& inputs) {
    return std::vector<Tensor>{describe(builder, inputs)};
  };
  return runGraphs(describeAll, feeds, weights, options).front();
}

void describeOnly(const DescribeOne& describe, const std::vector<Feed>& feeds,
                  const Weights& weights, Precision precision) {
  GraphBuilder builder(weights, precision);
  (void)describe(builder, declareInputs(builder, feeds));
}

Weights weightsOf(const std::map<std::string, Array>& arrays) {
  Weights weights;
  for (const auto& [name, array] : arrays) weights.add(name, array.shape(), array.floats());
  return weights;
}

}  // namespace va::test
