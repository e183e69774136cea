#include "vision_attention/ops/vector_math.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "tests/support/reference.h"

namespace va::test {
namespace {

double ulp(double x) {
  const auto f = static_cast<float>(x);
  return static_cast<double>(std::nextafter(f, std::numeric_limits<float>::infinity()) - f);
}

TEST(VectorMath, ExponentialIsWithinTwoUlp) {
  for (double x = -87.0; x < 88.7; x += 0.00137) {
    const auto argument = static_cast<float>(x);
    const double expected = std::exp(static_cast<double>(argument));
    ASSERT_NEAR(static_cast<double>(exponential(argument)), expected, 2.0 * ulp(expected)) << x;
  }
}

TEST(VectorMath, BoundedExponentialIsWithinTwoUlp) {
  for (double x = -87.0; x < 87.0; x += 0.00137) {
    const auto argument = static_cast<float>(x);
    const double expected = std::exp(static_cast<double>(argument));
    ASSERT_NEAR(static_cast<double>(boundedExponential(argument)), expected, 2.0 * ulp(expected))
        << x;
  }
  EXPECT_TRUE(std::isnan(boundedExponential(std::numeric_limits<float>::quiet_NaN())));
}

TEST(VectorMath, ExponentialOfExtremes) {
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  EXPECT_EQ(exponential(0.0F), 1.0F);
  EXPECT_EQ(exponential(-0.0F), 1.0F);
  EXPECT_EQ(exponential(-88.0F), 0.0F);
  EXPECT_EQ(exponential(-1e30F), 0.0F);
  EXPECT_EQ(exponential(-kInfinity), 0.0F);
  EXPECT_EQ(exponential(89.0F), kInfinity);
  EXPECT_EQ(exponential(kInfinity), kInfinity);
  EXPECT_TRUE(std::isfinite(exponential(88.7F)));
  EXPECT_TRUE(std::isnan(exponential(std::numeric_limits<float>::quiet_NaN())));
}

TEST(VectorMath, LogisticAndMishMatchTheirDefinitions) {
  for (double x = -120.0; x < 120.0; x += 0.0713) {
    const auto argument = static_cast<float>(x);
    const auto exact = static_cast<double>(argument);
    ASSERT_NEAR(static_cast<double>(logistic(argument)), refLogistic(exact), 3e-7) << x;
    ASSERT_NEAR(static_cast<double>(mish(argument)), refMish(exact), 4e-7 * (1.0 + std::abs(x)))
        << x;
  }
  EXPECT_EQ(logistic(-1e30F), 0.0F);
  EXPECT_EQ(logistic(1e30F), 1.0F);
  EXPECT_EQ(mish(1e30F), 1e30F);
  EXPECT_NEAR(static_cast<double>(mish(1.0F)), 0.8650984, 1e-6);
}

}  // namespace
}  // namespace va::test
