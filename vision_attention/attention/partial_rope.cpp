#include "vision_attention/attention/partial_rope.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <stdexcept>

#include "vision_attention/ops/token_rows.h"

namespace va {

namespace {

/// The rotations that one coordinate causes: entry e turns channels first[e] and second[e] of a
/// token at coordinate p by the angle whose cosine is cosines[p * columns + column[e]].
struct Axis {
  std::vector<Dim> first;
  std::vector<Dim> second;
  std::vector<Dim> column;
  Dim columns = 0;
  std::vector<float> cosines;
  std::vector<float> sines;
};

Axis makeAxis(Dim size, Dim origin, const std::vector<double>& frequencies) {
  Axis axis;
  axis.columns = static_cast<Dim>(frequencies.size());
  for (Dim p = 0; p < size; ++p) {
    for (const double frequency : frequencies) {
      const double angle = static_cast<double>(p + origin) * frequency;
      axis.cosines.push_back(static_cast<float>(std::cos(angle)));
      axis.sines.push_back(static_cast<float>(std::sin(angle)));
    }
  }
  return axis;
}

struct Channels {
  Dim first = 0;
  Dim second = 0;
};

Channels channelsOf(Dim pair, Dim d, RopePairing pairing) {
  if (pairing == RopePairing::Interleaved) return {2 * pair, 2 * pair + 1};
  return {pair, pair + d / 2};
}

template <typename T>
class PartialRope final : public Operator {
 public:
  PartialRope(Dim mb, Dim n, Dim c, Dim width, std::vector<Axis> axes)
      : mb_(mb), n_(n), c_(c), width_(width), axes_(std::move(axes)) {}

  void prepare(const Engine& engine, bool inPlace) override {
    threads_ = engine.threads();
    inPlace_ = inPlace;
  }
  void bind(const Engine& /*engine*/, const Buffers& buffers) override { buffers_ = buffers; }

  void run(const Engine& /*engine*/) override {
    const T* const src = reinterpret_cast<const T*>(buffers_.src[0]);
    T* const dst = reinterpret_cast<T*>(buffers_.dst[0]);
#pragma omp parallel for schedule(static) num_threads(threads_)
    for (Dim row = 0; row < mb_ * n_; ++row) {
      if (!inPlace_) copyRows(src + row * c_, c_, 1, c_, dst + row * c_, c_);
      const Dim token = row % n_;
      // The last axis is the one that changes from token to token.
      const Dim fast = width_ == 0 ? token : token % width_;
      if (axes_.size() == 2) turn(axes_[0], token / width_, dst + row * c_);
      turn(axes_.back(), fast, dst + row * c_);
    }
  }

  int inPlaceSource() const override {
    return 0;
  }
  std::string kind() const override {
    return "rope";
  }
  std::uint64_t macs() const override {
    std::size_t entries = 0;
    for (const Axis& axis : axes_) entries += axis.first.size();
    return static_cast<std::uint64_t>(mb_ * n_) * 4U * entries;
  }

 private:
  static void turn(const Axis& axis, Dim position, T* row) {
    const float* const cosines = axis.cosines.data() + position * axis.columns;
    const float* const sines = axis.sines.data() + position * axis.columns;
    for (std::size_t e = 0; e < axis.first.size(); ++e) {
      const float a = static_cast<float>(row[axis.first[e]]);
      const float b = static_cast<float>(row[axis.second[e]]);
      const float cosine = cosines[axis.column[e]];
      const float sine = sines[axis.column[e]];
      row[axis.first[e]] = T(a * cosine - b * sine);
      row[axis.second[e]] = T(a * sine + b * cosine);
    }
  }

