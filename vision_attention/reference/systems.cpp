#include "vision_attention/reference/systems.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <limits>
#include <numeric>

#include "vision_attention/reference/attention.h"
#include "vision_attention/reference/operators.h"

namespace va::reference {

namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

std::size_t at(Dim i) {
  return static_cast<std::size_t>(i);
}

/// The `count` best of scores, best first; ties to the lower index.
std::vector<Dim> best(const std::vector<double>& scores, Dim count) {
  std::vector<Dim> order(scores.size());
  std::iota(order.begin(), order.end(), Dim{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](Dim a, Dim b) { return scores[at(a)] > scores[at(b)]; });
  order.resize(at(count));
  return order;
}

Array softmaxOf(const Array& logits) {
  return refSoftmax(logits);
}

}  // namespace

void addLinear(RefWeights& weights, const std::string& name, Dim oc, Dim ic, Random& random,
               bool bias) {
  weights[name + ".weight"] =
      random.normal({oc, ic}, 0.0, 1.0 / std::sqrt(static_cast<double>(ic)));
  if (bias) weights[name + ".bias"] = random.normal({oc}, 0.0, 0.3);
}

void addProjections(RefWeights& weights, const std::string& scope, Dim c, Random& random) {
  for (const char* name : {".q", ".k", ".v", ".projection"}) {
    addLinear(weights, scope + name, c, c, random);
  }
}

Array refLayer(const RefWeights& weights, const std::string& name, const Array& src) {
  const auto bias = weights.find(name + ".bias");
  return refLinear(src, weights.at(name + ".weight"),
                   bias == weights.end() ? Array() : bias->second);
}

Array refHead(const Array& tokens, Dim head, Dim heads) {
  const Dim d = tokens.size(-1) / heads;
  return tokens.slice(-1, head * d, d);
}

Array refItem(const Array& tokens, Dim item) {
  return tokens.slice(0, item, 1).reshaped({tokens.size(1), tokens.size(2)});
}

Array refBatch(const Array& tokens) {
  return tokens.reshaped({1, tokens.size(0), tokens.size(1)});
}

Array refMultiHead(const Array& q, const Array& k, const Array& v, const RefHeads& heads,
                   const Array& mask, const Array& bias) {
  const Dim keyHeads = heads.keyHeads == 0 ? heads.heads : heads.keyHeads;
  std::vector<Array> parts;
  for (Dim head = 0; head < heads.heads; ++head) {
    const Array qh = refHead(q, head, heads.heads);
    const Dim shared = head / (heads.heads / keyHeads);
    const double scale =
        heads.scale == 0.0 ? 1.0 / std::sqrt(static_cast<double>(qh.size(1))) : heads.scale;
    parts.push_back(refAttention(qh, refHead(k, shared, keyHeads), refHead(v, shared, keyHeads),
                                 scale, mask, bias));
  }
  return concatenate(parts, 1);
}

Array refMultiHeadLayer(const RefWeights& weights, const std::string& scope, const Array& src,
                        Dim heads, const Array& bias) {
  const Array attended =
      refMultiHead(refLayer(weights, scope + ".q", src), refLayer(weights, scope + ".k", src),
                   refLayer(weights, scope + ".v", src), {.heads = heads}, {}, bias);
  return refLayer(weights, scope + ".projection", attended);
}

Array refTurn(const Array& head, const std::vector<Dim>& first, const std::vector<Dim>& second,
              const Array& angles) {
  Array result = head;
  for (Dim t = 0; t < head.size(0); ++t) {
    for (std::size_t i = 0; i < first.size(); ++i) {
      const double angle = angles(t, static_cast<Dim>(i));
      const double a = head(t, first[i]);
      const double b = head(t, second[i]);
      result(t, first[i]) = a * std::cos(angle) - b * std::sin(angle);
      result(t, second[i]) = a * std::sin(angle) + b * std::cos(angle);
    }
  }
  return result;
}

Array refGeneralized(const Array& q, const Array& negative, const Array& k, const Array& v,
                     const std::vector<double>& plus, const std::vector<double>& minus) {
  const auto heads = static_cast<Dim>(plus.size());
  std::vector<Array> parts;
  for (Dim head = 0; head < heads; ++head) {
    const Array kh = refHead(k, head, heads);
    const Array vh = refHead(v, head, heads);
    const double scale = 1.0 / std::sqrt(static_cast<double>(kh.size(1)));
    const Array positive = refAttention(refHead(q, head, heads), kh, vh, scale);
    const Array other = refAttention(refHead(negative, head, heads), kh, vh, scale);
    parts.push_back((1.0 + plus[at(head)]) * positive - minus[at(head)] * other);
  }
  return concatenate(parts, 1);
}

