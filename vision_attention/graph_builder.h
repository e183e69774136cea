#pragma once

#include <map>
#include <memory>
#include <optional>
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

/// By the name of a convolution whose input is quantised to int8: what one level stands for.
using InputScales = std::map<std::string, float>;

/// Describes a computation once; compile() turns it into a Graph that runs many times. Operators
/// are added by the free functions of ops/ and attention/, which check shapes and throw
/// std::invalid_argument naming them.
class GraphBuilder {
 public:
  /// weights must outlive the builder. precision: storage type of activations between operators.
  /// int8: the dense pairs that are computed in int8, whatever the processor offers.
  GraphBuilder(const Weights& weights, Precision precision, InputScales int8 = {});
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
  /// The scale of a convolution's int8 input; empty if it is not to be quantised. Throws
  /// std::invalid_argument if it is not a positive number.
  std::optional<float> inputScale(const std::string& name);
  /// Names no convolution asked for.
  std::vector<std::string> unusedInputScales() const;
  /// Multiply-adds of what has been described so far.
  std::uint64_t macs() const;

  /// Bytes of the activations of what has been described so far, planned as compile() does; the
  /// arena holds the operators' scratch besides.
  std::size_t activationBytes() const;

  /// Consumes the description: creates primitives, plans one arena, binds addresses.
  std::unique_ptr<Graph> compile(const Engine& engine);

  struct Description;

 private:
  const Weights& weights_;
  Precision precision_;
  InputScales inputScales_;
  std::unique_ptr<Description> description_;
};

}  // namespace va
