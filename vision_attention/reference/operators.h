#pragma once

#include <vector>

#include "vision_attention/reference/array.h"

/// Operators as plain f64 loops after their definitions, independent of the code under test.
/// Maps are [mb, h, w, c], weights as PyTorch stores them.
namespace va::reference {

struct RefConv {
  Dim stride = 1;
  Dim dilation = 1;
  Dim groups = 1;
  Dim padding = 0;
};
/// Cross-correlation: src [mb, h, w, ic], weights [oc, ic / groups, kh, kw], bias [oc] or empty.
Array refConv2d(const Array& src, const Array& weights, const Array& bias, const RefConv& options);

/// src [..., ic], weights [oc, ic], bias [oc] or empty.
Array refLinear(const Array& src, const Array& weights, const Array& bias);

/// a [..., m, k] by b [..., k, n].
Array refMatmul(const Array& a, const Array& b);
/// Exchanges the two innermost axes.
Array refTransposed(const Array& a);

/// Over the innermost axis. -infinity weighs 0, a row of nothing else gives zeros.
Array refSoftmax(const Array& src);
/// e^x_i / (1 + sum e^x_j) over the innermost axis.
Array refSoftmaxPlusOne(const Array& src);

/// (x - mean) / sqrt(variance + 1e-5) over the innermost axis, biased variance.
Array refLayerNorm(const Array& src);

double refLogistic(double x);
double refGelu(double x);
double refMish(double x);
double refRelu(double x);

/// [h, w, c] -> [side, side, c], bins floor(i h / side) to ceil((i + 1) h / side) - 1.
Array refAdaptiveAveragePool(const Array& map, Dim side);

/// [h, w] -> [height, width], half-pixel centres, edges repeated.
Array refBilinearResize(const Array& picture, Dim height, Dim width);

/// [mb, h, w, r r c] -> [mb, r h, r w, c], channel (dy r + dx) c + i to pixel (r y + dy, r x + dx).
Array refDepthToSpace(const Array& src, Dim factor);
/// [mb, h, w, c] -> [mb, r h, r w, c], every pixel r times in both directions.
Array refRepeat(const Array& src, Dim factor);
/// torch.pixel_shuffle: channel i r r + dy r + dx to pixel (r y + dy, r x + dx).
Array refPixelShuffle(const Array& src, Dim factor);
/// torch.pixel_unshuffle, the inverse.
Array refPixelUnshuffle(const Array& src, Dim factor);

/// [mb, h, w, c] -> [mb * windows, side, side, c], windows row-major.
Array refToWindows(const Array& src, Dim side);
Array refFromWindows(const Array& windows, const Shape& mapShape);

/// Ascending and stable; -0 equals +0, NaN comes last.
std::vector<Dim> refArgsort(const std::vector<double>& values);

}  // namespace va::reference
