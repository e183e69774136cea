#include "vision_attention/reference/attention.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "vision_attention/reference/operators.h"

namespace va::reference {

namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

/// Channels [head * d, head * d + d) of [h, w, c] as [h * w, d].
Array headTokens(const Array& map, Dim head, Dim d) {
  const Array part = map.slice(-1, head * d, d);
  return part.reshaped({part.size(0) * part.size(1), d});
}

/// The token that rank p of channel c belongs to, and its feature.
struct Place {
  Dim token = 0;
  Dim feature = 0;
};

Place placeOf(Dim channel, Dim rank, Dim bins, Dim length, bool frequency) {
  if (frequency) return {channel * bins + rank % bins, rank / bins};
  return {channel * bins + rank / length, rank % length};
}

/// One branch of DHSA, result in pixel order.
Array histogramBranch(const Array& q, const Array& k, const Array& v, Dim heads, Dim bins,
                      const Array& temperature, bool frequency) {
  const Dim channels = v.size(0);
  const Dim n = v.size(1);
  const Dim d = channels / heads;
  const Dim length = (n + bins - 1) / bins;
  Array result(v.shape());
  for (Dim head = 0; head < heads; ++head) {
    Array tokensQ({d * bins, length});
    Array tokensK = tokensQ;
    Array tokensV = tokensQ;
    std::vector<std::vector<Dim>> orders;
    for (Dim c = 0; c < d; ++c) {
      const Dim channel = head * d + c;
      orders.push_back(refArgsort(v.slice(0, channel, 1).values()));
      for (Dim rank = 0; rank < n; ++rank) {
        const Dim pixel = orders.back()[static_cast<std::size_t>(rank)];
        const auto [token, feature] = placeOf(c, rank, bins, length, frequency);
        tokensQ(token, feature) = q(channel, pixel);
        tokensK(token, feature) = k(channel, pixel);
        tokensV(token, feature) = v(channel, pixel);
      }
    }
    const auto normalise = [](Array& tokens) {
      for (Dim t = 0; t < tokens.size(0); ++t) {
        double squares = 1e-12;
        for (Dim f = 0; f < tokens.size(1); ++f) squares += tokens(t, f) * tokens(t, f);
        for (Dim f = 0; f < tokens.size(1); ++f) tokens(t, f) /= std::sqrt(squares);
      }
    };
    normalise(tokensQ);
    normalise(tokensK);
    const Array scores = temperature(head) * refMatmul(tokensQ, refTransposed(tokensK));
    const Array out = refMatmul(refSoftmaxPlusOne(scores), tokensV);
    for (Dim c = 0; c < d; ++c) {
      for (Dim rank = 0; rank < n; ++rank) {
        const Dim pixel = orders[static_cast<std::size_t>(c)][static_cast<std::size_t>(rank)];
        const auto [token, feature] = placeOf(c, rank, bins, length, frequency);
        result(head * d + c, pixel) = out(token, feature);
      }
    }
  }
  return result;
}

Dim mirrored(Dim i, Dim size) {
  while (size > 1 && (i < 0 || i >= size)) i = i < 0 ? -i : 2 * (size - 1) - i;
  return size > 1 ? i : 0;
}

}  // namespace

Array refAttention(const Array& q, const Array& k, const Array& v, double scale, const Array& mask,
                   const Array& bias) {
  Array scores = scale * refMatmul(q, refTransposed(k));
  for (Dim i = 0; i < scores.size(0); ++i) {
    for (Dim j = 0; j < scores.size(1); ++j) {
      if (bias.elements() != 0) scores(i, j) += bias(i, j);
      if (mask.elements() != 0 && mask(i, j) == 0.0) scores(i, j) = -kInfinity;
    }
  }
  return refMatmul(refSoftmax(scores), v);
}

Array refAgentBias(const Array& picture, const Array& rows, const Array& columns) {
  const Dim heads = picture.size(0);
  const Dim agents = picture.size(1);
  const Dim h = rows.size(2);
  const Dim w = columns.size(2);
  Array bias({heads, agents, h * w});
  for (Dim head = 0; head < heads; ++head) {
    for (Dim agent = 0; agent < agents; ++agent) {
      const Array one =
          picture.slice(0, head, 1).slice(1, agent, 1).reshaped({picture.size(2), picture.size(3)});
      const Array resized = refBilinearResize(one, h, w);
      for (Dim y = 0; y < h; ++y) {
        for (Dim x = 0; x < w; ++x) {
          bias(head, agent, y * w + x) =
              resized(y, x) + rows(head, agent, y) + columns(head, agent, x);
        }
      }
    }
  }
  return bias;
}

