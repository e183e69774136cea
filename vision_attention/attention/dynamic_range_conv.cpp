#include "vision_attention/attention/dynamic_range_conv.h"

#include <omp.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <stdexcept>

#include "vision_attention/bfloat16.h"
#include "vision_attention/multiversion.h"
#include "vision_attention/ops/conv.h"
#include "vision_attention/ops/sort.h"
#include "vision_attention/ops/vector_math.h"

namespace va {

namespace {

/// Channels that one thread sorts at a time: a cache line of f32.
constexpr Dim kChannelBlock = 16;

struct Sizes {
  Dim mb = 0;
  Dim h = 0;
  Dim w = 0;
  Dim c = 0;
  Dim sorted = 0;

  Dim positions() const { return h * w; }
  Dim blocks() const { return (sorted + kChannelBlock - 1) / kChannelBlock; }
};

template <typename S>
VA_INLINE void widenBlock(const S* src, Dim positions, Dim stride, Dim channels, float* dst) {
  for (Dim p = 0; p < positions; ++p) {
    for (Dim i = 0; i < channels; ++i) {
      dst[p * kChannelBlock + i] = static_cast<float>(src[p * stride + i]);
    }
  }
}

VA_MULTIVERSION void loadBlock(const float* src, Dim positions, Dim stride, Dim channels,
                               float* dst) {
  widenBlock(src, positions, stride, channels, dst);
}
VA_MULTIVERSION void loadBlock(const BFloat16* src, Dim positions, Dim stride, Dim channels,
                               float* dst) {
  widenBlock(src, positions, stride, channels, dst);
}

template <typename S, typename D>
VA_INLINE void convertRows(const S* src, Dim positions, Dim stride, Dim count, D* dst) {
  for (Dim p = 0; p < positions; ++p) {
    for (Dim i = 0; i < count; ++i) {
      store(dst + p * stride + i, static_cast<float>(src[p * stride + i]));
    }
  }
}

/// Columns [0, count) of rows that are `stride` apart.
VA_MULTIVERSION void copyRows(const float* src, Dim positions, Dim stride, Dim count, float* dst) {
  convertRows(src, positions, stride, count, dst);
}
VA_MULTIVERSION void copyRows(const float* src, Dim positions, Dim stride, Dim count,
                              BFloat16* dst) {
  convertRows(src, positions, stride, count, dst);
}
VA_MULTIVERSION void copyRows(const BFloat16* src, Dim positions, Dim stride, Dim count,
                              BFloat16* dst) {
  convertRows(src, positions, stride, count, dst);
}

class DynamicRangeSort final : public Operator {
 public:
  DynamicRangeSort(Sizes sizes, SortOrder order, DataType srcType, DataType dstType)
      : sizes_(sizes), order_(order), srcType_(srcType), dstType_(dstType) {}

  void prepare(const Engine& engine, bool /*inPlace*/) override { threads_ = engine.threads(); }

  std::size_t scratchBytes() const override {
    return static_cast<std::size_t>(threads_) * threadBytes();
  }

  void bind(const Engine& /*engine*/, const Buffers& buffers) override { buffers_ = buffers; }

  void run(const Engine& /*engine*/) override {
    if (srcType_ == DataType::BF16) {
      runAs<BFloat16, BFloat16>();
    } else {
      dstType_ == DataType::F32 ? runAs<float, float>() : runAs<float, BFloat16>();
    }
  }

  std::string kind() const override { return "sort"; }

 private:
  struct Scratch {
    float* values;      ///< [positions, kChannelBlock], as all but keys
    float* halfSorted;  ///< after the first side
    std::int32_t* first;
    std::int32_t* second;
    std::byte* keys;
  };

  std::size_t blockBytes() const {
    return static_cast<std::size_t>(sizes_.positions() * kChannelBlock) * sizeof(float);
  }

  std::size_t threadBytes() const {
    const std::size_t keys = argsortScratchBytes(std::max(sizes_.h, sizes_.w));
    return 4 * blockBytes() + (keys + 63) / 64 * 64;
  }

  Scratch scratchOf(int thread) const {
    std::byte* const base = buffers_.scratch + static_cast<std::size_t>(thread) * threadBytes();
    return {reinterpret_cast<float*>(base), reinterpret_cast<float*>(base + blockBytes()),
            reinterpret_cast<std::int32_t*>(base + 2 * blockBytes()),
            reinterpret_cast<std::int32_t*>(base + 3 * blockBytes()), base + 4 * blockBytes()};
  }

