#include "vision_attention/ops/sort.h"

#include <algorithm>
#include <bit>
#include <limits>
#include <utility>

#include "vision_attention/multiversion.h"

namespace va {

namespace {

// A key holds the value's order in its upper and the value's index in its lower half: all keys
// differ, so any sorting network gives the stable order.
constexpr Dim kLanes = 8;
using Keys __attribute__((vector_size(kLanes * sizeof(std::int64_t)))) = std::int64_t;
constexpr std::int64_t kPadding = std::numeric_limits<std::int64_t>::max();

constexpr Dim kLongestNetwork = 4096;
constexpr Dim kRegisterBlock = 16;

/// Integer with the order of the value: -0 as +0, every NaN as the largest.
VA_INLINE std::int32_t orderOf(float value) {
  const std::int32_t bits = std::bit_cast<std::int32_t>(value + 0.0F);
  const std::int32_t ordered = bits ^ ((bits >> 31) & 0x7FFFFFFF);
  return value != value ? 0x7FFFFFFF : ordered;
}

VA_INLINE void compareExchange(Keys& a, Keys& b) {
  const Keys low = a < b ? a : b;
  b = a < b ? b : a;
  a = low;
}

/// N consecutive keys in registers: every index is a constant after unrolling.
template <int N>
class RegisterBlock {
 public:
  VA_INLINE explicit RegisterBlock(const Keys* keys) {
#pragma GCC unroll 16
    for (std::size_t i = 0; i < N; ++i) keys_[i] = keys[i];
  }

  VA_INLINE void store(Keys* keys) const {
#pragma GCC unroll 16
    for (std::size_t i = 0; i < N; ++i) keys[i] = keys_[i];
  }

  /// Batcher's odd-even merge sort.
  VA_INLINE void sort() {
#pragma GCC unroll 16
    for (int p = 1; p < N; p *= 2) {
#pragma GCC unroll 16
      for (int q = p; q >= 1; q /= 2) {
#pragma GCC unroll 16
        for (int j = q % p; j + q < N; j += 2 * q) {
#pragma GCC unroll 16
          for (int i = j; i < j + q; ++i) {
            if (i + q < N && i / (2 * p) == (i + q) / (2 * p)) {
              compareExchange(keys_[i], keys_[i + q]);
            }
          }
        }
      }
    }
  }

  /// The last steps of a bitonic merge, strides N / 2 to 1.
  VA_INLINE void merge() {
#pragma GCC unroll 16
    for (int stride = N / 2; stride >= 1; stride /= 2) {
#pragma GCC unroll 16
      for (int i = 0; i < N; ++i) {
        if ((i & stride) == 0) compareExchange(keys_[i], keys_[i + stride]);
      }
    }
  }

