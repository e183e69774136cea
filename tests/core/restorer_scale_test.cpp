#include <gtest/gtest.h>

#include <opencv2/core.hpp>
#include <opencv2/imgproc.hpp>

#include "core/error.h"
#include "core/metrics.h"
#include "core/restorer.h"
#include "tests/support/test_image.h"
#include "tests/support/tiny_model.h"

namespace pristine {
namespace {

std::shared_ptr<const Model> enlargingModel(int scale) {
  return Model::fromSafetensors(test::tinyModel(3, scale), "tiny");
}

RestorerOptions f32(int tile) {
  RestorerOptions options;
  options.precision = Precision::F32;
  options.threads = 2;
  options.tile = tile;
  return options;
}

Image enlarged(const Image& source, int scale, int tile = 0) {
  Restorer restorer(enlargingModel(scale), f32(tile));
  auto result = restorer.restore(source, 1.0);
  EXPECT_TRUE(result);
  return result.value_or(Image{});
}

cv::Mat repeated(const cv::Mat& picture, int scale) {
  cv::Mat result;
  cv::resize(picture, result, {}, scale, scale, cv::INTER_NEAREST);
  return result;
}

class EnlargingRestorer : public testing::TestWithParam<int> {};
INSTANTIATE_TEST_SUITE_P(Scales, EnlargingRestorer, testing::Values(2, 3, 4));

TEST_P(EnlargingRestorer, EnlargesPicturesOfAnySize) {
  const int scale = GetParam();
  Restorer restorer(enlargingModel(scale), f32(64));
  for (const auto& [width, height] :
       {std::pair{1, 1}, {1, 130}, {130, 1}, {2, 3}, {15, 17}, {97, 101}, {16, 16}}) {
    SCOPED_TRACE(std::to_string(width) + "x" + std::to_string(height));
    const Image source = test::photographImage(width, height);
    const auto result = restorer.restore(source, 1.0);
    ASSERT_TRUE(result);
    EXPECT_EQ(result->pixels.size(), cv::Size(scale * width, scale * height));
    // The correction of the random weights is small: the picture lies where it shall.
    const double quality = psnr(repeated(source.pixels, scale), result->pixels);
    EXPECT_GT(quality, 20.0);
    EXPECT_LT(quality, 60.0);
  }
}

TEST_P(EnlargingRestorer, TilesAgreeWithTheWholePicture) {
  const int scale = GetParam();
  const Image source = test::photographImage(210, 150);
  const cv::Mat whole = enlarged(source, scale, 1024).pixels;
  const cv::Mat tiled = enlarged(source, scale, 96).pixels;
  EXPECT_GE(psnr(whole, tiled), 45.0);
  // Against what the network adds: a tile at the wrong place would be as far away as that.
  const double correction = psnr(repeated(source.pixels, scale), whole);
  EXPECT_GE(psnr(whole, tiled), correction + 10.0);
}

TEST_P(EnlargingRestorer, EnlargesAlphaAndKeepsTheRest) {
  const int scale = GetParam();
  Image source = test::photographImage(31, 20, SampleDepth::U16);
  source.alpha = test::alphaRamp(31, 20);
  source.metadata = std::make_shared<int>(3);
  const Image result = enlarged(source, scale);
  ASSERT_EQ(result.alpha.size(), result.pixels.size());
  ASSERT_EQ(result.alpha.type(), CV_32FC1);
  double low = 0;
  double high = 0;
  cv::minMaxLoc(result.alpha, &low, &high);
  EXPECT_GE(low, 0.0);
  EXPECT_LE(high, 1.0);
  EXPECT_NEAR(cv::mean(result.alpha)[0], cv::mean(source.alpha)[0], 2e-3);
  EXPECT_GE(psnr(result.alpha, repeated(source.alpha, scale)), 30.0);
  EXPECT_EQ(result.depth, SampleDepth::U16);
  EXPECT_EQ(result.metadata, source.metadata);
}

TEST_P(EnlargingRestorer, KeepsGreyGrey) {
  const Image result = enlarged(test::greyImage(30, 20), GetParam());
  EXPECT_TRUE(result.grey);
  std::vector<cv::Mat> planes;
  cv::split(result.pixels, planes);
  EXPECT_EQ(cv::norm(planes[0], planes[1], cv::NORM_INF), 0.0);
  EXPECT_EQ(cv::norm(planes[0], planes[2], cv::NORM_INF), 0.0);
}

TEST(EnlargingRestorerOnce, OpaqueStaysOpaque) {
  Image source = test::photographImage(9, 7);
  source.alpha = cv::Mat(7, 9, CV_32FC1, cv::Scalar(1.0));
  EXPECT_EQ(
      cv::norm(enlarged(source, 3).alpha, cv::Mat(21, 27, CV_32FC1, cv::Scalar(1.0)), cv::NORM_INF),
      0.0);
}

TEST(EnlargingRestorerOnce, HasNoStrength) {
  Restorer restorer(enlargingModel(2), f32(0));
  EXPECT_THROW(restorer.restore(test::photographImage(20, 20), 0.5), Error);
  EXPECT_THROW(restorer.restore(test::photographImage(20, 20), 0.0), Error);
}

TEST(EnlargingRestorerOnce, BoundsItsTilesByTheActivationsOfTheResult) {
  Restorer restorer(enlargingModel(4), f32(0));
  Image source;
  source.pixels = cv::Mat(1500, 2000, CV_32FC3, cv::Scalar::all(0.5));
  std::stop_source stop;
  restorer.restore(source, 1.0, {stop.get_token(), [&](double) { stop.request_stop(); }});
  EXPECT_LE(restorer.arenaBytes(), 600'000'000U);
  EXPECT_GE(restorer.arenaBytes(), 200'000'000U);
}

}  // namespace
}  // namespace pristine
