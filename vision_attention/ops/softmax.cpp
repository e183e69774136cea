#include "vision_attention/ops/softmax.h"

#include <stdexcept>

#include "vision_attention/ops/dnnl_support.h"

namespace va {

namespace {

class Softmax final : public Operator {
 public:
  Softmax(Dim rows, Dim columns, DataType type) : rows_(rows), columns_(columns), type_(type) {}

  void prepare(const Engine& engine, bool /*inPlace*/) override {
    desc_ = denseDesc({rows_, columns_}, type_);
    using Forward = dnnl::softmax_forward;
    const Forward::primitive_desc desc(Forward::desc(dnnl::prop_kind::forward_inference, desc_, 1),
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
  std::string kind() const override { return "softmax"; }
  std::string implementation() const override { return step_.implementation(); }

 private:
  Dim rows_;
  Dim columns_;
  DataType type_;
  dnnl::memory::desc desc_;
  Step step_;
};

}  // namespace

Tensor softmax(GraphBuilder& graph, const std::string& name, const Tensor& src) {
  const Dim columns = src.shape[-1];
  if (src.shape.elements() < 1) {
    throw std::invalid_argument("softmax '" + name + "': src is " + src.shape.toString());
  }
  return graph.add(name,
                   std::make_unique<Softmax>(src.shape.elements() / columns, columns, src.type),
                   {src}, src.shape, src.type);
}

}  // namespace va