  /// Argsort of every column or every row of a block; indices run along that side.
  void sortSide(bool columns, const float* values, Dim channels, std::int32_t* indices,
                std::byte* keys) const {
    const Dim step = kChannelBlock;
    const Dim stride = columns ? sizes_.w * step : step;
    const Dim count = columns ? sizes_.h : sizes_.w;
    const Dim sequences = columns ? sizes_.w : sizes_.h;
    const Dim next = columns ? step : sizes_.w * step;
    for (Dim i = 0; i < sequences; ++i) {
      argsort(values + i * next, stride, count, channels, {indices + i * next, stride, 1}, keys);
    }
  }

  template <typename S, typename D>
  void sortBlock(const S* src, Dim channels, D* dst, std::int32_t* origin,
                 const Scratch& scratch) const {
    const Sizes s = sizes_;
    const bool columnsFirst = order_ == SortOrder::HeightWidth;
    loadBlock(src, s.positions(), s.c, channels, scratch.values);
    sortSide(columnsFirst, scratch.values, channels, scratch.first, scratch.keys);
    for (Dim y = 0; y < s.h; ++y) {
      for (Dim x = 0; x < s.w; ++x) {
        const Dim p = (y * s.w + x) * kChannelBlock;
        for (Dim i = p; i < p + channels; ++i) {
          const Dim from = columnsFirst ? scratch.first[i] * s.w + x : y * s.w + scratch.first[i];
          scratch.halfSorted[i] = scratch.values[from * kChannelBlock + i - p];
          scratch.first[i] = static_cast<std::int32_t>(from);
        }
      }
    }
    sortSide(!columnsFirst, scratch.halfSorted, channels, scratch.second, scratch.keys);
    for (Dim y = 0; y < s.h; ++y) {
      for (Dim x = 0; x < s.w; ++x) {
        const Dim p = y * s.w + x;
        for (Dim i = 0; i < channels; ++i) {
          const Dim index = scratch.second[p * kChannelBlock + i];
          const Dim half = columnsFirst ? y * s.w + index : index * s.w + x;
          const std::int32_t from = scratch.first[half * kChannelBlock + i];
          origin[p * s.sorted + i] = from;
          store(dst + p * s.c + i, scratch.values[from * kChannelBlock + i]);
        }
      }
    }
  }

  template <typename S, typename D>
  void runAs() {
    const S* const src = reinterpret_cast<const S*>(buffers_.src[0]);
    D* const dst = reinterpret_cast<D*>(buffers_.dst[0]);
    auto* const origin = reinterpret_cast<std::int32_t*>(buffers_.dst[1]);
    const Sizes s = sizes_;
    // One more item per map copies the channels that stay as they are.
    const Dim items = s.blocks() + 1;
#pragma omp parallel for schedule(static) num_threads(threads_)
    for (Dim item = 0; item < s.mb * items; ++item) {
      const Dim map = item / items * s.positions();
      const Dim channel = item % items * kChannelBlock;
      if (item % items == s.blocks()) {
        const Dim from = map * s.c + s.sorted;
        copyRows(src + from, s.positions(), s.c, s.c - s.sorted, dst + from);
      } else {
        sortBlock(src + map * s.c + channel, std::min(kChannelBlock, s.sorted - channel),
                  dst + map * s.c + channel, origin + map * s.sorted + channel,
                  scratchOf(omp_get_thread_num()));
      }
    }
  }

  Sizes sizes_;
  SortOrder order_;
  DataType srcType_;
  DataType dstType_;
  int threads_ = 1;
  Buffers buffers_;
};

class DynamicRangeUnsort final : public Operator {
 public:
  DynamicRangeUnsort(Sizes sizes, DataType type) : sizes_(sizes), type_(type) {}

  void prepare(const Engine& /*engine*/, bool /*inPlace*/) override {}
  void bind(const Engine& /*engine*/, const Buffers& buffers) override { buffers_ = buffers; }

  void run(const Engine& /*engine*/) override {
    type_ == DataType::F32 ? runAs<float>() : runAs<BFloat16>();
  }

  std::string kind() const override { return "sort"; }

