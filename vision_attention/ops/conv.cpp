#include "vision_attention/ops/conv.h"

#include <algorithm>
#include <optional>
#include <stdexcept>

#include "vision_attention/ops/dnnl_support.h"
#include "vision_attention/ops/elementwise.h"
#include "vision_attention/ops/int8_weights.h"

namespace va {

namespace {

using dnnl::algorithm;
using dnnl::memory;

struct ConvShape {
  Shape src;
  Shape dst;
  Dim kernel = 1;
  Dim stride = 1;
  Dim dilation = 1;
  Dim padding = 0;
  Dim groups = 1;
  DataType srcType = DataType::F32;
  DataType dstType = DataType::F32;
  float srcLevel = 1;
  float dstLevel = 1;

  bool isDepthwise() const { return groups > 1; }
  bool isInt8() const { return srcType == DataType::S8 || srcType == DataType::U8; }
};

class Convolution final : public Operator {
 public:
  Convolution(ConvShape shape, std::vector<float> weights, std::vector<float> bias,
              Activation activation, bool residual)
      : shape_(std::move(shape)),
        weights_(std::move(weights)),
        bias_(std::move(bias)),
        activation_(activation),
        residual_(residual) {}

  void prepare(const Engine& engine, bool inPlace) override {
    const memory::desc src = imageDesc(shape_.src, shape_.srcType);
    const memory::desc dst = imageDesc(shape_.dst, shape_.dstType);
    const Dim ic = shape_.src[3];
    const Dim oc = shape_.dst[3];
    const Dim g = shape_.groups;
    const Dim k = shape_.kernel;
    const memory::dims dims =
        g > 1 ? memory::dims{g, oc / g, ic / g, k, k} : memory::dims{oc, ic, k, k};
    const memory::desc anyWeights(dims, toDnnl(shape_.isInt8() ? DataType::S8 : shape_.srcType),
                                  memory::format_tag::any);
    const memory::desc bias({oc}, memory::data_type::f32, memory::format_tag::x);
    const memory::dims strides{shape_.stride, shape_.stride};
    const memory::dims dilates{shape_.dilation - 1, shape_.dilation - 1};
    const memory::dims padding{shape_.padding, shape_.padding};
    const memory::dims paddingEnd{endPadding(1), endPadding(2)};

    dnnl::primitive_attr attr = userScratchpad();
    std::optional<Int8Weights> int8;
    if (shape_.isInt8()) {
      int8 = quantizeWeights(weights_, oc, shape_.srcType, cpuFeatures().int8);
      const float level = shape_.srcLevel;
      for (std::size_t i = 0; i < bias_.size(); ++i) bias_[i] /= int8->levels[i] * level;
      std::vector<float> scales = int8->levels;
      for (float& scale : scales) scale *= level / shape_.dstLevel;
      attr.set_output_scales(1 << 1, scales);
    }
    dnnl::post_ops postOps;
    appendActivation(postOps);
    // Never a binary post-op: oneDNN 2.6's GEMM convolution adds the wrong elements of a full
    // tensor.
    if (residual_) postOps.append_sum(1.0F);
    if (residual_ && !inPlace) {
      const auto& dnnlEngine = engine.impl().engine;
      const dnnl::reorder::primitive_desc copy(dnnlEngine, dst, dnnlEngine, dst, userScratchpad());
      copy_ = Step(dnnl::reorder(copy), copy);
    }
    attr.set_post_ops(postOps);

    using Forward = dnnl::convolution_forward;
    const auto kind = dnnl::prop_kind::forward_inference;
    const auto desc = bias_.empty()
                          ? Forward::desc(kind, algorithm::convolution_direct, src, anyWeights, dst,
                                          strides, dilates, padding, paddingEnd)
                          : Forward::desc(kind, algorithm::convolution_direct, src, anyWeights,
                                          bias, dst, strides, dilates, padding, paddingEnd);
    const Forward::primitive_desc primitiveDesc(desc, attr, engine.impl().engine);
    step_ = Step(Forward(primitiveDesc), primitiveDesc);
    const memory::desc packed = primitiveDesc.weights_desc();
    step_.setArgument(
        DNNL_ARG_WEIGHTS,
        int8 ? packConstant(engine, int8->values, denseDesc(dims, DataType::S8), packed)
             : packConstant(engine, weights_, denseDesc(dims, DataType::F32), packed));
    if (!bias_.empty()) step_.setArgument(DNNL_ARG_BIAS, packConstant(engine, bias_, bias, bias));
    weights_ = {};
    bias_ = {};
  }

  std::size_t scratchBytes() const override {
    return std::max(step_.scratchBytes(), copy_ ? copy_->scratchBytes() : 0);
  }

  void bind(const Engine& engine, const Buffers& buffers) override {
    const memory::desc dst = imageDesc(shape_.dst, shape_.dstType);
    step_.bind(engine, DNNL_ARG_SRC, imageDesc(shape_.src, shape_.srcType), buffers.src[0]);
    step_.bind(engine, DNNL_ARG_DST, dst, buffers.dst[0]);
    step_.bindScratch(engine, buffers.scratch);
    if (!copy_) return;
    copy_->bind(engine, DNNL_ARG_FROM, dst, buffers.src[1]);
    copy_->bind(engine, DNNL_ARG_TO, dst, buffers.dst[0]);
    copy_->bindScratch(engine, buffers.scratch);
  }

