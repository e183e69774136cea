#include "gui/pixel_text.h"

#include <gtest/gtest.h>

#include "tests/gui/gui_test_support.h"

namespace pristine::gui {
namespace {

std::shared_ptr<const PictureSource> uniform(int width, int height, const cv::Scalar& value,
                                             SampleDepth depth) {
  Image image;
  image.pixels = cv::Mat(height, width, CV_32FC3, value);
  image.depth = depth;
  return stillSource(std::move(image));
}

TEST(PixelText, ShowsBothSidesInTheNumbersOfTheFile) {
  const auto values = [](SampleDepth depth) {
    return pixelText(*uniform(40, 30, {0.2, 0.4, 0.6}, depth),
                     *uniform(40, 30, {1.0, 0.0, 1.5}, depth), {7, 5});
  };
  EXPECT_EQ(values(SampleDepth::U8), QStringLiteral("7, 5   51 102 153 → 255 0 255"));
  EXPECT_EQ(values(SampleDepth::U16), QStringLiteral("7, 5   13107 26214 39321 → 65535 0 65535"));
  EXPECT_EQ(values(SampleDepth::F32),
            QStringLiteral("7, 5   0.2000 0.4000 0.6000 → 1.0000 0.0000 1.5000"));
}

TEST(PixelText, FindsTheSamePlaceInAPictureOfAnotherSize) {
  const auto small = stillSource(positionImage(10, 10));
  const auto large = stillSource(positionImage(40, 40));
  // 35 of 40 lies in pixel 8 of 10.
  EXPECT_EQ(pixelText(*small, *large, {35, 39}),
            QStringLiteral("35, 39   204 229 128 → 223 249 128"));
}

}  // namespace
}  // namespace pristine::gui