 private:
  Keys keys_[static_cast<std::size_t>(N)];
};

template <int N>
VA_INLINE void sortInRegisters(Keys* keys) {
  RegisterBlock<N> block(keys);
  block.sort();
  block.store(keys);
}

template <int N>
VA_INLINE void mergeInRegisters(Keys* keys) {
  RegisterBlock<N> block(keys);
  block.merge();
  block.store(keys);
}

VA_MULTIVERSION void sortTwo(Keys* keys) {
  sortInRegisters<2>(keys);
}
VA_MULTIVERSION void sortFour(Keys* keys) {
  sortInRegisters<4>(keys);
}
VA_MULTIVERSION void sortEight(Keys* keys) {
  sortInRegisters<8>(keys);
}

VA_MULTIVERSION void sortBlocks(Keys* keys, Dim count) {
  for (Dim i = 0; i < count; i += kRegisterBlock) sortInRegisters<kRegisterBlock>(keys + i);
}

/// Two strides of a merge at once; `mirrored` takes the first of them from both ends.
VA_INLINE void mergeFour(Keys& a, Keys& b, Keys& c, Keys& d, bool mirrored) {
  compareExchange(a, c);
  compareExchange(b, d);
  compareExchange(a, b);
  if (mirrored) {
    compareExchange(d, c);
  } else {
    compareExchange(c, d);
  }
}

/// Merges neighbours of size / 2 sorted keys each, for all of `count` keys; size >= 32.
VA_MULTIVERSION void mergeRuns(Keys* keys, Dim count, Dim size) {
  for (Keys* run = keys; run < keys + count; run += size) {
    const Dim quarter = size / 4;
    for (Dim i = 0; i < quarter; ++i) {
      mergeFour(run[i], run[i + quarter], run[size - 1 - i], run[size - 1 - i - quarter], true);
    }
    Dim stride = size / 8;
    for (; stride >= 2 * kRegisterBlock; stride /= 4) {
      const Dim half = stride / 2;
      for (Dim from = 0; from < size; from += 2 * stride) {
        for (Dim i = from; i < from + half; ++i) {
          mergeFour(run[i], run[i + half], run[i + stride], run[i + stride + half], false);
        }
      }
    }
    if (stride == kRegisterBlock) {
      for (Dim from = 0; from < size; from += 2 * stride) {
        for (Dim i = from; i < from + stride; ++i) compareExchange(run[i], run[i + stride]);
      }
      stride /= 2;
    }
    if (stride == kRegisterBlock / 2) {
      for (Dim i = 0; i < size; i += kRegisterBlock) mergeInRegisters<kRegisterBlock>(run + i);
    } else {
      for (Dim i = 0; i < size; i += kRegisterBlock / 2) {
        mergeInRegisters<kRegisterBlock / 2>(run + i);
      }
    }
  }
}

void sortNetwork(Keys* keys, Dim count) {
  if (count < 2) return;
  if (count == 2) return sortTwo(keys);
  if (count == 4) return sortFour(keys);
  if (count == 8) return sortEight(keys);
  sortBlocks(keys, count);
  for (Dim size = 2 * kRegisterBlock; size <= count; size *= 2) mergeRuns(keys, count, size);
}

VA_MULTIVERSION void packKeys(const float* src, Dim stride, Dim count, std::int64_t* keys) {
  for (Dim i = 0; i < count; ++i) {
    for (Dim l = 0; l < kLanes; ++l) {
      keys[i * kLanes + l] =
          static_cast<std::int64_t>(orderOf(src[i * stride + l])) * (std::int64_t{1} << 32) + i;
    }
  }
}

/// The same for the last lanes, fewer than kLanes.
void packSomeKeys(const float* src, Dim stride, Dim count, Dim lanes, std::int64_t* keys) {
  for (Dim i = 0; i < count; ++i) {
    for (Dim l = 0; l < kLanes; ++l) {
      const float value = l < lanes ? src[i * stride + l] : 0.0F;
      keys[i * kLanes + l] =
          static_cast<std::int64_t>(orderOf(value)) * (std::int64_t{1} << 32) + i;
    }
  }
}

VA_MULTIVERSION void unpackSideBySide(const std::int64_t* keys, Dim count, std::int32_t* indices,
                                      Dim stride) {
  for (Dim r = 0; r < count; ++r) {
    for (Dim l = 0; l < kLanes; ++l) {
      indices[r * stride + l] = static_cast<std::int32_t>(keys[r * kLanes + l] & 0xFFFFFFFF);
    }
  }
}

void unpack(const std::int64_t* keys, Dim count, Dim lanes, const SortedOrder& order) {
  for (Dim l = 0; l < lanes; ++l) {
    std::int32_t* const indices = order.indices + l * order.laneStride;
    for (Dim r = 0; r < count; ++r) {
      indices[r * order.rankStride] = static_cast<std::int32_t>(keys[r * kLanes + l] & 0xFFFFFFFF);
    }
  }
}

/// Least significant digit first: stable, two buffers of (order, index), four passes of which
/// those whose digit is the same everywhere are left out.
void sortRadix(const float* src, Dim stride, Dim count, std::int32_t* indices, Dim rankStride,
               std::byte* scratch) {
  struct Item {
    std::uint32_t order;
    std::int32_t index;
  };
  constexpr Dim kDigits = 4;
  constexpr Dim kValues = 256;
  Item* from = reinterpret_cast<Item*>(scratch);
  Item* to = from + count;
  Dim histogram[kDigits][kValues] = {};
  for (Dim i = 0; i < count; ++i) {
    const auto bits = static_cast<std::uint32_t>(orderOf(src[i * stride])) ^ 0x80000000U;
    from[i] = {bits, static_cast<std::int32_t>(i)};
    for (Dim d = 0; d < kDigits; ++d) ++histogram[d][(bits >> (8 * d)) & 0xFFU];
  }
  for (Dim d = 0; d < kDigits; ++d) {
    Dim* const counts = histogram[d];
    if (counts[(from[0].order >> (8 * d)) & 0xFFU] == count) continue;
    Dim position = 0;
    for (Dim value = 0; value < kValues; ++value) {
      position += std::exchange(counts[value], position);
    }
    for (Dim i = 0; i < count; ++i) to[counts[(from[i].order >> (8 * d)) & 0xFFU]++] = from[i];
    std::swap(from, to);
  }
  for (Dim r = 0; r < count; ++r) indices[r * rankStride] = from[r].index;
}

}  // namespace

std::size_t argsortScratchBytes(Dim count) {
  const auto n = static_cast<std::size_t>(std::max<Dim>(count, 1));
  if (count > kLongestNetwork) return 2 * n * sizeof(std::int64_t);
  return std::bit_ceil(n) * sizeof(Keys);
}

void argsort(const float* src, Dim stride, Dim count, Dim lanes, const SortedOrder& order,
             std::byte* scratch) {
  if (count < 1) return;
  if (count > kLongestNetwork) {
    for (Dim l = 0; l < lanes; ++l) {
      sortRadix(src + l, stride, count, order.indices + l * order.laneStride, order.rankStride,
                scratch);
    }
    return;
  }
  auto* const keys = reinterpret_cast<std::int64_t*>(scratch);
  const Dim padded = static_cast<Dim>(std::bit_ceil(static_cast<std::size_t>(count)));
  for (Dim l = 0; l < lanes; l += kLanes) {
    const Dim some = std::min(kLanes, lanes - l);
    if (some == kLanes) {
      packKeys(src + l, stride, count, keys);
    } else {
      packSomeKeys(src + l, stride, count, some, keys);
    }
    std::fill(keys + count * kLanes, keys + padded * kLanes, kPadding);
    sortNetwork(reinterpret_cast<Keys*>(scratch), padded);
    if (some == kLanes && order.laneStride == 1) {
      unpackSideBySide(keys, count, order.indices + l, order.rankStride);
    } else {
      unpack(keys, count, some,
             {order.indices + l * order.laneStride, order.rankStride, order.laneStride});
    }
  }
}

}  // namespace va
