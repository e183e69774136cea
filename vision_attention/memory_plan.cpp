#include "vision_attention/memory_plan.h"

#include <algorithm>
#include <limits>
#include <numeric>
#include <stdexcept>

namespace va {

namespace {

std::size_t roundUp(std::size_t bytes) {
  if (bytes > std::numeric_limits<std::size_t>::max() / 4) {
    throw std::length_error("memory plan: a tensor of " + std::to_string(bytes) + " bytes");
  }
  return (bytes + kArenaAlignment - 1) / kArenaAlignment * kArenaAlignment;
}

bool overlap(const Lifetime& a, const Lifetime& b) {
  return a.first <= b.last && b.first <= a.last;
}

}  // namespace

MemoryPlan planMemory(const std::vector<Lifetime>& lifetimes) {
  std::vector<std::size_t> order(lifetimes.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
    return lifetimes[a].bytes > lifetimes[b].bytes;
  });

  MemoryPlan plan;
  plan.offsets.resize(lifetimes.size());
  std::vector<std::size_t> placed;  // by offset
  for (const std::size_t index : order) {
    const std::size_t bytes = roundUp(lifetimes[index].bytes);
    std::size_t best = 0;
    std::size_t bestGap = std::numeric_limits<std::size_t>::max();
    std::size_t end = 0;
    for (const std::size_t other : placed) {
      if (!overlap(lifetimes[index], lifetimes[other])) continue;
      const std::size_t start = plan.offsets[other];
      if (start > end && start - end >= bytes && start - end < bestGap) {
        best = end;
        bestGap = start - end;
      }
      end = std::max(end, start + roundUp(lifetimes[other].bytes));
    }
    if (bestGap == std::numeric_limits<std::size_t>::max()) best = end;
    if (best > std::numeric_limits<std::size_t>::max() / 2 - bytes) {
      throw std::length_error("memory plan: the arena overflows");
    }
    plan.offsets[index] = best;
    plan.bytes = std::max(plan.bytes, best + bytes);
    const auto position = std::upper_bound(
        placed.begin(), placed.end(), best,
        [&](std::size_t offset, std::size_t i) { return offset < plan.offsets[i]; });
    placed.insert(position, index);
  }
  return plan;
}

}  // namespace va