  void run(const Engine& engine) override {
    if (copy_) copy_->run(engine);
    step_.run(engine);
  }

  int inPlaceSource() const override { return residual_ ? 1 : -1; }

  std::string kind() const override {
    if (shape_.isDepthwise()) return "depthwise";
    const std::string k = std::to_string(shape_.kernel);
    return "conv" + k + "x" + k + (shape_.isInt8() ? " int8" : "");
  }

  std::string implementation() const override {
    return copy_ ? copy_->implementation() + "; " + step_.implementation() : step_.implementation();
  }

  std::uint64_t macs() const override {
    return static_cast<std::uint64_t>(shape_.dst.elements() * (shape_.src[3] / shape_.groups) *
                                      shape_.kernel * shape_.kernel);
  }

 private:
  Dim endPadding(int axis) const {
    const Dim extent = (shape_.kernel - 1) * shape_.dilation + 1;
    return (shape_.dst[axis] - 1) * shape_.stride + extent - shape_.src[axis] - shape_.padding;
  }

  void appendActivation(dnnl::post_ops& postOps) const {
    switch (activation_) {
      case Activation::None:
        return;
      case Activation::Relu:
        return postOps.append_eltwise(1.0F, algorithm::eltwise_relu, 0.0F, 0.0F);
      case Activation::GeluErf:
        return postOps.append_eltwise(1.0F, algorithm::eltwise_gelu_erf, 0.0F, 0.0F);
      case Activation::Logistic:
        return postOps.append_eltwise(1.0F, algorithm::eltwise_logistic, 0.0F, 0.0F);
      case Activation::Mish:
        return postOps.append_eltwise(1.0F, algorithm::eltwise_mish, 0.0F, 0.0F);
    }
  }

