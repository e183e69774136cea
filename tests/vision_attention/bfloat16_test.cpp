#include "vision_attention/bfloat16.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace {

using va::BFloat16;

float rounded(float value) {
  return static_cast<float>(BFloat16(value));
}

TEST(BFloat16, HalfwayGoesToTheEvenNeighbour) {
  EXPECT_EQ(rounded(1.0F + 1.0F / 256.0F), 1.0F);
  EXPECT_EQ(rounded(1.0F + 3.0F / 256.0F), 1.0F + 4.0F / 256.0F);
  EXPECT_EQ(rounded(1.0F + 1.01F / 256.0F), 1.0F + 2.0F / 256.0F);
  EXPECT_EQ(rounded(-1.0F - 1.0F / 256.0F), -1.0F);
}

TEST(BFloat16, EveryBf16ValueSurvives) {
  for (std::uint32_t bits = 0; bits < 0x10000U; ++bits) {
    const auto value = BFloat16::fromBits(static_cast<std::uint16_t>(bits));
    if (std::isnan(static_cast<float>(value))) {
      EXPECT_TRUE(std::isnan(rounded(static_cast<float>(value))));
    } else {
      ASSERT_EQ(BFloat16(static_cast<float>(value)).bits(), bits);
    }
  }
}

TEST(BFloat16, NonFiniteValuesKeepTheirKind) {
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  EXPECT_EQ(rounded(kInfinity), kInfinity);
  EXPECT_EQ(rounded(std::numeric_limits<float>::max()), kInfinity);
  // A NaN whose payload lies in the lower half alone.
  EXPECT_TRUE(std::isnan(rounded(std::bit_cast<float>(0x7F800001U))));
  EXPECT_TRUE(std::isnan(rounded(std::bit_cast<float>(0xFFFFFFFFU))));
}

}  // namespace