Array refGates(const RefWeights& weights, const std::string& scope, const Array& src,
               const RefMixture& o) {
  const Dim n = src.size(0);
  const Dim routed = o.heads - o.shared;
  const bool grouped = o.shared > 0 && routed > 0;
  const Array groups =
      grouped ? softmaxOf(refLayer(weights, scope + ".router_group", src)) : Array({n, 2}, 1.0);
  const double factor = grouped && o.code ? 2.0 : 1.0;
  Array gates({n, o.heads});
  if (o.shared > 0) {
    const Array p = softmaxOf(refLayer(weights, scope + ".router_shared", src));
    const double scale = o.code ? static_cast<double>(o.shared) : 1.0;
    for (Dim t = 0; t < n; ++t) {
      for (Dim i = 0; i < o.shared; ++i) gates(t, i) = factor * groups(t, 0) * p(t, i) * scale;
    }
  }
  if (routed == 0) return gates;
  const Array p = softmaxOf(refLayer(weights, scope + ".router_routed", src));
  for (Dim t = 0; t < n; ++t) {
    std::vector<double> mean(at(routed), 0.0);
    for (Dim u = 0; u < n; ++u) {
      const bool together = o.width == 0 ? u == t
                                         : u / o.width / o.tile == t / o.width / o.tile &&
                                               u % o.width / o.tile == t % o.width / o.tile;
      for (Dim i = 0; together && i < routed; ++i) mean[at(i)] += p(u, i);
    }
    const auto chosen = best(mean, o.active);
    double sum = 0.0;
    for (const Dim i : chosen) sum += p(t, i);
    for (const Dim i : chosen) {
      const double share = o.code ? p(t, i) / sum * static_cast<double>(o.active) : p(t, i);
      gates(t, o.shared + i) = factor * groups(t, 1) * share;
    }
  }
  return gates;
}

Array refMixtureLayer(const RefWeights& weights, const std::string& scope, const Array& src,
                      const RefMixture& o) {
  Array attended =
      refMultiHead(refLayer(weights, scope + ".q", src), refLayer(weights, scope + ".k", src),
                   refLayer(weights, scope + ".v", src), {.heads = o.heads});
  const Array gates = refGates(weights, scope, src, o);
  const Dim d = attended.size(1) / o.heads;
  for (Dim t = 0; t < attended.size(0); ++t) {
    for (Dim i = 0; i < attended.size(1); ++i) attended(t, i) *= gates(t, i / d);
  }
  return refLayer(weights, scope + ".projection", attended);
}

Array refReuse(const RefWeights& weights, const std::string& scope, const Array& src,
               const std::vector<Dim>& kernels, double scale) {
  const Dim h = src.size(0);
  const Dim w = src.size(1);
  const Dim c = src.size(2);
  const auto heads = static_cast<Dim>(kernels.size());
  const auto convolve = [&](const Array& map, const std::string& name, Dim groups) {
    const Array& kernel = weights.at(name + ".weight");
    return refConv2d(map, kernel, weights.at(name + ".bias"),
                     {.groups = groups, .padding = (kernel.size(2) - 1) / 2});
  };
  const Array map = src.reshaped({1, h, w, c});
  const Array qk = convolve(map, scope + ".qk", 1);
  const Array q = convolve(qk.slice(3, 0, c / 4), scope + ".local_q", c / 4);
  const auto tokens = [&](const Array& a) { return a.reshaped({h * w, a.size(3)}); };
  std::vector<Array> values;
  for (Dim head = 0; head < heads; ++head) {
    const Dim d = c / heads;
    values.push_back(
        convolve(map.slice(3, head * d, d), scope + ".local_v." + std::to_string(head), d));
  }
  const Array& table = weights.at(scope + ".bias");
  Array bias({h * w, h * w});
  for (Dim i = 0; i < h * w; ++i) {
    for (Dim j = 0; j < h * w; ++j) {
      bias(i, j) = table(std::abs(i / w - j / w), std::abs(i % w - j % w));
    }
  }
  Array attended = refAttention(tokens(q), tokens(qk.slice(3, c / 4, c / 4)),
                                tokens(concatenate(values, 3)), scale, {}, bias);
  attended = va::reference::map(attended, refRelu);
  return convolve(attended.reshaped({1, h, w, c}), scope + ".projection", 1).reshaped({h, w, c});
}

Array refAgentTrainingFree(const Array& agents, const Array& q, const Array& k, const Array& v,
                           Dim heads, double power, double shortcut) {
  const double scale =
      std::pow(static_cast<double>(q.size(1)) / static_cast<double>(heads), -0.5 * power);
  const Array collected = refMultiHead(agents, k, v, {.heads = heads});
  return refMultiHead(q, agents, collected, {.heads = heads, .scale = scale}) + shortcut * v;
}

