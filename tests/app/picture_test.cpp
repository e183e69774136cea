#include "app/picture.h"

#include <gtest/gtest.h>

#include "tests/support/test_image.h"

namespace pristine {
namespace {

TEST(Picture, LevelsHalveDownToOnePixel) {
  const auto picture = makePicture(test::photographImage(37, 10), "x.png");
  ASSERT_EQ(picture->levels.size(), 7U);
  EXPECT_EQ(picture->sizeAt(1), cv::Size(19, 5));
  EXPECT_EQ(picture->sizeAt(6), cv::Size(1, 1));
  EXPECT_TRUE(picture->alpha.empty());
}

TEST(Picture, LevelsAreMeansAndRepeatTheEdge) {
  Image image;
  image.pixels = cv::Mat(2, 3, CV_32FC3);
  const float values[2][3] = {{0, 1, 8}, {2, 5, 4}};
  for (int y = 0; y < 2; ++y) {
    for (int x = 0; x < 3; ++x) image.pixels.at<cv::Vec3f>(y, x) = cv::Vec3f::all(values[y][x]);
  }
  const auto picture = makePicture(image, {});
  EXPECT_FLOAT_EQ(picture->levels[1].at<cv::Vec3f>(0, 0)[1], 2.0F);
  EXPECT_FLOAT_EQ(picture->levels[1].at<cv::Vec3f>(0, 1)[1], 6.0F);
}

TEST(Picture, AlphaHasItsOwnLevels) {
  Image image = test::photographImage(20, 20);
  image.alpha = test::alphaRamp(20, 20);
  const auto picture = makePicture(image, {});
  ASSERT_EQ(picture->alpha.size(), picture->levels.size());
  EXPECT_EQ(picture->alpha[2].size(), picture->levels[2].size());
}

TEST(Picture, LevelHasAtLeastOnePixelPerDevicePixel) {
  for (const double scale : {4.0, 1.0, 0.9, 0.51, 0.5, 0.3, 0.25, 0.1, 0.01}) {
    const int level = levelFor(scale, 20);
    EXPECT_LE(scale * (1 << level), scale < 1 ? 1.0 + 1e-9 : scale) << scale;
    EXPECT_GT(scale * (1 << level), 0.5) << scale;
  }
  EXPECT_EQ(levelFor(1e-6, 3), 2);
}

TEST(Picture, LevelRectangleCoversTheBaseRectangle) {
  EXPECT_EQ(toLevel({3, 5, 6, 2}, 1, {100, 100}), cv::Rect(1, 2, 4, 2));
  EXPECT_EQ(toLevel({-10, -10, 500, 500}, 2, {25, 13}), cv::Rect(0, 0, 25, 13));
}

}  // namespace
}  // namespace pristine
