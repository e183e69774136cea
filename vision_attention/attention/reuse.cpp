#include "vision_attention/attention/reuse.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <stdexcept>

#include "vision_attention/ops/conv.h"
#include "vision_attention/ops/elementwise.h"
#include "vision_attention/ops/heads.h"
#include "vision_attention/ops/matmul.h"
#include "vision_attention/ops/row_softmax.h"
#include "vision_attention/ops/streamed_attention.h"

namespace va {

namespace {

/// [n, n] of a table [h, w] that is indexed by how far apart two positions are.
std::vector<float> expandBias(const std::vector<float>& table, Dim h, Dim w) {
  std::vector<float> bias;
  bias.reserve(static_cast<std::size_t>(h * w * h * w));
  for (Dim q = 0; q < h * w; ++q) {
    for (Dim k = 0; k < h * w; ++k) {
      const Dim dy = std::abs(q / w - k / w);
      const Dim dx = std::abs(q % w - k % w);
      bias.push_back(table[static_cast<std::size_t>(dy * w + dx)]);
    }
  }
  return bias;
}

/// Depthwise kernels of all heads in the middle of kernels of the largest size: one convolution.
struct ValueKernels {
  Dim kernel = 1;
  std::vector<float> weights;
  std::vector<float> bias;
};

ValueKernels valueKernels(GraphBuilder& graph, const std::string& scope, Dim c,
                          const std::vector<Dim>& kernels) {
  ValueKernels result;
  result.kernel = *std::ranges::max_element(kernels);
  const Dim d = c / static_cast<Dim>(kernels.size());
  const Dim area = result.kernel * result.kernel;
  result.weights.assign(static_cast<std::size_t>(c * area), 0.0F);
  for (std::size_t head = 0; head < kernels.size(); ++head) {
    const Dim k = kernels[head];
    const std::string name = scope + ".local_v." + std::to_string(head);
    const auto& weights = graph.weight(name + ".weight", {d, 1, k, k});
    const auto& bias = graph.weight(name + ".bias", {d});
    result.bias.insert(result.bias.end(), bias.begin(), bias.end());
    const Dim border = (result.kernel - k) / 2;
    for (Dim i = 0; i < d * k * k; ++i) {
      const Dim channel = static_cast<Dim>(head) * d + i / (k * k);
      const Dim y = i / k % k + border;
      const Dim x = i % k + border;
      result.weights[static_cast<std::size_t>(channel * area + y * result.kernel + x)] =
          weights[static_cast<std::size_t>(i)];
    }
  }
  return result;
}

}  // namespace

Tensor reuseAttention(GraphBuilder& graph, const Tensor& src, const std::string& scope,
                      const ReuseOptions& options) {
  const auto heads = static_cast<Dim>(options.kernels.size());
  const bool odd = std::ranges::all_of(options.kernels, [](Dim k) { return k > 0 && k % 2 == 1; });
  if (src.shape.rank() != 4 || src.type != graph.activationType() || src.shape[3] % 4 != 0 ||
      heads < 1 || src.shape[3] % heads != 0 || !odd || options.queryKernel < 1 ||
      options.queryKernel % 2 == 0) {
    throw std::invalid_argument("reuse attention '" + scope + "': src is " + src.shape.toString() +
                                " " + toString(src.type) + " in " + std::to_string(heads) +
                                " heads with odd kernels");
  }
  const Dim mb = src.shape[0];
  const Dim h = src.shape[1];
  const Dim w = src.shape[2];
  const Dim c = src.shape[3];
  const Dim quarter = c / 4;
  const auto& qk = graph.weight(scope + ".qk.weight", {c / 2, c, 1, 1});
  const auto& qkBias = graph.weight(scope + ".qk.bias", {c / 2});
  const ConvOptions pointwise{.outputChannels = quarter, .kernel = 1};
  const auto half = qk.begin() + static_cast<std::ptrdiff_t>(quarter * c);
  const auto halfBias = qkBias.begin() + static_cast<std::ptrdiff_t>(quarter);
  Tensor q =
      conv(graph, src, scope + ".q", pointwise, {qk.begin(), half}, {qkBias.begin(), halfBias});
  const Tensor k =
      conv(graph, src, scope + ".k", pointwise, {half, qk.end()}, {halfBias, qkBias.end()});
  q = conv(graph, q, scope + ".local_q",
           {.outputChannels = quarter, .kernel = options.queryKernel, .groups = quarter});
  ValueKernels kernels = valueKernels(graph, scope, c, options.kernels);
  const Tensor v = conv(graph, src, scope + ".local_v",
                        {.outputChannels = c, .kernel = kernels.kernel, .groups = c},
                        std::move(kernels.weights), std::move(kernels.bias));
  const float scale = options.importScale ? 0.25F : 1.0F / std::sqrt(static_cast<float>(quarter));
  const auto tokens = [&](const Tensor& map) {
    return graph.reshape(map, {mb, h * w, map.shape[3]});
  };
  // One map for all heads: attention with a single head whose values are all channels.
  const Tensor attended =
      streamedAttention(graph, scope + ".core", tokens(q), tokens(k), tokens(v),
                        {.heads = 1,
                         .scale = scale,
                         .bias = expandBias(graph.weight(scope + ".bias", {h, w}), h, w)});
  const Tensor rectified = activate(graph, scope + ".relu", attended, Activation::Relu);
  return conv(graph, graph.reshape(rectified, src.shape), scope + ".projection",
              {.outputChannels = c, .kernel = 1});
}

MappedLayer mapAttention(GraphBuilder& graph, const Tensor& src, const std::string& scope,
                         const MapAttentionOptions& options,
                         const std::optional<Tensor>& previous) {
  const auto fail = [&](const std::string& what) {
    throw std::invalid_argument("map attention '" + scope + "': " + what);
  };
  const Dim heads = options.heads;
  const Dim reused = options.reusedHeads;
  if (src.shape.rank() != 3 || heads < 1 || src.shape[2] % heads != 0 || reused < 0 ||
      reused > heads) {
    fail("src is " + src.shape.toString() + ", " + std::to_string(reused) + " of " +
         std::to_string(heads) + " heads are reused");
  }
  const Dim mb = src.shape[0];
  const Dim n = src.shape[1];
  const Dim c = src.shape[2];
  const Dim d = c / heads;
  const Dim own = heads - reused;
  if (reused > 0 && (!previous || previous->shape != Shape{mb, heads, n, n})) {
    fail("previous map is " + (previous ? previous->shape.toString() : "missing") + ", expected " +
         Shape{mb, heads, n, n}.toString());
  }
  const Tensor v = linear(graph, src, scope + ".v", {.outputChannels = c});
  std::vector<Tensor> parts;
  Tensor map;
  if (own == 0) {
    map = *previous;
  } else {
    const Tensor q = linear(graph, src, scope + ".q", {.outputChannels = own * d});
    const Tensor k = linear(graph, src, scope + ".k", {.outputChannels = own * d});
    const Tensor scores =
        matmul(graph, scope + ".scores", splitHeads(graph, scope + ".q.split", q, own),
               splitHeads(graph, scope + ".k.split", k, own),
               {.transposeB = true,
                .scale = 1.0F / std::sqrt(static_cast<float>(d)),
                .outputType = DataType::F32});
    map = rowSoftmax(graph, scope + ".softmax", scores);
    if (reused > 0) {
      // All maps of an item lie one after the other: joined like the channels of one token.
      const Tensor kept =
          sliceChannels(graph, scope + ".kept", graph.reshape(*previous, {mb, 1, heads * n * n}), 0,
                        reused * n * n);
      map = joinHeads(graph, scope + ".maps", kept, graph.reshape(map, {mb, 1, own * n * n}), 1);
      map = graph.reshape(map, {mb, heads, n, n});
    }
  }
  const Tensor attended =
      matmul(graph, scope + ".values", map, splitHeads(graph, scope + ".v.split", v, heads));
  const Tensor merged = mergeHeads(graph, scope + ".merge", {attended});
  return {linear(graph, merged, scope + ".projection", {.outputChannels = c}), map};
}

void foldBatchNorm(const BatchNorm& norm, std::vector<float>& weights, std::vector<float>& bias) {
  const std::size_t oc = norm.gain.size();
  if (oc == 0 || norm.offset.size() != oc || norm.mean.size() != oc || norm.variance.size() != oc ||
      weights.size() % oc != 0 || (!bias.empty() && bias.size() != oc)) {
    throw std::invalid_argument("batch norm of " + std::to_string(oc) +
                                " channels: " + std::to_string(weights.size()) + " weights, " +
                                std::to_string(bias.size()) + " biases");
  }
  bias.resize(oc, 0.0F);
  const std::size_t perChannel = weights.size() / oc;
  for (std::size_t i = 0; i < oc; ++i) {
    const float scale = norm.gain[i] / std::sqrt(norm.variance[i] + norm.epsilon);
    for (std::size_t j = 0; j < perChannel; ++j) weights[i * perChannel + j] *= scale;
    bias[i] = (bias[i] - norm.mean[i]) * scale + norm.offset[i];
  }
}

}  // namespace va