Array refKeepScores(const RefWeights& weights, const std::string& scope, const Array& src) {
  const Dim n = src.size(0);
  const Dim c = src.size(1);
  Array x = refLayerNorm(src);
  for (Dim t = 0; t < n; ++t) {
    for (Dim i = 0; i < c; ++i) {
      x(t, i) =
          x(t, i) * weights.at(scope + ".norm.weight")(i) + weights.at(scope + ".norm.bias")(i);
    }
  }
  x = map(refLayer(weights, scope + ".embed", x), refGelu);
  for (Dim i = c / 2; i < c; ++i) {
    double mean = 0.0;
    for (Dim t = 0; t < n; ++t) mean += x(t, i) / static_cast<double>(n);
    for (Dim t = 0; t < n; ++t) x(t, i) = mean;
  }
  x = map(refLayer(weights, scope + ".hidden0", x), refGelu);
  x = map(refLayer(weights, scope + ".hidden1", x), refGelu);
  x = refLayer(weights, scope + ".decide", x);
  Array result({n});
  for (Dim t = 0; t < n; ++t) result(t) = -std::log1p(std::exp(x(t, 1) - x(t, 0)));
  return result;
}

std::vector<Dim> refMatch(const Array& metric, const std::vector<bool>& destinations, Dim merged) {
  const Dim n = metric.size(0);
  const auto cosine = [&](Dim a, Dim b) {
    double product = 0.0;
    double aa = 0.0;
    double bb = 0.0;
    for (Dim i = 0; i < metric.size(1); ++i) {
      product += metric(a, i) * metric(b, i);
      aa += metric(a, i) * metric(a, i);
      bb += metric(b, i) * metric(b, i);
    }
    return product / std::sqrt(aa * bb);
  };
  std::vector<double> score(at(n), -kInfinity);
  std::vector<Dim> target(at(n), 0);
  for (Dim i = 0; i < n; ++i) {
    for (Dim j = 0; !destinations[at(i)] && j < n; ++j) {
      if (destinations[at(j)] && cosine(i, j) > score[at(i)]) {
        score[at(i)] = cosine(i, j);
        target[at(i)] = j;
      }
    }
  }
  std::vector<bool> merges(at(n), false);
  for (const Dim i : best(score, merged)) merges[at(i)] = true;
  std::vector<Dim> rows(at(n), 0);
  Dim row = 0;
  for (Dim i = 0; i < n; ++i) {
    if (!merges[at(i)]) rows[at(i)] = row++;
  }
  for (Dim i = 0; i < n; ++i) {
    if (merges[at(i)]) rows[at(i)] = rows[at(target[at(i)])];
  }
  return rows;
}

Array refMerge(const Array& src, const std::vector<Dim>& rows) {
  const Dim count = *std::max_element(rows.begin(), rows.end()) + 1;
  Array result({count, src.size(1)});
  std::vector<double> sizes(at(count), 0.0);
  for (Dim t = 0; t < src.size(0); ++t) {
    sizes[at(rows[at(t)])] += 1.0;
    for (Dim i = 0; i < src.size(1); ++i) result(rows[at(t)], i) += src(t, i);
  }
  for (Dim t = 0; t < count; ++t) {
    for (Dim i = 0; i < src.size(1); ++i) result(t, i) /= sizes[at(t)];
  }
  return result;
}

Array refRmsNorm(const Array& src, const Array& gain) {
  Array result = src;
  for (Dim t = 0; t < src.size(0); ++t) {
    double squares = 0.0;
    for (Dim i = 0; i < src.size(1); ++i) squares += src(t, i) * src(t, i);
    const double scale = 1.0 / std::sqrt(squares / static_cast<double>(src.size(1)) + 1e-6);
    for (Dim i = 0; i < src.size(1); ++i) result(t, i) *= scale * gain(i);
  }
  return result;
}

