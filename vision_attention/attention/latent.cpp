#include "vision_attention/attention/latent.h"

#include <cmath>
#include <stdexcept>

#include "vision_attention/ops/conv.h"
#include "vision_attention/ops/heads.h"
#include "vision_attention/ops/rms_norm.h"
#include "vision_attention/ops/streamed_attention.h"

namespace va {

namespace {

void validate(const std::string& scope, const LatentOptions& o) {
  const bool grid = o.positions == RopePositions::Axial;
  if (o.heads < 1 || o.size < 1 || o.valueSize < 1 || o.latent < 1 || o.queryLatent < 0 ||
      o.rope < 0 || o.rope % (grid ? 4 : 2) != 0 || o.positions == RopePositions::Mixed) {
    throw std::invalid_argument("latent attention '" + scope + "': " + std::to_string(o.heads) +
                                " heads of " + std::to_string(o.size) + " + " +
                                std::to_string(o.rope) + " and " + std::to_string(o.valueSize) +
                                ", latents of " + std::to_string(o.latent) + " and " +
                                std::to_string(o.queryLatent));
  }
}

Tensor rotate(GraphBuilder& graph, const Tensor& src, const std::string& name, Dim heads,
              const LatentOptions& options, const LatentPlace& place) {
  return partialRope(graph, src, name,
                     {.heads = heads,
                      .rotated = options.rope,
                      .positions = options.positions,
                      .base = options.base,
                      .width = place.width,
                      .originX = place.originX,
                      .originY = place.originY});
}

Tensor project(GraphBuilder& graph, const Tensor& src, const std::string& name, Dim outputs) {
  return linear(graph, src, name, {.outputChannels = outputs, .bias = false});
}

/// One matrix per head, weights [heads * outputs, inputs of a head]: a 1x1 convolution in groups.
Tensor projectHeads(GraphBuilder& graph, const Tensor& src, const std::string& name, Dim heads,
                    Dim outputs, std::vector<float> weights) {
  const Dim n = src.shape[1];
  const Tensor map = graph.reshape(src, {src.shape[0], 1, n, src.shape[2]});
  const Tensor dst =
      conv(graph, map, name,
           {.outputChannels = heads * outputs, .kernel = 1, .groups = heads, .bias = false},
           std::move(weights), {});
  return graph.reshape(dst, {src.shape[0], n, heads * outputs});
}

/// [h d_h, d_c] to the transposed matrix of every head, [h d_c, d_h].
std::vector<float> transposeHeads(const std::vector<float>& weights, Dim heads, Dim size,
                                  Dim latent) {
  std::vector<float> result(weights.size());
  for (Dim head = 0; head < heads; ++head) {
    for (Dim i = 0; i < size; ++i) {
      for (Dim j = 0; j < latent; ++j) {
        result[static_cast<std::size_t>((head * latent + j) * size + i)] =
            weights[static_cast<std::size_t>((head * size + i) * latent + j)];
      }
    }
  }
  return result;
}

struct Queries {
  Tensor content;  ///< [mb, n, h d_h]
  Tensor rope;     ///< [mb, n, h d_R], only with d_R
};

Queries queries(GraphBuilder& graph, const Tensor& src, const std::string& scope,
                const LatentOptions& o, const LatentPlace& place) {
  Tensor from = src;
  if (o.queryLatent > 0) {
    from = project(graph, src, scope + ".q_down", o.queryLatent);
    if (o.normalized) from = rmsNorm(graph, from, scope + ".q_norm");
  }
  Queries q;
  q.content = project(graph, from, scope + ".q_up", o.heads * o.size);
  if (o.rope > 0) {
    const Tensor plain = project(graph, from, scope + ".q_rope", o.heads * o.rope);
    q.rope = rotate(graph, plain, scope + ".q", o.heads, o, place);
  }
  return q;
}

}  // namespace

Tensor latentBank(GraphBuilder& graph, const Tensor& src, const std::string& scope,
                  const LatentOptions& options, const LatentPlace& place) {
  validate(scope, options);
  Tensor latents = project(graph, src, scope + ".kv_down", options.latent);
  if (options.normalized) latents = rmsNorm(graph, latents, scope + ".kv_norm");
  if (options.rope == 0) return latents;
  const Tensor plain = project(graph, src, scope + ".k_rope", options.rope);
  return joinHeads(graph, scope + ".bank", latents,
                   rotate(graph, plain, scope + ".k", 1, options, place), 1);
}

Tensor latentAttention(GraphBuilder& graph, const Tensor& src, const Tensor& bank,
                       const std::string& scope, const LatentOptions& options,
                       const LatentPlace& place, LatentEvaluation evaluation) {
  const auto& o = options;
  validate(scope, o);
  if (bank.shape.rank() != 3 || bank.shape[2] != o.latent + o.rope || src.shape.rank() != 3 ||
      bank.shape[0] != src.shape[0]) {
    throw std::invalid_argument("latent attention '" + scope + "': bank is " +
                                bank.shape.toString() + " for tokens " + src.shape.toString() +
                                ", expected " + std::to_string(o.latent + o.rope) + " channels");
  }
  const Queries q = queries(graph, src, scope, o, place);
  const auto& keyUp = graph.weight(scope + ".key_up.weight", {o.heads * o.size, o.latent});
  const auto& valueUp = graph.weight(scope + ".value_up.weight", {o.heads * o.valueSize, o.latent});
  const float scale = 1.0F / std::sqrt(static_cast<float>(o.size + o.rope));
  const auto withRope = [&](const Tensor& content) {
    if (o.rope == 0) return content;
    return joinHeads(graph, scope + ".queries", content, q.rope, o.heads);
  };
  Tensor attended;
  if (evaluation == LatentEvaluation::Naive) {
    const Tensor latents =
        o.rope == 0 ? bank : sliceChannels(graph, scope + ".latents", bank, 0, o.latent);
    Tensor k = project(graph, latents, scope + ".key_up", o.heads * o.size);
    const Tensor v = project(graph, latents, scope + ".value_up", o.heads * o.valueSize);
    if (o.rope > 0) {
      const Tensor shared = sliceChannels(graph, scope + ".shared_key", bank, o.latent, o.rope);
      k = joinHeads(graph, scope + ".keys", k, shared, o.heads, true);
    }
    attended = streamedAttention(graph, scope + ".core", withRope(q.content), k, v,
                                 {.heads = o.heads, .scale = scale});
  } else {
    const Tensor absorbed = projectHeads(graph, q.content, scope + ".absorb_key", o.heads, o.latent,
                                         transposeHeads(keyUp, o.heads, o.size, o.latent));
    const Tensor latents =
        streamedAttention(graph, scope + ".core", withRope(absorbed), bank, bank,
                          {.heads = o.heads, .keyHeads = 1, .valueSize = o.latent, .scale = scale});
    attended = projectHeads(graph, latents, scope + ".absorb_value", o.heads, o.valueSize, valueUp);
  }
  return project(graph, attended, scope + ".projection", src.shape[2]);
}

}  // namespace va
