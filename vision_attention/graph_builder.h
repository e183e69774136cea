#pragma once

#include <memory>
#include <string>
#include <vector>

#include "vision_attention/engine.h"
#include "vision_attention/operator.h"
#include "vision_attention/shape.h"
#include "vision_attention/weights.h"

namespace va {

class Graph;

/// A tensor of the graph under description; a value, cheap to copy.
struct Tensor {
  int id = -1;
  Shape shape;
  DataType type = DataType::F32;
};

/// Describes a computation once; compile() turns it into a Graph that runs many times. Operators
/// are added by the free functions of ops/ and attention/, which check shapes and throw
/// std::invalid_argument naming them.
class GraphBuilder {
 public:
  /// weights must outlive the builder. precision: storage type of activations between operators.
  GraphBuilder(const Weights& weights, Precision precision);
  ~GraphBuilder();

  const Weights& weights() const { return weights_; }
  Precision precision() const { return precision_; }
  DataType activationType() const {
    return precision_ == Precision::BF16 ? DataType::BF16 : DataType::F32;
  }

  Tensor input(const std::string& name, Shape shape, DataType type = DataType::F32);
  void output(const std::string& name, const Tensor& tensor);
  /// The same memory under another shape with as many elements.
  Tensor reshape(const Tensor& tensor, Shape shape);

  /// Adds a step; returns its first output. For operators' own use.
  Tensor add(std::string name, std::unique_ptr<Operator> op, const std::vector<Tensor>& sources,
             Shape shape, DataType type);
  /// The same for operators with several outputs.
  std::vector<Tensor> add(std::string name, std::unique_ptr<Operator> op,
                          const std::vector<Tensor>& sources,
                          const std::vector<std::pair<Shape, DataType>>& outputs);

  /// Names every weight read so far; Network compares it with what the file holds.
  const std::vector<float>& weight(const std::string& name, const Shape& expected);
  std::vector<std::string> unusedWeights() const;
  /// Multiply-adds of what has been described so far.
  std::uint64_t macs() const;

  /// Consumes the description: creates primitives, plans one arena, binds addresses.
  std::unique_ptr<Graph> compile(const Engine& engine);

  struct Description;

 private:
  const Weights& weights_;
  Precision precision_;
  std::unique_ptr<Description> description_;
};

}  // namespace va
