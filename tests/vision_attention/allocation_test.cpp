#include <gtest/gtest.h>
#include <malloc.h>

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <new>

#include "tests/support/graph_runner.h"
#include "tests/support/random.h"
#include "tests/support/random_weights.h"
#include "vision_attention/attention/dynamic_range_conv.h"
#include "vision_attention/attention/se_cbam.h"
#include "vision_attention/network.h"
#include "vision_attention/ops/depth_to_space.h"
#include "vision_attention/ops/row_softmax.h"
#include "vision_attention/ops/window.h"

namespace {

std::atomic<std::size_t> allocations{0};
std::atomic<std::size_t> liveBytes{0};
std::atomic<std::size_t> peakBytes{0};

void* allocate(std::size_t bytes, std::size_t alignment) {
  bytes = std::max<std::size_t>(bytes, 1);
  void* const memory =
      alignment <= alignof(std::max_align_t)
          ? std::malloc(bytes)
          : std::aligned_alloc(alignment, (bytes + alignment - 1) / alignment * alignment);
  if (memory == nullptr) throw std::bad_alloc();
  ++allocations;
  const std::size_t usable = malloc_usable_size(memory);
  const std::size_t live = liveBytes.fetch_add(usable) + usable;
  std::size_t peak = peakBytes;
  while (peak < live && !peakBytes.compare_exchange_weak(peak, live)) {
  }
  return memory;
}

void release(void* memory) {
  liveBytes -= malloc_usable_size(memory);
  std::free(memory);
}

}  // namespace

// Every allocation by C++ code in this process, oneDNN's included, passes here.
void* operator new(std::size_t bytes) {
  return allocate(bytes, 1);
}
void* operator new(std::size_t bytes, std::align_val_t alignment) {
  return allocate(bytes, static_cast<std::size_t>(alignment));
}
// Sanitizers bring versions of their own that would not match the operators delete below.
void* operator new(std::size_t bytes, const std::nothrow_t&) noexcept {
  try {
    return allocate(bytes, 1);
  } catch (const std::bad_alloc&) {
    return nullptr;
  }
}
void operator delete(void* memory) noexcept {
  release(memory);
}
void operator delete(void* memory, std::size_t) noexcept {
  release(memory);
}
void operator delete(void* memory, std::align_val_t) noexcept {
  release(memory);
}
void operator delete(void* memory, std::size_t, std::align_val_t) noexcept {
  release(memory);
}

namespace va::test {
namespace {

struct Usage {
  std::size_t allocations = 0;
  std::size_t peak = 0;  ///< bytes above what was allocated before the run
  std::size_t left = 0;  ///< bytes that the run did not give back
};

Usage usageOf(Graph& graph) {
  graph.run();  // the first run may start OpenMP's threads
  const std::size_t count = allocations;
  const std::size_t live = liveBytes;
  peakBytes = live;
  graph.run();
  return {allocations - count, peakBytes - live, liveBytes - live};
}

TEST(Allocation, OurOwnOperatorsAllocateNothing) {
  Random random(601);
  const Array map = random.normal({1, 8, 8, 16});
  Weights weights;
  for (const auto& [name, shape] : std::map<std::string, Shape>{{"s.reduce.weight", {4, 16}},
                                                                {"s.reduce.bias", {4}},
                                                                {"s.expand.weight", {16, 4}},
                                                                {"s.expand.bias", {16}},
                                                                {"s.spatial.weight", {1, 2, 7, 7}},
                                                                {"s.spatial.bias", {1}}}) {
    weights.add(name, shape, random.normal(shape).floats());
  }
  GraphRunner runner(
      [](GraphBuilder& graph, const std::vector<Tensor>& in) {
        const Tensor windows =
            windowPartition(graph, "windows", in[0], {.window = 4, .normalize = true});
        const SortedMap sorted = dynamicRangeSort(graph, "sort", windows, {.channels = 9});
        const Tensor back = dynamicRangeUnsort(graph, "unsort", sorted.map, sorted.origin);
        const Tensor merged = windowMerge(graph, "merge", back, in[0]);
        const Tensor gated = seCbam(graph, merged, "s", {.window = 4});
        const Tensor weighed = rowSoftmax(graph, "softmax", gated);
        return std::vector<Tensor>{depthToSpace(graph, "shuffle", weighed, 2)};
      },
      {map}, weights, {.threads = 2});
  EXPECT_EQ(usageOf(runner.graph()).allocations, 0U);
}

TEST(Allocation, RunsHoldNothingButOneDnnsArgumentLists) {
  const NetworkConfig config = smallNetworkConfig();
  const Weights weights = randomWeights(config);
  const Engine engine(2);
  for (const Dim side : {16, 64}) {
    Network network(engine, config, weights, side, side, Precision::F32);
    const Usage usage = usageOf(network.graph());
    // Each thread has one primitive under way. The smallest tensor here, a window's map of 12
    // channels at half resolution, has 3 KiB, the largest at side 64 has 256 KiB.
    EXPECT_LT(usage.peak, 2U * 1024U) << "side " << side;
    EXPECT_EQ(usage.left, 0U) << "side " << side;
  }
}

}  // namespace
}  // namespace va::test
