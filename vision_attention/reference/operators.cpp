#include "vision_attention/reference/operators.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

namespace va::reference {

namespace {

Shape withInnermost(const Shape& shape, Dim size) {
  std::vector<Dim> dims = shape.dims();
  dims.back() = size;
  return Shape(dims);
}

/// Calls action(first, last) with the value range of each row of the innermost axis.
template <typename Action>
void forEachRow(Array& array, Action action) {
  const auto columns = static_cast<std::size_t>(array.size(-1));
  for (std::size_t at = 0; at < array.elements(); at += columns) {
    action(array.values().begin() + static_cast<std::ptrdiff_t>(at),
           array.values().begin() + static_cast<std::ptrdiff_t>(at + columns));
  }
}

void softmaxRows(Array& array, bool plusOne) {
  forEachRow(array, [plusOne](auto first, auto last) {
    double top = *std::max_element(first, last);
    if (plusOne) top = std::max(top, 0.0);
    double sum = plusOne ? std::exp(-top) : 0.0;
    const bool empty = top == -std::numeric_limits<double>::infinity();
    for (auto x = first; x != last; ++x) {
      *x = empty ? 0.0 : std::exp(*x - top);
      sum += *x;
    }
    for (auto x = first; x != last; ++x) *x = sum > 0.0 ? *x / sum : 0.0;
  });
}

}  // namespace

Array refConv2d(const Array& src, const Array& weights, const Array& bias, const RefConv& options) {
  const Dim mb = src.size(0);
  const Dim ih = src.size(1);
  const Dim iw = src.size(2);
  const Dim oc = weights.size(0);
  const Dim icGroup = weights.size(1);
  const Dim kh = weights.size(2);
  const Dim kw = weights.size(3);
  const auto outer = [&](Dim size, Dim kernel) {
    const Dim room = size + 2 * options.padding - options.dilation * (kernel - 1) - 1;
    return room < 0 ? 0 : room / options.stride + 1;
  };
  Array dst({mb, outer(ih, kh), outer(iw, kw), oc});
  for (Dim n = 0; n < mb; ++n) {
    for (Dim y = 0; y < dst.size(1); ++y) {
      for (Dim x = 0; x < dst.size(2); ++x) {
        for (Dim o = 0; o < oc; ++o) {
          const Dim group = o / (oc / options.groups);
          double sum = bias.elements() == 0 ? 0.0 : bias(o);
          for (Dim ky = 0; ky < kh; ++ky) {
            for (Dim kx = 0; kx < kw; ++kx) {
              const Dim sy = y * options.stride + ky * options.dilation - options.padding;
              const Dim sx = x * options.stride + kx * options.dilation - options.padding;
              if (sy < 0 || sx < 0 || sy >= ih || sx >= iw) continue;
              for (Dim i = 0; i < icGroup; ++i) {
                sum += src(n, sy, sx, group * icGroup + i) * weights(o, i, ky, kx);
              }
            }
          }
          dst(n, y, x, o) = sum;
        }
      }
    }
  }
  return dst;
}

Array refLinear(const Array& src, const Array& weights, const Array& bias) {
  const Dim ic = src.size(-1);
  const Dim oc = weights.size(0);
  const Dim rows = static_cast<Dim>(src.elements()) / ic;
  const Array flat = src.reshaped({rows, ic});
  Array dst({rows, oc});
  for (Dim r = 0; r < rows; ++r) {
    for (Dim o = 0; o < oc; ++o) {
      double sum = bias.elements() == 0 ? 0.0 : bias(o);
      for (Dim i = 0; i < ic; ++i) sum += flat(r, i) * weights(o, i);
      dst(r, o) = sum;
    }
  }
  return dst.reshaped(withInnermost(src.shape(), oc));
}

Array refMatmul(const Array& a, const Array& b) {
  const Dim m = a.size(-2);
  const Dim k = a.size(-1);
  const Dim n = b.size(-1);
  const Dim batch = static_cast<Dim>(a.elements()) / (m * k);
  const Array left = a.reshaped({batch, m, k});
  const Array right = b.reshaped({batch, k, n});
  Array dst({batch, m, n});
  for (Dim item = 0; item < batch; ++item) {
    for (Dim i = 0; i < m; ++i) {
      for (Dim j = 0; j < n; ++j) {
        double sum = 0.0;
        for (Dim l = 0; l < k; ++l) sum += left(item, i, l) * right(item, l, j);
        dst(item, i, j) = sum;
      }
    }
  }
  return dst.reshaped(withInnermost(a.shape(), n));
}

Array refTransposed(const Array& a) {
  std::vector<int> order(a.shape().rank());
  std::iota(order.begin(), order.end(), 0);
  std::swap(order.at(order.size() - 1), order.at(order.size() - 2));
  return a.permuted(order);
}

Array refSoftmax(const Array& src) {
  Array dst = src;
  softmaxRows(dst, false);
  return dst;
}

Array refSoftmaxPlusOne(const Array& src) {
  Array dst = src;
  softmaxRows(dst, true);
  return dst;
}

Array refLayerNorm(const Array& src) {
  Array dst = src;
  forEachRow(dst, [](auto first, auto last) {
    const auto count = static_cast<double>(last - first);
    const double mean = std::accumulate(first, last, 0.0) / count;
    double squares = 0.0;
    for (auto x = first; x != last; ++x) squares += (*x - mean) * (*x - mean);
    const double deviation = std::sqrt(squares / count + 1e-5);
    for (auto x = first; x != last; ++x) *x = (*x - mean) / deviation;
  });
  return dst;
}

double refLogistic(double x) {
  return 1.0 / (1.0 + std::exp(-x));
}
double refGelu(double x) {
  return 0.5 * x * (1.0 + std::erf(x / std::sqrt(2.0)));
}
double refMish(double x) {
  return x * std::tanh(x > 30.0 ? x : std::log1p(std::exp(x)));
}
double refRelu(double x) {
  return std::max(x, 0.0);
}

Array refAdaptiveAveragePool(const Array& map, Dim side) {
  const Dim h = map.size(0);
  const Dim w = map.size(1);
  const auto begin = [side](Dim i, Dim size) { return i * size / side; };
  const auto end = [side](Dim i, Dim size) { return ((i + 1) * size + side - 1) / side; };
  Array dst({side, side, map.size(2)});
  for (Dim i = 0; i < side; ++i) {
    for (Dim j = 0; j < side; ++j) {
      for (Dim c = 0; c < map.size(2); ++c) {
        double sum = 0.0;
        double count = 0.0;
        for (Dim y = begin(i, h); y < end(i, h); ++y) {
          for (Dim x = begin(j, w); x < end(j, w); ++x) {
            sum += map(y, x, c);
            count += 1.0;
          }
        }
        dst(i, j, c) = sum / count;
      }
    }
  }
  return dst;
}

Array refBilinearResize(const Array& picture, Dim height, Dim width) {
  const auto sample = [](Dim i, Dim from, Dim to) {
    const double at =
        (static_cast<double>(i) + 0.5) * static_cast<double>(from) / static_cast<double>(to) - 0.5;
    return std::clamp(at, 0.0, static_cast<double>(from - 1));
  };
  Array dst({height, width});
  for (Dim y = 0; y < height; ++y) {
    for (Dim x = 0; x < width; ++x) {
      const double sy = sample(y, picture.size(0), height);
      const double sx = sample(x, picture.size(1), width);
      double sum = 0.0;
      for (Dim v = 0; v < picture.size(0); ++v) {
        for (Dim u = 0; u < picture.size(1); ++u) {
          // The hat function of bilinear interpolation around each sample.
          const double wy = std::max(0.0, 1.0 - std::abs(sy - static_cast<double>(v)));
          const double wx = std::max(0.0, 1.0 - std::abs(sx - static_cast<double>(u)));
          sum += wy * wx * picture(v, u);
        }
      }
      dst(y, x) = sum;
    }
  }
  return dst;
}

Array refDepthToSpace(const Array& src, Dim factor) {
  const Dim c = src.size(3) / (factor * factor);
  Array dst({src.size(0), src.size(1) * factor, src.size(2) * factor, c});
  for (Dim n = 0; n < dst.size(0); ++n) {
    for (Dim y = 0; y < dst.size(1); ++y) {
      for (Dim x = 0; x < dst.size(2); ++x) {
        const Dim offset = y % factor * factor + x % factor;
        for (Dim i = 0; i < c; ++i) {
          dst(n, y, x, i) = src(n, y / factor, x / factor, offset * c + i);
        }
      }
    }
  }
  return dst;
}

Array refRepeat(const Array& src, Dim factor) {
  Array dst({src.size(0), src.size(1) * factor, src.size(2) * factor, src.size(3)});
  for (Dim n = 0; n < dst.size(0); ++n) {
    for (Dim y = 0; y < dst.size(1); ++y) {
      for (Dim x = 0; x < dst.size(2); ++x) {
        for (Dim i = 0; i < dst.size(3); ++i) {
          dst(n, y, x, i) = src(n, y / factor, x / factor, i);
        }
      }
    }
  }
  return dst;
}

Array refPixelShuffle(const Array& src, Dim factor) {
  const Dim c = src.size(3) / (factor * factor);
  Array dst({src.size(0), src.size(1) * factor, src.size(2) * factor, c});
  for (Dim n = 0; n < dst.size(0); ++n) {
    for (Dim y = 0; y < dst.size(1); ++y) {
      for (Dim x = 0; x < dst.size(2); ++x) {
        const Dim offset = y % factor * factor + x % factor;
        for (Dim i = 0; i < c; ++i) {
          dst(n, y, x, i) = src(n, y / factor, x / factor, i * factor * factor + offset);
        }
      }
    }
  }
  return dst;
}

Array refPixelUnshuffle(const Array& src, Dim factor) {
  const Dim c = src.size(3);
  Array dst({src.size(0), src.size(1) / factor, src.size(2) / factor, c * factor * factor});
  for (Dim n = 0; n < src.size(0); ++n) {
    for (Dim y = 0; y < src.size(1); ++y) {
      for (Dim x = 0; x < src.size(2); ++x) {
        const Dim offset = y % factor * factor + x % factor;
        for (Dim i = 0; i < c; ++i) {
          dst(n, y / factor, x / factor, i * factor * factor + offset) = src(n, y, x, i);
        }
      }
    }
  }
  return dst;
}

Array refToWindows(const Array& src, Dim side) {
  const Dim down = src.size(1) / side;
  const Dim across = src.size(2) / side;
  Array dst({src.size(0) * down * across, side, side, src.size(3)});
  for (Dim n = 0; n < src.size(0); ++n) {
    for (Dim y = 0; y < src.size(1); ++y) {
      for (Dim x = 0; x < src.size(2); ++x) {
        const Dim window = (n * down + y / side) * across + x / side;
        for (Dim c = 0; c < src.size(3); ++c) dst(window, y % side, x % side, c) = src(n, y, x, c);
      }
    }
  }
  return dst;
}

Array refFromWindows(const Array& windows, const Shape& mapShape) {
  Array dst(mapShape);
  const Dim side = windows.size(1);
  const Dim down = dst.size(1) / side;
  const Dim across = dst.size(2) / side;
  for (Dim n = 0; n < dst.size(0); ++n) {
    for (Dim y = 0; y < dst.size(1); ++y) {
      for (Dim x = 0; x < dst.size(2); ++x) {
        const Dim window = (n * down + y / side) * across + x / side;
        for (Dim c = 0; c < dst.size(3); ++c) {
          dst(n, y, x, c) = windows(window, y % side, x % side, c);
        }
      }
    }
  }
  return dst;
}

std::vector<Dim> refArgsort(const std::vector<double>& values) {
  std::vector<Dim> order(values.size());
  std::iota(order.begin(), order.end(), Dim{0});
  std::stable_sort(order.begin(), order.end(), [&](Dim a, Dim b) {
    const double x = values[static_cast<std::size_t>(a)];
    const double y = values[static_cast<std::size_t>(b)];
    return std::isnan(y) ? !std::isnan(x) : x < y;
  });
  return order;
}

}  // namespace va::reference
