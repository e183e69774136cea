#include "vision_attention/ops/layer_norm.h"

#include <stdexcept>

#include "vision_attention/ops/dnnl_support.h"

namespace va {

namespace {

constexpr float kEpsilon = 1e-5F;

class LayerNorm final : public Operator {
 public:
  LayerNorm(Dim rows, Dim channels, DataType type)
      : rows_(rows), channels_(channels), type_(type) {}

  void prepare(const Engine& engine, bool /*inPlace*/) override {
    desc_ = denseDesc({rows_, channels_}, type_);
    using Forward = dnnl::layer_normalization_forward;
    const Forward::primitive_desc desc(Forward::desc(dnnl::prop_kind::forward_inference, desc_,
                                                     kEpsilon, dnnl::normalization_flags::none),
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
  std::string kind() const override { return "layer_norm"; }
  std::string implementation() const override { return step_.implementation(); }

 private:
  Dim rows_;
  Dim channels_;
  DataType type_;
  dnnl::memory::desc desc_;
  Step step_;
};

}  // namespace

Tensor layerNorm(GraphBuilder& graph, const std::string& name, const Tensor& src) {
  const Dim channels = src.shape[-1];
  if (src.shape.elements() < 1) {
    throw std::invalid_argument("layer norm '" + name + "': src is " + src.shape.toString());
  }
  return graph.add(name,
                   std::make_unique<LayerNorm>(src.shape.elements() / channels, channels, src.type),
                   {src}, src.shape, src.type);
}

}  // namespace va
