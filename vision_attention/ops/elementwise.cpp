#include "vision_attention/ops/elementwise.h"

#include <stdexcept>

#include "vision_attention/ops/dnnl_support.h"

namespace va {

namespace {

using dnnl::algorithm;

class Binary final : public Operator {
 public:
  Binary(algorithm kind, Dim elements, DataType type)
      : algorithm_(kind), elements_(elements), type_(type) {}

  void prepare(const Engine& engine, bool /*inPlace*/) override {
    desc_ = denseDesc({1, elements_}, type_);
    const dnnl::binary::primitive_desc desc(dnnl::binary::desc(algorithm_, desc_, desc_, desc_),
                                            userScratchpad(), engine.impl().engine);
    step_ = Step(dnnl::binary(desc), desc);
  }

  std::size_t scratchBytes() const override { return step_.scratchBytes(); }

  void bind(const Engine& engine, const Buffers& buffers) override {
    step_.bind(engine, DNNL_ARG_SRC_0, desc_, buffers.src[0]);
    step_.bind(engine, DNNL_ARG_SRC_1, desc_, buffers.src[1]);
    step_.bind(engine, DNNL_ARG_DST, desc_, buffers.dst[0]);
    step_.bindScratch(engine, buffers.scratch);
  }

  void run(const Engine& engine) override { step_.run(engine); }
  int inPlaceSource() const override { return 0; }
  std::string kind() const override { return "elementwise"; }
  std::string implementation() const override { return step_.implementation(); }

 private:
  algorithm algorithm_;
  Dim elements_;
  DataType type_;
  dnnl::memory::desc desc_;
  Step step_;
};

class Eltwise final : public Operator {
 public:
  Eltwise(algorithm kind, Dim elements, DataType type)
      : algorithm_(kind), elements_(elements), type_(type) {}

  void prepare(const Engine& engine, bool /*inPlace*/) override {
    desc_ = denseDesc({1, elements_}, type_);
    using Forward = dnnl::eltwise_forward;
    const Forward::primitive_desc desc(
        Forward::desc(dnnl::prop_kind::forward_inference, algorithm_, desc_, 0.0F, 0.0F),
        userScratchpad(), engine.impl().engine);
    step_ = Step(Forward(desc), desc);
  }

  std::size_t scratchBytes() const override { return step_.scratchBytes(); }

  void bind(const Engine& engine, const Buffers& buffers) override {
    step_.bind(engine, DNNL_ARG_SRC, desc_, buffers.src[0]);
    step_.bind(engine, DNNL_ARG_DST, desc_, buffers.dst[0]);
    step_.bindScratch(engine, buffers.scratch);
  }

  void run(const Engine& engine) override { step_.run(engine); }
  int inPlaceSource() const override { return 0; }
  std::string kind() const override { return "elementwise"; }
  std::string implementation() const override { return step_.implementation(); }

 private:
  algorithm algorithm_;
  Dim elements_;
  DataType type_;
  dnnl::memory::desc desc_;
  Step step_;
};

class Convert final : public Operator {
 public:
  Convert(Dim elements, DataType from, DataType to) : elements_(elements), from_(from), to_(to) {}

  void prepare(const Engine& engine, bool /*inPlace*/) override {
    src_ = denseDesc({1, elements_}, from_);
    dst_ = denseDesc({1, elements_}, to_);
    const auto& impl = engine.impl();
    const dnnl::reorder::primitive_desc desc(impl.engine, src_, impl.engine, dst_,
                                             userScratchpad());
    step_ = Step(dnnl::reorder(desc), desc);
  }

  std::size_t scratchBytes() const override { return step_.scratchBytes(); }

  void bind(const Engine& engine, const Buffers& buffers) override {
    step_.bind(engine, DNNL_ARG_FROM, src_, buffers.src[0]);
    step_.bind(engine, DNNL_ARG_TO, dst_, buffers.dst[0]);
    step_.bindScratch(engine, buffers.scratch);
  }

  void run(const Engine& engine) override { step_.run(engine); }
  std::string kind() const override { return "convert"; }
  std::string implementation() const override { return step_.implementation(); }

 private:
  Dim elements_;
  DataType from_;
  DataType to_;
  dnnl::memory::desc src_;
  dnnl::memory::desc dst_;
  Step step_;
};

Tensor binary(GraphBuilder& graph, const std::string& name, const Tensor& a, const Tensor& b,
              algorithm kind) {
  if (a.shape != b.shape || a.type != b.type) {
    throw std::invalid_argument("elementwise '" + name + "': " + a.shape.toString() + " " +
                                toString(a.type) + " and " + b.shape.toString() + " " +
                                toString(b.type));
  }
  return graph.add(name, std::make_unique<Binary>(kind, a.shape.elements(), a.type), {a, b},
                   a.shape, a.type);
}

algorithm toDnnl(Activation activation) {
  switch (activation) {
    case Activation::Relu:
      return algorithm::eltwise_relu;
    case Activation::GeluErf:
      return algorithm::eltwise_gelu_erf;
    case Activation::Logistic:
      return algorithm::eltwise_logistic;
    case Activation::Mish:
      return algorithm::eltwise_mish;
    case Activation::None:
      break;
  }
  throw std::invalid_argument("no activation to apply");
}

}  // namespace

Tensor add(GraphBuilder& graph, const std::string& name, const Tensor& a, const Tensor& b) {
  return binary(graph, name, a, b, algorithm::binary_add);
}

Tensor multiply(GraphBuilder& graph, const std::string& name, const Tensor& a, const Tensor& b) {
  return binary(graph, name, a, b, algorithm::binary_mul);
}

Tensor activate(GraphBuilder& graph, const std::string& name, const Tensor& src,
                Activation activation) {
  if (activation == Activation::None) return src;
  return graph.add(name,
                   std::make_unique<Eltwise>(toDnnl(activation), src.shape.elements(), src.type),
                   {src}, src.shape, src.type);
}

Tensor convert(GraphBuilder& graph, const std::string& name, const Tensor& src, DataType type) {
  if (src.type == type) return src;
  return graph.add(name, std::make_unique<Convert>(src.shape.elements(), src.type, type), {src},
                   src.shape, type);
}

}  // namespace va