  Dim mb_;
  Dim n_;
  Dim c_;
  Dim width_;
  std::vector<Axis> axes_;
  int threads_ = 1;
  bool inPlace_ = false;
  Buffers buffers_;
};

/// Adds the rotation of one pair of one head to an axis.
void addEntry(Axis& axis, Dim head, Dim d, Dim pair, RopePairing pairing, Dim column) {
  const Channels channels = channelsOf(pair, d, pairing);
  axis.first.push_back(head * d + channels.first);
  axis.second.push_back(head * d + channels.second);
  axis.column.push_back(column);
}

struct Plan {
  Dim n = 0;
  Dim d = 0;
  std::vector<Dim> pairs;  ///< [heads, rotated / 2]
};

std::vector<Axis> sequenceAxes(const Plan& plan, const PartialRopeOptions& o) {
  const double base = o.base == 0.0 ? 10000.0 : o.base;
  std::vector<double> frequencies;
  for (Dim i = 0; i < plan.d / 2; ++i) {
    frequencies.push_back(
        std::pow(base, -2.0 * static_cast<double>(i) / static_cast<double>(plan.d)));
  }
  Axis axis = makeAxis(plan.n, o.originX, frequencies);
  const Dim perHead = static_cast<Dim>(plan.pairs.size()) / o.heads;
  for (Dim i = 0; i < static_cast<Dim>(plan.pairs.size()); ++i) {
    const Dim pair = plan.pairs[static_cast<std::size_t>(i)];
    addEntry(axis, i / perHead, plan.d, pair, o.pairing, pair);
  }
  return {axis};
}

std::vector<Axis> axialAxes(const Plan& plan, const PartialRopeOptions& o) {
  const double base = o.base == 0.0 ? 100.0 : o.base;
  const Dim quarter = plan.d / 4;
  std::vector<double> frequencies;
  for (Dim i = 0; i < quarter; ++i) {
    frequencies.push_back(
        std::pow(base, -4.0 * static_cast<double>(i) / static_cast<double>(plan.d)));
  }
  std::vector<Axis> axes{makeAxis(plan.n / o.width, o.originY, frequencies),
                         makeAxis(o.width, o.originX, frequencies)};
  const Dim perHead = static_cast<Dim>(plan.pairs.size()) / o.heads;
  for (Dim i = 0; i < static_cast<Dim>(plan.pairs.size()); ++i) {
    const Dim pair = plan.pairs[static_cast<std::size_t>(i)];
    addEntry(axes[pair < quarter ? 1 : 0], i / perHead, plan.d, pair, o.pairing, pair % quarter);
  }
  return axes;
}

std::vector<Axis> mixedAxes(const Plan& plan, const PartialRopeOptions& o,
                            const std::vector<float>& frequencies) {
  // A turn by fx x + fy y is a turn by fy y after one by fx x.
  std::vector<std::vector<double>> perAxis(2);
  const Dim perHead = static_cast<Dim>(plan.pairs.size()) / o.heads;
  const auto at = [&](Dim i) {
    return (i / perHead * (plan.d / 2) + plan.pairs[static_cast<std::size_t>(i)]) * 2;
  };
  const Dim count = static_cast<Dim>(plan.pairs.size());
  for (Dim i = 0; i < count; ++i) {
    perAxis[0].push_back(static_cast<double>(frequencies[static_cast<std::size_t>(at(i) + 1)]));
    perAxis[1].push_back(static_cast<double>(frequencies[static_cast<std::size_t>(at(i))]));
  }
  std::vector<Axis> axes{makeAxis(plan.n / o.width, o.originY, perAxis[0]),
                         makeAxis(o.width, o.originX, perAxis[1])};
  for (Axis& axis : axes) {
    for (Dim i = 0; i < count; ++i) {
      addEntry(axis, i / perHead, plan.d, plan.pairs[static_cast<std::size_t>(i)], o.pairing, i);
    }
  }
  return axes;
}

}  // namespace

std::vector<Dim> ropePairs(Dim d, Dim rotated, RopeSelection selection, RopePositions positions) {
  const Dim groups = positions == RopePositions::Axial ? 2 : 1;
  const Dim all = d / 2 / groups;
  const Dim taken = rotated / 2 / groups;
  std::vector<Dim> pairs;
  for (Dim group = 0; group < groups; ++group) {
    for (Dim i = 0; i < taken; ++i) {
      Dim pair = i;
      if (selection == RopeSelection::Low) pair = all - taken + i;
      if (selection == RopeSelection::Uniform) pair = i * all / taken;
      pairs.push_back(group * all + pair);
    }
  }
  return pairs;
}

std::vector<Dim> ropePairsByNorm(std::span<const float> q, std::span<const float> k, Dim heads,
                                 Dim d, Dim rotated, RopePairing pairing) {
  const Dim c = heads * d;
  if (heads < 1 || d < 2 || d % 2 != 0 || rotated < 0 || rotated > d || rotated % 2 != 0 ||
      q.size() != k.size() || q.size() % static_cast<std::size_t>(c) != 0) {
    throw std::invalid_argument("rope pairs: " + std::to_string(q.size()) + " and " +
                                std::to_string(k.size()) + " values, " + std::to_string(heads) +
                                " heads of " + std::to_string(d) + ", " + std::to_string(rotated) +
                                " rotated");
  }
  std::vector<Dim> result;
  for (Dim head = 0; head < heads; ++head) {
    std::vector<double> norms(static_cast<std::size_t>(d / 2), 0.0);
    for (Dim pair = 0; pair < d / 2; ++pair) {
      const Channels channels = channelsOf(pair, d, pairing);
      for (Dim row = 0; row < static_cast<Dim>(q.size()) / c; ++row) {
        const auto norm = [&](std::span<const float> x) {
          const auto at = static_cast<std::size_t>(row * c + head * d);
          return std::hypot(static_cast<double>(x[at + static_cast<std::size_t>(channels.first)]),
                            static_cast<double>(x[at + static_cast<std::size_t>(channels.second)]));
        };
        norms[static_cast<std::size_t>(pair)] += norm(q) * norm(k);
      }
    }
    std::vector<Dim> order(static_cast<std::size_t>(d / 2));
    std::iota(order.begin(), order.end(), 0);
    std::stable_sort(order.begin(), order.end(), [&](Dim a, Dim b) {
      return norms[static_cast<std::size_t>(a)] > norms[static_cast<std::size_t>(b)];
    });
    order.resize(static_cast<std::size_t>(rotated / 2));
    std::sort(order.begin(), order.end());
    result.insert(result.end(), order.begin(), order.end());
  }
  return result;
}

Tensor partialRope(GraphBuilder& graph, const Tensor& src, const std::string& scope,
                   const PartialRopeOptions& options) {
  const auto fail = [&](const std::string& what) {
    throw std::invalid_argument("rope '" + scope + "': " + what);
  };
  if (src.shape.rank() != 3 || src.type != graph.activationType() || options.heads < 1 ||
      src.shape[2] % options.heads != 0) {
    fail("src is " + src.shape.toString() + " " + toString(src.type) + " in " +
         std::to_string(options.heads) + " heads");
  }
  Plan plan;
  plan.n = src.shape[1];
  plan.d = src.shape[2] / options.heads;
  const bool grid = options.positions != RopePositions::Sequence;
  if (options.rotated == 0) return src;
  const Dim unit = options.positions == RopePositions::Axial ? 4 : 2;
  const Dim rotated = options.rotated < 0 ? plan.d / 2 : options.rotated;
  if (plan.d % unit != 0 || rotated > plan.d || rotated % (options.pairs.empty() ? unit : 2) != 0) {
    fail(std::to_string(rotated) + " of " + std::to_string(plan.d) +
         " channels turn, expected multiples of " + std::to_string(unit));
  }
  if (grid && (options.width < 1 || plan.n % options.width != 0)) {
    fail(std::to_string(plan.n) + " tokens in rows of " + std::to_string(options.width));
  }
  if (!(options.base >= 0.0)) fail("base is " + std::to_string(options.base));
  plan.pairs = options.pairs;
  if (plan.pairs.empty()) {
    const auto pairs = ropePairs(plan.d, rotated, options.selection, options.positions);
    for (Dim head = 0; head < options.heads; ++head) {
      plan.pairs.insert(plan.pairs.end(), pairs.begin(), pairs.end());
    }
  } else if (static_cast<Dim>(plan.pairs.size()) != options.heads * rotated / 2 ||
             std::ranges::any_of(plan.pairs, [&](Dim p) { return p < 0 || p >= plan.d / 2; })) {
    fail(std::to_string(plan.pairs.size()) + " pairs given, expected " +
         Shape{options.heads, rotated / 2}.toString() + " below " + std::to_string(plan.d / 2));
  }
  if (plan.pairs.empty()) return src;
  std::vector<Axis> axes;
  switch (options.positions) {
    case RopePositions::Sequence:
      axes = sequenceAxes(plan, options);
      break;
    case RopePositions::Axial:
      axes = axialAxes(plan, options);
      break;
    case RopePositions::Mixed:
      axes = mixedAxes(plan, options,
                       graph.weight(scope + ".frequencies", {options.heads, plan.d / 2, 2}));
      break;
  }
  const Dim width = grid ? options.width : 0;
  std::unique_ptr<Operator> op;
  if (src.type == DataType::BF16) {
    op = std::make_unique<PartialRope<BFloat16>>(src.shape[0], plan.n, src.shape[2], width,
                                                 std::move(axes));
  } else {
    op = std::make_unique<PartialRope<float>>(src.shape[0], plan.n, src.shape[2], width,
                                              std::move(axes));
  }
  return graph.add(scope + ".rope", std::move(op), {src}, src.shape, src.type);
}

}  // namespace va
