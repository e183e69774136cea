#include "vision_attention/shape.h"

#include <gtest/gtest.h>

#include <stdexcept>

#include "vision_attention/weights.h"

namespace {

using va::Shape;
using va::Weights;

std::string messageOf(const std::function<void()>& action) {
  try {
    action();
  } catch (const std::invalid_argument& error) {
    return error.what();
  }
  return "nothing was thrown";
}

TEST(Shape, NegativeIndexCountsFromTheInside) {
  const Shape shape{2, 3, 5};
  EXPECT_EQ(shape[-1], 5);
  EXPECT_EQ(shape[0], 2);
  EXPECT_THROW(shape[3], std::invalid_argument);
}

TEST(Shape, ProductThatOverflowsIsAnError) {
  EXPECT_THROW((void)Shape({1LL << 40, 1LL << 40}).elements(), std::invalid_argument);
  EXPECT_EQ(Shape({4, 0, 7}).elements(), 0);
  EXPECT_EQ(Shape().elements(), 1);
}

TEST(Shape, NegativeSizeIsAnError) {
  EXPECT_THROW(Shape({3, -1}), std::invalid_argument);
}

TEST(Weights, ErrorsNameTheTensorAndBothShapes) {
  Weights weights;
  weights.add("body.qkv.weight", {2, 3}, std::vector<float>(6));
  EXPECT_EQ(messageOf([&] {
              weights.get("body.qkv.weight", {3, 2});
            }),
            "weight 'body.qkv.weight' is [2, 3], expected [3, 2]");
  EXPECT_EQ(messageOf([&] { weights.get("head.bias", {4}); }),
            "weight 'head.bias' is missing, expected [4]");
  EXPECT_EQ(messageOf([&] { weights.add("body.qkv.weight", {1}, {0.0F}); }),
            "weight 'body.qkv.weight' is there twice");
  EXPECT_EQ(messageOf([&] {
              weights.add("x", {2, 2}, {0.0F});
            }),
            "weight 'x' has 1 values, its shape [2, 2] wants 4");
}

}  // namespace
