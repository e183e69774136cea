#pragma once

#include <optional>
#include <string>
#include <vector>

#include "vision_attention/graph_builder.h"

namespace va {

enum class Activation { None, Relu, GeluErf, Logistic, Mish };

/// Options of conv(); the defaults are a dense 3x3 convolution of stride 1 that keeps the size.
struct ConvOptions {
  Dim outputChannels = 0;
  Dim kernel = 3;
  Dim stride = 1;
  Dim dilation = 1;
  Dim groups = 1;
  Dim padding = -1;  ///< zeros on every side; -1: dilation * (kernel - 1) / 2
  bool bias = true;
  Activation activation = Activation::None;
  std::optional<Tensor> residual =
      std::nullopt;        ///< added after the activation, same shape as the result
  std::string scale = {};  ///< name of a weight [oc] that multiplies the result before `residual`
  std::optional<DataType> outputType = std::nullopt;
  float srcLevel = 1;  ///< what one level of an s8 or u8 src stands for
  float dstLevel = 1;  ///< the same of a u8 result
};

/// Two-dimensional cross-correlation (torch.nn.functional.conv2d) on [mb, ih, iw, ic], giving
/// [mb, oh, ow, oc]. Weights `name.weight` [oc, ic / groups, kh, kw] and `name.bias` [oc].
/// The residual is summed by the primitive itself where the processor has AVX2, in place where
/// nothing else needs it. A src in s8 or u8 makes it an int8 convolution (ops/int8_weights.h) with
/// a result in f32, bf16 or, rounded to nearest even and saturated, u8.
Tensor conv(GraphBuilder& graph, const Tensor& src, const std::string& name,
            const ConvOptions& options);

/// The same with weights [oc, ic / groups, kh, kw] and bias [oc] (or empty) given as values: for
/// blocks that regroup the channels of what they read from the file.
Tensor conv(GraphBuilder& graph, const Tensor& src, const std::string& name,
            const ConvOptions& options, std::vector<float> weights, std::vector<float> bias);

/// Linear layer (torch.nn.functional.linear) on the innermost dimension: [..., ic] -> [..., oc].
/// Weights `name.weight` [oc, ic], `name.bias` [oc].
struct LinearOptions {
  Dim outputChannels = 0;
  bool bias = true;
  Activation activation = Activation::None;
  std::optional<Tensor> residual = std::nullopt;
  std::optional<DataType> outputType = std::nullopt;
};
Tensor linear(GraphBuilder& graph, const Tensor& src, const std::string& name,
              const LinearOptions& options);

}  // namespace va