 private:
  template <typename T>
  void runAs() {
    const T* const src = reinterpret_cast<const T*>(buffers_.src[0]);
    const auto* const origin = reinterpret_cast<const std::int32_t*>(buffers_.src[1]);
    T* const dst = reinterpret_cast<T*>(buffers_.dst[0]);
    const Sizes s = sizes_;
    const Dim items = s.blocks() + 1;
#pragma omp parallel for schedule(static)
    for (Dim item = 0; item < s.mb * items; ++item) {
      const Dim map = item / items * s.positions();
      if (item % items == s.blocks()) {
        const Dim from = map * s.c + s.sorted;
        copyRows(src + from, s.positions(), s.c, s.c - s.sorted, dst + from);
        continue;
      }
      const Dim begin = item % items * kChannelBlock;
      const Dim end = std::min(begin + kChannelBlock, s.sorted);
      for (Dim p = map; p < map + s.positions(); ++p) {
        for (Dim c = begin; c < end; ++c) {
          dst[(map + origin[p * s.sorted + c]) * s.c + c] = src[p * s.c + c];
        }
      }
    }
  }

  Sizes sizes_;
  DataType type_;
  Buffers buffers_;
};

bool isMap(const Tensor& tensor) {
  return tensor.shape.rank() == 4 &&
         (tensor.type == DataType::F32 || tensor.type == DataType::BF16);
}

}  // namespace

SortedMap dynamicRangeSort(GraphBuilder& graph, const std::string& name, const Tensor& src,
                           const DynamicRangeSortOptions& options) {
  const auto fail = [&] {
    throw std::invalid_argument("dynamic-range sort '" + name + "': src is " +
                                src.shape.toString() + " " + toString(src.type) + ", " +
                                std::to_string(options.channels) + " channels to sort");
  };
  if (!isMap(src) || options.channels < 0 || options.channels > src.shape[3]) fail();
  const Sizes sizes{src.shape[0], src.shape[1], src.shape[2], src.shape[3], options.channels};
  if (sizes.positions() > std::numeric_limits<std::int32_t>::max()) fail();
  const DataType dstType = graph.activationType();
  if (src.type == DataType::BF16 && dstType == DataType::F32) fail();
  const auto tensors = graph.add(
      name, std::make_unique<DynamicRangeSort>(sizes, options.order, src.type, dstType), {src},
      {{src.shape, dstType}, {{sizes.mb, sizes.h, sizes.w, sizes.sorted}, DataType::S32}});
  return {tensors[0], tensors[1]};
}

Tensor dynamicRangeUnsort(GraphBuilder& graph, const std::string& name, const Tensor& src,
                          const Tensor& origin) {
  const bool fits = isMap(src) && origin.shape.rank() == 4 && origin.type == DataType::S32 &&
                    origin.shape[0] == src.shape[0] && origin.shape[1] == src.shape[1] &&
                    origin.shape[2] == src.shape[2] && origin.shape[3] <= src.shape[3];
  if (!fits) {
    throw std::invalid_argument("dynamic-range unsort '" + name + "': src is " +
                                src.shape.toString() + ", origin is " + origin.shape.toString() +
                                " " + toString(origin.type));
  }
  const Sizes sizes{src.shape[0], src.shape[1], src.shape[2], src.shape[3], origin.shape[3]};
  return graph.add(name, std::make_unique<DynamicRangeUnsort>(sizes, src.type), {src, origin},
                   src.shape, src.type);
}

Tensor dynamicRangeConv(GraphBuilder& graph, const Tensor& src, const std::string& scope,
                        const DynamicRangeConvOptions& options) {
  if (!(options.fraction >= 0.0 && options.fraction <= 1.0)) {
    throw std::invalid_argument("dynamic-range convolution '" + scope + "': fraction is " +
                                std::to_string(options.fraction) + ", expected 0 to 1");
  }
  const Dim c = src.shape[-1];
  const Dim sorted = static_cast<Dim>(std::floor(options.fraction * static_cast<double>(c)));
  const SortedMap input =
      dynamicRangeSort(graph, scope + ".sort", src, {.channels = sorted, .order = options.order});
  const Tensor mixed = conv(graph, input.map, scope + ".pointwise",
                            {.outputChannels = c, .kernel = 1, .bias = false});
  const Tensor filtered = conv(graph, mixed, scope + ".depthwise",
                               {.outputChannels = c,
                                .kernel = options.kernel,
                                .dilation = options.dilation,
                                .groups = c,
                                .bias = false});
  return dynamicRangeUnsort(graph, scope + ".unsort", filtered, input.origin);
}

}  // namespace va