Array refAgentCore(const Array& q, const Array& k, const Array& v, Dim heads, Dim agentSide,
                   const Array& agentBias, const Array& queryBias) {
  const Dim d = q.size(2) / heads;
  const Dim positions = q.size(0) * q.size(1);
  const Dim agents = agentSide * agentSide;
  const Array pooled = refAdaptiveAveragePool(q, agentSide);
  const double scale = 1.0 / std::sqrt(static_cast<double>(d));
  const auto biasOf = [&](const Array& bias, Dim head) {
    if (bias.elements() == 0) return Array();
    return bias.slice(0, head, 1).reshaped({agents, positions});
  };
  std::vector<Array> parts;
  for (Dim head = 0; head < heads; ++head) {
    const Array a = headTokens(pooled, head, d);
    const Array gathered = refAttention(a, headTokens(k, head, d), headTokens(v, head, d), scale,
                                        {}, biasOf(agentBias, head));
    const Array b2 = biasOf(queryBias, head);
    const Array out = refAttention(headTokens(q, head, d), a, gathered, scale, {},
                                   b2.elements() == 0 ? b2 : refTransposed(b2));
    parts.push_back(out.reshaped({q.size(0), q.size(1), d}));
  }
  return concatenate(parts, 2);
}

RefHistogramBranches refHistogramBranches(const RefHistogramInput& input, Dim heads, Dim bins,
                                          const Array& temperature) {
  return {histogramBranch(input.q1, input.k1, input.v, heads, bins, temperature, false),
          histogramBranch(input.q2, input.k2, input.v, heads, bins, temperature, true)};
}

Array refHistogramCore(const RefHistogramInput& input, Dim heads, Dim bins,
                       const Array& temperature) {
  const auto branches = refHistogramBranches(input, heads, bins, temperature);
  return branches.bins * branches.frequencies;
}

RefSortedMap refDynamicRangeSort(const Array& src, Dim channels, bool heightFirst) {
  const Dim h = src.size(1);
  const Dim w = src.size(2);
  RefSortedMap result{src, Array({src.size(0), h, w, channels})};
  for (Dim n = 0; n < src.size(0); ++n) {
    for (Dim c = 0; c < channels; ++c) {
      for (Dim p = 0; p < h * w; ++p) result.origin(n, p / w, p % w, c) = static_cast<double>(p);
      const auto sortLines = [&](bool alongHeight) {
        const Dim lines = alongHeight ? w : h;
        const Dim count = alongHeight ? h : w;
        for (Dim line = 0; line < lines; ++line) {
          const auto at = [&](Array& array, Dim i) -> double& {
            return alongHeight ? array(n, i, line, c) : array(n, line, i, c);
          };
          std::vector<double> values;
          std::vector<double> origins;
          for (Dim i = 0; i < count; ++i) {
            values.push_back(at(result.map, i));
            origins.push_back(at(result.origin, i));
          }
          const auto order = refArgsort(values);
          for (Dim i = 0; i < count; ++i) {
            const auto from = static_cast<std::size_t>(order[static_cast<std::size_t>(i)]);
            at(result.map, i) = values[from];
            at(result.origin, i) = origins[from];
          }
        }
      };
      sortLines(heightFirst);
      sortLines(!heightFirst);
    }
  }
  return result;
}

Array refDynamicRangeUnsort(const Array& src, const Array& origin) {
  const Dim w = src.size(2);
  Array dst = src;
  for (Dim n = 0; n < origin.size(0); ++n) {
    for (Dim y = 0; y < origin.size(1); ++y) {
      for (Dim x = 0; x < w; ++x) {
        for (Dim c = 0; c < origin.size(3); ++c) {
          const auto from = static_cast<Dim>(origin(n, y, x, c));
          dst(n, from / w, from % w, c) = src(n, y, x, c);
        }
      }
    }
  }
  return dst;
}

