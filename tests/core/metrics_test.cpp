#include "core/metrics.h"

#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <opencv2/core.hpp>
#include <vector>

#include "core/error.h"
#include "tests/support/test_image.h"

namespace pristine {
namespace {

/// SSIM of Wang et al. (2004), written as its definition: a loop over windows, f64.
double naiveSsim(const cv::Mat& a, const cv::Mat& b, int side) {
  std::vector<double> window;
  double total = 0;
  for (int y = 0; y < side; ++y) {
    for (int x = 0; x < side; ++x) {
      const double dx = x - side / 2;
      const double dy = y - side / 2;
      window.push_back(std::exp(-(dx * dx + dy * dy) / (2 * 1.5 * 1.5)));
      total += window.back();
    }
  }
  double sum = 0;
  int count = 0;
  for (int c = 0; c < a.channels(); ++c) {
    for (int top = 0; top + side <= a.rows; ++top) {
      for (int left = 0; left + side <= a.cols; ++left) {
        double mx = 0;
        double my = 0;
        double xx = 0;
        double yy = 0;
        double xy = 0;
        for (int i = 0; i < side * side; ++i) {
          const double w = window[static_cast<std::size_t>(i)] / total;
          const auto value = [&](const cv::Mat& m) {
            return static_cast<double>(
                m.ptr<float>(top + i / side)[(left + i % side) * m.channels() + c]);
          };
          const double x = value(a);
          const double y = value(b);
          mx += w * x;
          my += w * y;
          xx += w * x * x;
          yy += w * y * y;
          xy += w * x * y;
        }
        const double c1 = 0.01 * 0.01;
        const double c2 = 0.03 * 0.03;
        sum += (2 * mx * my + c1) * (2 * (xy - mx * my) + c2) /
               ((mx * mx + my * my + c1) * (xx - mx * mx + yy - my * my + c2));
        ++count;
      }
    }
  }
  return sum / count;
}

TEST(Psnr, IsWhatTheDefinitionSays) {
  cv::Mat a(2, 2, CV_32FC3, cv::Scalar::all(0.5));
  cv::Mat b = a.clone();
  b.at<cv::Vec3f>(0, 1) = {0.6F, 0.5F, 0.3F};
  // Squared errors 0.01 and 0.04 over 12 values.
  EXPECT_NEAR(psnr(a, b), -10 * std::log10(0.05 / 12), 1e-5);
  EXPECT_NEAR(psnr(a, cv::Mat(2, 2, CV_32FC3, cv::Scalar::all(0.6))), 20.0, 1e-5);
}

TEST(Psnr, IsInfiniteForEqualPictures) {
  const cv::Mat a = test::photograph(20, 20);
  EXPECT_TRUE(std::isinf(psnr(a, a.clone())));
}

TEST(Metrics, RefuseUnequalSizes) {
  const cv::Mat a = test::photograph(20, 20);
  const cv::Mat b = test::photograph(20, 21);
  EXPECT_THROW(psnr(a, b), Error);
  EXPECT_THROW(ssim(a, b), Error);
  EXPECT_THROW(psnr(cv::Mat(), cv::Mat()), Error);
}

TEST(Ssim, EqualsTheLoopOverWindows) {
  const cv::Mat a = test::photograph(33, 27, 1);
  cv::Mat noise(a.size(), CV_32FC3);
  cv::RNG random(3);
  for (const double sigma : {0.01, 0.1, 0.5}) {
    random.fill(noise, cv::RNG::NORMAL, 0.0, sigma);
    const cv::Mat b = a + noise;
    EXPECT_NEAR(ssim(a, b), naiveSsim(a, b, 11), 1e-9);
  }
}

TEST(Ssim, UsesTheLargestOddWindowOfSmallPictures) {
  const cv::Mat a = test::photograph(8, 30, 1);
  const cv::Mat b = test::photograph(8, 30, 2);
  EXPECT_NEAR(ssim(a, b), naiveSsim(a, b, 7), 1e-9);
  const cv::Mat dot = test::photograph(1, 1, 1);
  EXPECT_NEAR(ssim(dot, test::photograph(1, 1, 2)), naiveSsim(dot, test::photograph(1, 1, 2), 1),
              1e-9);
}

TEST(Ssim, IsOneForEqualPicturesAndSymmetric) {
  const cv::Mat a = test::photograph(40, 40, 1);
  const cv::Mat b = test::photograph(40, 40, 2);
  EXPECT_DOUBLE_EQ(ssim(a, a.clone()), 1.0);
  EXPECT_NEAR(ssim(a, b), ssim(b, a), 1e-12);
  EXPECT_LT(ssim(a, b), 0.9);
}

TEST(Ssim, OfFlatPicturesIsTheLuminanceTerm) {
  const cv::Mat a(16, 16, CV_32FC3, cv::Scalar::all(0.4));
  const cv::Mat b(16, 16, CV_32FC3, cv::Scalar::all(0.6));
  EXPECT_NEAR(ssim(a, b), (2 * 0.4 * 0.6 + 1e-4) / (0.4 * 0.4 + 0.6 * 0.6 + 1e-4), 1e-6);
}

TEST(ToEightBits, RoundsAndClips) {
  cv::Mat values(1, 4, CV_32FC1);
  values.at<float>(0) = -0.2F;
  values.at<float>(1) = 1.7F;
  values.at<float>(2) = 100.4F / 255.0F;
  values.at<float>(3) = 100.6F / 255.0F;
  const cv::Mat bytes = toEightBits(values);
  EXPECT_EQ(bytes.at<float>(0), 0.0F);
  EXPECT_EQ(bytes.at<float>(1), 1.0F);
  EXPECT_NEAR(bytes.at<float>(2), 100.0F / 255.0F, 1e-7F);
  EXPECT_NEAR(bytes.at<float>(3), 101.0F / 255.0F, 1e-7F);
}

TEST(Compare, RoundsBothWhenOneComesFromEightBits) {
  Image a = test::photographImage(30, 30, SampleDepth::F32);
  Image b = a;
  b.pixels = toEightBits(a.pixels);
  EXPECT_LT(compare(a, b).psnr, 70.0) << "two floats are taken as they are";
  b.depth = SampleDepth::U8;
  EXPECT_TRUE(std::isinf(compare(a, b).psnr));
}

TEST(Compare, GivesGreyTheValueOfItsSingleChannel) {
  const Image a = test::greyImage(30, 30, SampleDepth::F32, 1);
  const Image b = test::greyImage(30, 30, SampleDepth::F32, 2);
  cv::Mat ga;
  cv::Mat gb;
  cv::extractChannel(a.pixels, ga, 0);
  cv::extractChannel(b.pixels, gb, 0);
  EXPECT_NEAR(compare(a, b).psnr, psnr(ga, gb), 1e-9);
  EXPECT_NEAR(compare(a, b).ssim, naiveSsim(ga, gb, 11), 1e-9);
}

// 8-bit R'G'B' of BT.601: white is 235, black 16, the primaries 81, 145 and 41.
TEST(Metrics, LumaIsThatOfBt601) {
  cv::Mat colours(1, 5, CV_32FC3);
  const std::array<cv::Vec3f, 5> rgb{
      cv::Vec3f{1, 1, 1}, {0, 0, 0}, {1, 0, 0}, {0, 1, 0}, {0, 0, 1}};
  const std::array<double, 5> wanted{235, 16, 81.481, 144.553, 40.966};
  for (int i = 0; i < 5; ++i) colours.at<cv::Vec3f>(0, i) = rgb[static_cast<std::size_t>(i)];
  const cv::Mat y = luma(colours);
  ASSERT_EQ(y.type(), CV_32FC1);
  for (int i = 0; i < 5; ++i) {
    EXPECT_NEAR(255.0 * y.at<float>(0, i), wanted[static_cast<std::size_t>(i)], 1e-4);
  }
}

TEST(Metrics, CompareOfLumaLooksAtLumaInsideTheBorderAlone) {
  const Image a = test::photographImage(40, 30);
  Image b = a;
  b.pixels = a.pixels.clone();
  b.pixels.at<cv::Vec3f>(2, 20) = {1, 0, 1};  // in a border of 3
  EXPECT_TRUE(std::isinf(compare(a, b, {.luma = true, .border = 3}).psnr));
  EXPECT_FALSE(std::isinf(compare(a, b, {.luma = true, .border = 2}).psnr));
  // One value of red, 51/255 more: luma differs by 65.481 / 5 of 255 in one of 40 x 30 pixels.
  Image c = test::photographImage(40, 30);
  c.pixels = cv::Mat(30, 40, CV_32FC3, cv::Scalar::all(0.2));
  Image d = c;
  d.pixels = c.pixels.clone();
  d.pixels.at<cv::Vec3f>(10, 20)[0] = 0.4F;
  const double step = 65.481 / 5 / 255;
  EXPECT_NEAR(compare(c, d, {.luma = true}).psnr, -10 * std::log10(step * step / 1200), 1e-3);
  EXPECT_NEAR(compare(c, d, {.luma = true, .border = 5}).psnr, -10 * std::log10(step * step / 600),
              1e-3);
}

TEST(Metrics, ABorderLeavesAtLeastAPixel) {
  const Image a = test::photographImage(7, 9);
  EXPECT_NO_THROW(compare(a, a, {.border = 3}));
  EXPECT_THROW(compare(a, a, {.border = 4}), Error);
}

}  // namespace
}  // namespace pristine
