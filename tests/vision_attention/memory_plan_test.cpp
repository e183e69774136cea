#include "vision_attention/memory_plan.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <limits>
#include <random>
#include <stdexcept>

namespace {

using va::Lifetime;
using va::planMemory;

TEST(MemoryPlan, NothingNeedsNothing) {
  EXPECT_EQ(planMemory({}).bytes, 0U);
}

TEST(MemoryPlan, ReusesMemoryOfDeadTensors) {
  const auto plan = planMemory({{1024, 0, 1}, {1024, 2, 3}, {1024, 4, 5}});
  EXPECT_EQ(plan.bytes, 1024U);
}

TEST(MemoryPlan, SmallTensorFillsGapBetweenLargeOnes) {
  const auto plan = planMemory({{4096, 0, 9}, {1024, 0, 1}, {2048, 0, 9}, {512, 3, 4}});
  EXPECT_EQ(plan.bytes, 4096U + 2048U + 1024U);
}

TEST(MemoryPlan, LivingTensorsNeverOverlapAndStayAligned) {
  std::mt19937 random(7);
  for (int round = 0; round < 200; ++round) {
    std::vector<Lifetime> lifetimes(1 + random() % 40);
    std::size_t sum = 0;
    for (Lifetime& lifetime : lifetimes) {
      lifetime.bytes = random() % 10000;
      lifetime.first = static_cast<int>(random() % 20);
      lifetime.last = lifetime.first + static_cast<int>(random() % 6);
      sum += (lifetime.bytes + va::kArenaAlignment - 1) / va::kArenaAlignment * va::kArenaAlignment;
    }
    const auto plan = planMemory(lifetimes);
    ASSERT_LE(plan.bytes, sum);
    for (std::size_t a = 0; a < lifetimes.size(); ++a) {
      ASSERT_EQ(plan.offsets[a] % va::kArenaAlignment, 0U);
      ASSERT_LE(plan.offsets[a] + lifetimes[a].bytes, plan.bytes);
      for (std::size_t b = 0; b < a; ++b) {
        const bool together =
            lifetimes[a].first <= lifetimes[b].last && lifetimes[b].first <= lifetimes[a].last;
        const bool apart = plan.offsets[a] + lifetimes[a].bytes <= plan.offsets[b] ||
                           plan.offsets[b] + lifetimes[b].bytes <= plan.offsets[a];
        ASSERT_TRUE(!together || apart) << "round " << round << ": " << a << " and " << b;
      }
    }
  }
}

TEST(MemoryPlan, RefusesSizesThatOverflow) {
  EXPECT_THROW(planMemory({{std::numeric_limits<std::size_t>::max(), 0, 1}}), std::length_error);
}

}  // namespace
