#include "vision_attention/ops/sort.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <limits>
#include <memory>

#include "tests/support/random.h"
#include "tests/support/reference.h"

namespace va::test {
namespace {

struct Free {
  void operator()(std::byte* memory) const { std::free(memory); }
};

/// argsort() of `lanes` sequences with ranks innermost or lanes innermost.
std::vector<std::vector<Dim>> argsorted(const Array& values, bool lanesInnermost) {
  const Dim count = values.size(0);
  const Dim lanes = values.size(1);
  const auto src = values.floats();
  std::vector<std::int32_t> indices(src.size(), -1);
  const std::size_t bytes = (argsortScratchBytes(count) + 63) / 64 * 64;
  const std::unique_ptr<std::byte, Free> scratch(
      static_cast<std::byte*>(std::aligned_alloc(64, bytes)));
  const SortedOrder order{indices.data(), lanesInnermost ? lanes : 1, lanesInnermost ? 1 : count};
  argsort(src.data(), lanes, count, lanes, order, scratch.get());
  std::vector<std::vector<Dim>> result(static_cast<std::size_t>(lanes));
  for (Dim l = 0; l < lanes; ++l) {
    for (Dim r = 0; r < count; ++r) {
      result[static_cast<std::size_t>(l)].push_back(
          indices[static_cast<std::size_t>(r * order.rankStride + l * order.laneStride)]);
    }
  }
  return result;
}

void expectSorted(const Array& values) {
  const auto inside = argsorted(values, true);
  const auto outside = argsorted(values, false);
  for (Dim l = 0; l < values.size(1); ++l) {
    const auto expected = refArgsort(values.slice(1, l, 1).values());
    const auto lane = static_cast<std::size_t>(l);
    ASSERT_EQ(inside[lane], expected) << values.shape().toString() << " lane " << l;
    ASSERT_EQ(outside[lane], expected) << values.shape().toString() << " lane " << l;
  }
}

/// Lengths around every size of network, and one for the radix sort.
const std::vector<Dim> kLengths{1,    2,    3,    4,    5,    7,    8,    9,    15,
                                16,   17,   31,   32,   33,   63,   64,   65,   100,
                                127,  128,  129,  255,  256,  300,  500,  513,  1000,
                                1024, 1025, 2000, 2048, 3000, 4095, 4096, 4097, 10000};

TEST(Sort, OrdersRandomValues) {
  Random random(71);
  for (const Dim length : kLengths) {
    for (const Dim lanes : {1, 3, 8, 11}) expectSorted(random.normal({length, lanes}));
  }
}

TEST(Sort, IsStable) {
  Random random(72);
  for (const Dim length : kLengths) {
    expectSorted(random.ties({length, 9}, 2));
    expectSorted(random.ties({length, 9}, 7));
    expectSorted(Array({length, 9}, 0.5));
  }
}

TEST(Sort, SortedAndReversedInput) {
  for (const Dim length : kLengths) {
    Array rising({length, 8});
    for (Dim i = 0; i < length; ++i) {
      for (Dim l = 0; l < 8; ++l) rising(i, l) = static_cast<double>(l % 2 == 0 ? i : -i);
    }
    expectSorted(rising);
  }
}

TEST(Sort, NegativeZeroEqualsZeroAndNanComesLast) {
  Random random(73);
  const double special[] = {0.0,
                            -0.0,
                            std::numeric_limits<double>::quiet_NaN(),
                            -std::numeric_limits<double>::quiet_NaN(),
                            std::numeric_limits<double>::infinity(),
                            -std::numeric_limits<double>::infinity(),
                            static_cast<double>(std::numeric_limits<float>::max()),
                            static_cast<double>(std::numeric_limits<float>::lowest()),
                            static_cast<double>(std::numeric_limits<float>::denorm_min()),
                            -static_cast<double>(std::numeric_limits<float>::denorm_min())};
  for (const Dim length : kLengths) {
    expectSorted(map(random.ties({length, 10}, 10),
                     [&](double value) { return special[static_cast<std::size_t>(value)]; }));
  }
}

TEST(Sort, NoSequenceIsNoWork) {
  EXPECT_TRUE(argsorted(Array({0, 3}), true)[2].empty());
  EXPECT_TRUE(argsorted(Array({5, 0}), true).empty());
}

}  // namespace
}  // namespace va::test