namespace {

Dim tilesAcross(const RefSparse& o) {
  return (o.width + o.tile - 1) / o.tile;
}
Dim tileCount(const RefSparse& o) {
  return tilesAcross(o) * ((o.height + o.tile - 1) / o.tile);
}
Dim tileOf(const RefSparse& o, Dim token) {
  return token / o.width / o.tile * tilesAcross(o) + token % o.width / o.tile;
}
Dim windowsAcross(const RefSparse& o) {
  return (o.width - o.compressWidth) / o.strideWidth + 1;
}
Dim windowCount(const RefSparse& o) {
  return windowsAcross(o) * ((o.height - o.compressHeight) / o.strideHeight + 1);
}
bool inWindow(const RefSparse& o, Dim window, Dim token) {
  const Dim y = token / o.width - window / windowsAcross(o) * o.strideHeight;
  const Dim x = token % o.width - window % windowsAcross(o) * o.strideWidth;
  return y >= 0 && y < o.compressHeight && x >= 0 && x < o.compressWidth;
}
bool isNeighbour(const RefSparse& o, Dim query, Dim key) {
  if (o.radius >= 0) {
    return std::abs(query / o.width - key / o.width) <= o.radius &&
           std::abs(query % o.width - key % o.width) <= o.radius;
  }
  return std::abs(query / o.width / o.tile - key / o.width / o.tile) <= 1 &&
         std::abs(query % o.width / o.tile - key % o.width / o.tile) <= 1;
}

}  // namespace

Array refOverlap(const RefSparse& o) {
  Array overlap({tileCount(o), windowCount(o)});
  for (Dim token = 0; token < o.height * o.width; ++token) {
    for (Dim i = 0; i < windowCount(o); ++i) {
      if (inWindow(o, i, token)) {
        overlap(tileOf(o, token), i) += 1.0 / static_cast<double>(o.strideHeight * o.strideWidth);
      }
    }
  }
  return overlap;
}

std::vector<std::vector<Dim>> refSelection(const Array& q, const Array& compressedKeys,
                                           const RefSparse& o) {
  const Dim n = q.size(0);
  Array sum({n, windowCount(o)});
  for (Dim head = 0; head < o.heads; ++head) {
    const Array qh = refHead(q, head, o.heads);
    const double scale = 1.0 / std::sqrt(static_cast<double>(qh.size(1)));
    sum = sum + refSoftmax(scale * refMatmul(qh, refTransposed(compressedKeys)));
  }
  const Array importance = refMatmul(sum, refTransposed(refOverlap(o)));
  std::vector<std::vector<Dim>> result;
  for (Dim t = 0; t < n; ++t) {
    std::vector<double> scores(at(tileCount(o)), 0.0);
    for (Dim u = 0; u < n; ++u) {
      if (o.perQuery ? u != t : tileOf(o, u) != tileOf(o, t)) continue;
      for (Dim j = 0; j < tileCount(o); ++j) scores[at(j)] += importance(u, j);
    }
    if (o.forceOwn) scores[at(tileOf(o, t))] = kInfinity;
    auto chosen = best(scores, o.selected);
    std::sort(chosen.begin(), chosen.end());
    result.push_back(chosen);
  }
  return result;
}

Array refSparse(const Array& q, const RefSparseKeys& keys, const Array& gates, const RefSparse& o) {
  const Dim n = q.size(0);
  Array selectionMask({n, n});
  Array windowMask({n, n});
  const auto selection = refSelection(q, keys.compressedKeys, o);
  for (Dim t = 0; t < n; ++t) {
    for (Dim u = 0; u < n; ++u) {
      selectionMask(t, u) = std::ranges::count(selection[at(t)], tileOf(o, u)) > 0 ? 1.0 : 0.0;
      windowMask(t, u) = isNeighbour(o, t, u) ? 1.0 : 0.0;
    }
  }
  const RefHeads heads{.heads = o.heads, .keyHeads = 1};
  std::vector<Array> branches{
      refMultiHead(q, keys.compressedKeys, keys.compressedValues, heads),
      refMultiHead(q, keys.selectionKeys, keys.selectionValues, heads, selectionMask)};
  if (o.radius != -2) {
    branches.push_back(refMultiHead(q, keys.windowKeys, keys.windowValues, heads, windowMask));
  }
  Array result(q.shape());
  const Dim d = q.size(1) / o.heads;
  for (std::size_t b = 0; b < branches.size(); ++b) {
    for (Dim t = 0; t < n; ++t) {
      for (Dim i = 0; i < q.size(1); ++i) {
        result(t, i) += gates(t, static_cast<Dim>(b) * o.heads + i / d) * branches[b](t, i);
      }
    }
  }
  return result;
}

Array refWindowMeans(const Array& src, const RefSparse& o) {
  Array result({windowCount(o), src.size(1)});
  const double area = static_cast<double>(o.compressHeight * o.compressWidth);
  for (Dim i = 0; i < windowCount(o); ++i) {
    for (Dim t = 0; t < src.size(0); ++t) {
      if (!inWindow(o, i, t)) continue;
      for (Dim j = 0; j < src.size(1); ++j) result(i, j) += src(t, j) / area;
    }
  }
  return result;
}

}  // namespace va::reference