  ConvShape shape_;
  std::vector<float> weights_;
  std::vector<float> bias_;
  Activation activation_;
  bool residual_;
  std::optional<Step> copy_;  ///< of a residual that must stay to where the result adds to it
  Step step_;
};

/// 0 if the padded source is smaller than the kernel.
Dim outputSize(Dim size, const ConvShape& shape) {
  const Dim extent = (shape.kernel - 1) * shape.dilation + 1;
  const Dim room = size + 2 * shape.padding - extent;
  return room < 0 ? 0 : room / shape.stride + 1;
}

void requireMap(const Tensor& src, const std::string& name) {
  if (src.shape.rank() != 4) {
    throw std::invalid_argument("conv '" + name + "': src is " + src.shape.toString() +
                                ", expected [mb, h, w, c]");
  }
  if (src.shape.elements() == 0) {
    throw std::invalid_argument("conv '" + name + "': src is " + src.shape.toString() +
                                ", which holds nothing");
  }
}

/// Adds the convolution of `src` and the sum with `residual` of as many elements, in one step where
/// the primitive can add.
Tensor addConvolution(GraphBuilder& graph, const std::string& name, const ConvShape& shape,
                      std::vector<float> weights, std::vector<float> bias, Activation activation,
                      const Tensor& src, const std::optional<Tensor>& residual) {
  std::vector<Tensor> sources{src};
  const bool fused = residual && convolutionsAddResiduals();
  if (fused) sources.push_back(*residual);
  Tensor dst = graph.add(
      name,
      std::make_unique<Convolution>(shape, std::move(weights), std::move(bias), activation, fused),
      sources, shape.dst, shape.dstType);
  if (!residual || fused) return dst;
  return add(graph, name + ".residual", dst, graph.reshape(*residual, shape.dst));
}

void scaleChannels(const std::vector<float>& scale, std::vector<float>& values) {
  const std::size_t perChannel = values.size() / scale.size();
  for (std::size_t i = 0; i < values.size(); ++i) values[i] *= scale[i / perChannel];
}

}  // namespace

Tensor conv(GraphBuilder& graph, const Tensor& src, const std::string& name,
            const ConvOptions& options, std::vector<float> weights, std::vector<float> bias) {
  requireMap(src, name);
  const Dim ic = src.shape[3];
  const Dim oc = options.outputChannels;
  if (oc < 1 || options.kernel < 1 || options.stride < 1 || options.dilation < 1 ||
      options.groups < 1 || ic % options.groups != 0 || oc % options.groups != 0) {
    throw std::invalid_argument("conv '" + name + "': " + std::to_string(ic) + " -> " +
                                std::to_string(oc) + " channels in " +
                                std::to_string(options.groups) + " groups, kernel " +
                                std::to_string(options.kernel));
  }
  if (!options.scale.empty() && options.activation != Activation::None) {
    throw std::invalid_argument("conv '" + name + "': a scale cannot follow an activation");
  }
  ConvShape shape;
  shape.src = src.shape;
  shape.kernel = options.kernel;
  shape.stride = options.stride;
  shape.dilation = options.dilation;
  shape.padding =
      options.padding >= 0 ? options.padding : options.dilation * (options.kernel - 1) / 2;
  shape.groups = options.groups;
  shape.srcType = src.type;
  shape.dstType = options.outputType.value_or(graph.activationType());
  shape.srcLevel = options.srcLevel;
  shape.dstLevel = options.dstLevel;
  const bool int8Result = shape.dstType == DataType::U8;
  if ((int8Result || shape.dstType == DataType::S8) && !(shape.isInt8() && int8Result)) {
    throw std::invalid_argument("conv '" + name + "': " + toString(src.type) + " to " +
                                toString(shape.dstType));
  }
  if (shape.isInt8() && options.groups != 1) {
    throw std::invalid_argument("conv '" + name + "': int8 in " + std::to_string(options.groups) +
                                " groups, expected 1");
  }
  const Dim oh = outputSize(src.shape[1], shape);
  const Dim ow = outputSize(src.shape[2], shape);
  if (oh < 1 || ow < 1) {
    throw std::invalid_argument("conv '" + name + "': src " + src.shape.toString() +
                                " is smaller than the kernel");
  }
  shape.dst = {src.shape[0], oh, ow, oc};
  if (options.residual && options.residual->shape != shape.dst) {
    throw std::invalid_argument("conv '" + name + "': residual is " +
                                options.residual->shape.toString() + ", expected " +
                                shape.dst.toString());
  }
  if (options.residual && options.residual->type != shape.dstType) {
    throw std::invalid_argument("conv '" + name + "': residual is " +
                                toString(options.residual->type) + ", expected " +
                                toString(shape.dstType));
  }

  const Dim weightCount = oc * (ic / options.groups) * options.kernel * options.kernel;
  if (static_cast<Dim>(weights.size()) != weightCount ||
      (!bias.empty() && static_cast<Dim>(bias.size()) != oc)) {
    throw std::invalid_argument("conv '" + name + "': " + std::to_string(weights.size()) +
                                " weights and " + std::to_string(bias.size()) +
                                " biases, expected " + std::to_string(weightCount) + " and " +
                                std::to_string(oc));
  }
  if (!options.scale.empty()) {
    const auto& scale = graph.weight(options.scale, {oc});
    scaleChannels(scale, weights);
    if (!bias.empty()) scaleChannels(scale, bias);
  }

  return addConvolution(graph, name, shape, std::move(weights), std::move(bias), options.activation,
                        src, options.residual);
}

Tensor conv(GraphBuilder& graph, const Tensor& src, const std::string& name,
            const ConvOptions& options) {
  requireMap(src, name);
  if (options.groups < 1 || src.shape[3] % options.groups != 0) {
    throw std::invalid_argument("conv '" + name + "': src is " + src.shape.toString() + ", " +
                                std::to_string(options.groups) + " groups");
  }
  const Dim oc = options.outputChannels;
  std::vector<float> bias;
  if (options.bias) bias = graph.weight(name + ".bias", {oc});
  return conv(graph, src, name, options,
              graph.weight(name + ".weight",
                           {oc, src.shape[3] / options.groups, options.kernel, options.kernel}),
              std::move(bias));
}

Tensor linear(GraphBuilder& graph, const Tensor& src, const std::string& name,
              const LinearOptions& options) {
  if (src.shape.rank() < 2) {
    throw std::invalid_argument("linear '" + name + "': src is " + src.shape.toString() +
                                ", expected [..., ic]");
  }
  const Dim ic = src.shape[-1];
  const Dim oc = options.outputChannels;
  const Dim n = src.shape[-2];
  if (src.shape.elements() == 0) {
    throw std::invalid_argument("linear '" + name + "': src is " + src.shape.toString() +
                                ", which holds nothing");
  }
  if (oc < 1) {
    throw std::invalid_argument("linear '" + name + "': " + std::to_string(ic) + " -> " +
                                std::to_string(oc) + " channels");
  }
  const Dim mb = src.shape.elements() / (ic * n);
  // A linear layer is the 1x1 convolution of a one-row picture: the same packed weights.
  const Tensor rows = graph.reshape(src, {mb, 1, n, ic});

  ConvShape shape;
  shape.src = rows.shape;
  shape.dst = {mb, 1, n, oc};
  shape.srcType = src.type;
  shape.dstType = options.outputType.value_or(graph.activationType());
  std::vector<Dim> dims = src.shape.dims();
  dims.back() = oc;
  const Shape result(dims);
  if (options.residual &&
      (options.residual->shape != result || options.residual->type != shape.dstType)) {
    throw std::invalid_argument("linear '" + name + "': residual is " +
                                options.residual->shape.toString() + " " +
                                toString(options.residual->type) + ", expected " +
                                result.toString() + " " + toString(shape.dstType));
  }
  std::vector<float> bias;
  if (options.bias) bias = graph.weight(name + ".bias", {oc});
  const Tensor tokens = addConvolution(graph, name, shape, graph.weight(name + ".weight", {oc, ic}),
                                       std::move(bias), options.activation, rows, options.residual);
  return graph.reshape(tokens, result);
}

}  // namespace va
