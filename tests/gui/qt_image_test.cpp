#include "gui/qt_image.h"

#include <gtest/gtest.h>

#include <QColorSpace>
#include <cmath>

#include "tests/gui/gui_test_support.h"
#include "tests/support/test_image.h"

namespace pristine::gui {
namespace {

/// What a device pixel should show, computed from the definition.
float bilinear(const cv::Mat& level, double x, double y, int channel) {
  const auto clampX = [&](double v) { return std::clamp(static_cast<int>(v), 0, level.cols - 1); };
  const auto clampY = [&](double v) { return std::clamp(static_cast<int>(v), 0, level.rows - 1); };
  const double fx = std::floor(x);
  const double fy = std::floor(y);
  const auto at = [&](double px, double py) {
    return static_cast<double>(level.at<cv::Vec3f>(clampY(py), clampX(px))[channel]);
  };
  const double top = at(fx, fy) + (x - fx) * (at(fx + 1, fy) - at(fx, fy));
  const double bottom = at(fx, fy + 1) + (x - fx) * (at(fx + 1, fy + 1) - at(fx, fy + 1));
  return static_cast<float>(top + (y - fy) * (bottom - top));
}

TEST(QtImage, SamplesLikeTheDefinitionAtEveryScale) {
  const auto source = stillSource(test::photographImage(301, 203));
  const auto& levels = source->picture().levels;
  for (const double scale : {0.125, 0.3, 0.5, 0.77, 1.0, 1.5, 2.0, 3.6, 8.0}) {
    const int width = static_cast<int>(std::ceil(301 * scale));
    const int height = static_cast<int>(std::ceil(203 * scale));
    const QRect device = QRect(width / 3, height / 4, 90, 70) & QRect(0, 0, width, height);
    const cv::Mat got = sample(*source, {device, {scale, scale}});
    const int level = levelFor(scale, static_cast<int>(levels.size()));
    const cv::Mat& pixels = levels[static_cast<std::size_t>(level)];
    for (int y = 0; y < got.rows; ++y) {
      for (int x = 0; x < got.cols; ++x) {
        const double u = (device.x() + x + 0.5) / (scale * (1 << level));
        const double v = (device.y() + y + 0.5) / (scale * (1 << level));
        const float expected = scale >= kNearestScale
                                   ? bilinear(pixels, std::floor(u), std::floor(v), 1)
                                   : bilinear(pixels, u - 0.5, v - 0.5, 1);
        ASSERT_NEAR(got.at<cv::Vec3f>(y, x)[1], expected, 1e-4) << scale << " " << x << " " << y;
      }
    }
  }
}

TEST(QtImage, NeighbouringTilesJoinWithoutASeam) {
  const auto source = stillSource(test::photographImage(300, 200));
  for (const double scale : {0.37, 1.0, 1.7}) {
    const cv::Mat whole = sample(*source, {QRect(0, 0, 100, 60), {scale, scale}});
    const cv::Mat right = sample(*source, {QRect(50, 20, 50, 40), {scale, scale}});
    EXPECT_EQ(test::largestDifference(whole(cv::Rect(50, 20, 50, 40)), right), 0.0) << scale;
  }
}

TEST(QtImage, OneToOneShowsTheFilesValues) {
  const auto source = stillSource(test::photographImage(64, 48));
  const QImage image = renderPicture(*source, {QRect(0, 0, 64, 48), {1.0, 1.0}});
  for (int y = 0; y < 48; ++y) {
    for (int x = 0; x < 64; ++x) {
      const auto value = source->picture().image.pixels.at<cv::Vec3f>(y, x);
      ASSERT_EQ(qRed(image.pixel(x, y)), std::lround(value[0] * 255.0F));
      ASSERT_EQ(qBlue(image.pixel(x, y)), std::lround(value[2] * 255.0F));
    }
  }
}

TEST(QtImage, DifferenceIsAmplifiedAndScalesTheOtherPicture) {
  Image a = positionImage(100, 50);
  Image b = positionImage(200, 100);
  for (auto pixel = a.pixels.begin<cv::Vec3f>(); pixel != a.pixels.end<cv::Vec3f>(); ++pixel) {
    (*pixel)[0] += 0.05F;
  }
  const QImage image =
      renderDifference(*stillSource(a), *stillSource(b), {QRect(0, 0, 200, 100), {1.0, 1.0}}, 4.0);
  EXPECT_NEAR(qRed(image.pixel(100, 50)), 0.05 * 4 * 255, 3);
  EXPECT_NEAR(qGreen(image.pixel(100, 50)), 0, 3);
}

TEST(QtImage, AlphaLiesOverAChequerboard) {
  Image image = positionImage(40, 40);
  image.alpha = cv::Mat::zeros(40, 40, CV_32FC1);
  const QImage shown = renderPicture(*stillSource(image), {QRect(0, 0, 40, 40), {1.0, 1.0}});
  EXPECT_NE(shown.pixel(2, 2), shown.pixel(10, 2));
  EXPECT_EQ(shown.pixel(2, 2), shown.pixel(10, 10));
}

TEST(QtImage, ClipsWhatTheScreenCannotShow) {
  cv::Mat pixels(1, 3, CV_32FC3);
  pixels.at<cv::Vec3f>(0, 0) = {-0.5F, 1.7F, 0.5F};
  pixels.at<cv::Vec3f>(0, 1) = {1.0F, 0.0F, 254.6F / 255.0F};
  const QImage image = toQImage(pixels);
  EXPECT_EQ(image.pixel(0, 0), qRgb(0, 255, 128));
  EXPECT_EQ(image.pixel(1, 0), qRgb(255, 0, 255));
}

TEST(QtImage, ClipboardPictureKeepsSixteenBitsAndAlpha) {
  QImage image(5, 4, QImage::Format_RGBA64);
  image.fill(Qt::transparent);
  image.setPixelColor(1, 2, QColor::fromRgba64(1000, 40001, 65535, 32768));
  const Image got = fromQImage(image);
  EXPECT_EQ(got.depth, SampleDepth::U16);
  EXPECT_NEAR(got.pixels.at<cv::Vec3f>(2, 1)[1], 40001.0 / 65535.0, 1e-6);
  EXPECT_NEAR(got.alpha.at<float>(2, 1), 32768.0 / 65535.0, 1e-6);
  QImage plain(3, 3, QImage::Format_RGB32);
  plain.fill(qRgb(10, 20, 30));
  const Image eight = fromQImage(plain);
  EXPECT_EQ(eight.depth, SampleDepth::U8);
  EXPECT_TRUE(eight.alpha.empty());
  EXPECT_NEAR(eight.pixels.at<cv::Vec3f>(1, 1)[2], 30.0 / 255.0, 1e-6);
}

}  // namespace
}  // namespace pristine::gui