Array refDualScaleFeedForward(const Array& src, const Array& expand, const Array& depthwise5,
                              const Array& depthwise3, const Array& reduce) {
  const Array wide = refPixelShuffle(refConv2d(src, expand, {}, {}), 2);
  const Dim half = wide.size(3) / 2;
  const Array values =
      refConv2d(wide.slice(3, 0, half), depthwise5, {}, {.groups = half, .padding = 2});
  const Array gates = refConv2d(wide.slice(3, half, half), depthwise3, {},
                                {.dilation = 2, .groups = half, .padding = 2});
  const Array gated = map(gates, refMish) * values;
  return refConv2d(refPixelUnshuffle(gated, 2), reduce, {}, {});
}

Array refChannelGate(const Array& src, const RefGates& gates, Dim window, bool withMaximum) {
  const Dim c = src.size(3);
  const Dim windowH = window == 0 ? src.size(1) : window;
  const Dim windowW = window == 0 ? src.size(2) : window;
  const Dim down = src.size(1) / windowH;
  const Dim across = src.size(2) / windowW;
  Array means({src.size(0), down, across, c});
  Array maxima(means.shape(), -kInfinity);
  for (Dim n = 0; n < src.size(0); ++n) {
    for (Dim y = 0; y < src.size(1); ++y) {
      for (Dim x = 0; x < src.size(2); ++x) {
        for (Dim i = 0; i < c; ++i) {
          double& mean = means(n, y / windowH, x / windowW, i);
          double& maximum = maxima(n, y / windowH, x / windowW, i);
          mean += src(n, y, x, i) / static_cast<double>(windowH * windowW);
          maximum = std::max(maximum, src(n, y, x, i));
        }
      }
    }
  }
  const auto layers = [&](const Array& pooled) {
    const Array hidden = map(refLinear(pooled, gates.reduce, gates.reduceBias), refRelu);
    return refLinear(hidden, gates.expand, gates.expandBias);
  };
  const Array logits = withMaximum ? layers(means) + layers(maxima) : layers(means);
  return map(logits, refLogistic);
}

Array refSpreadGate(const Array& gate, const Shape& mapShape) {
  Array spread(mapShape);
  const Dim windowH = spread.size(1) / gate.size(1);
  const Dim windowW = spread.size(2) / gate.size(2);
  for (Dim n = 0; n < spread.size(0); ++n) {
    for (Dim y = 0; y < spread.size(1); ++y) {
      for (Dim x = 0; x < spread.size(2); ++x) {
        for (Dim c = 0; c < spread.size(3); ++c) {
          spread(n, y, x, c) = gate(n, y / windowH, x / windowW, c);
        }
      }
    }
  }
  return spread;
}

Array refSpatialGate(const Array& src, const RefGates& gates) {
  const Dim h = src.size(1);
  const Dim w = src.size(2);
  const Dim c = src.size(3);
  Array padded({src.size(0), h + 6, w + 6, 2});
  for (Dim n = 0; n < src.size(0); ++n) {
    for (Dim y = 0; y < h + 6; ++y) {
      for (Dim x = 0; x < w + 6; ++x) {
        double maximum = -kInfinity;
        double sum = 0.0;
        for (Dim i = 0; i < c; ++i) {
          const double value = src(n, mirrored(y - 3, h), mirrored(x - 3, w), i);
          maximum = std::max(maximum, value);
          sum += value;
        }
        padded(n, y, x, 0) = maximum;
        padded(n, y, x, 1) = sum / static_cast<double>(c);
      }
    }
  }
  return map(refConv2d(padded, gates.spatial, gates.spatialBias, {}), refLogistic);
}

Array refPointwiseGate(const Array& src, const RefGates& gates) {
  return map(refConv2d(src, gates.spatial, gates.spatialBias, {}), refLogistic);
}

Array refApplySpatial(const Array& map, const Array& gate) {
  Array result = map;
  const Dim c = map.size(-1);
  for (std::size_t i = 0; i < result.elements(); ++i) {
    result.values()[i] *= gate.values()[i / static_cast<std::size_t>(c)];
  }
  return result;
}

}  // namespace va::reference
