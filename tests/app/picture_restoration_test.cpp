#include "app/picture_restoration.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <opencv2/core.hpp>

#include "app/alpha_bleed.h"
#include "app/image_file.h"
#include "app/network_space.h"
#include "app/row_restoration.h"
#include "core/error.h"
#include "tests/app/image_files_environment.h"
#include "tests/support/colour_profiles.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/test_image.h"
#include "tests/support/tiny_model.h"

namespace pristine {
namespace {

namespace fs = std::filesystem;

TEST(NetworkSpace, ComesBackFromEveryProfile) {
  for (const auto& [name, profile] : test::colourProfiles()) {
    const auto space = NetworkSpace::of(profile);
    EXPECT_EQ(space == nullptr, name == "srgb") << name;
    if (!space) continue;
    for (const float v : {0.0F, 0.001F, 0.2F, 0.7F, 1.0F}) {
      const float before[3] = {v, 1.0F - v, 0.3F};
      float after[3] = {before[0], before[1], before[2]};
      space->toNetwork(after, 1);
      space->fromNetwork(after, 1);
      for (int c = 0; c < 3; ++c) EXPECT_NEAR(after[c], before[c], 1e-4) << name << " " << v;
    }
  }
}

TEST(NetworkSpace, SeesWideColoursOutsideOfSrgb) {
  const auto space = NetworkSpace::of(test::colourProfiles().at("p3"));
  float green[3] = {0.0F, 1.0F, 0.0F};
  space->toNetwork(green, 1);
  EXPECT_LT(green[0], -0.1F);
  EXPECT_GT(green[1], 1.0F);
}

TEST(NetworkSpace, TakesLinearLightBeyondWhite) {
  const float rec709[8] = {0.64F, 0.33F, 0.30F, 0.60F, 0.15F, 0.06F, 0.3127F, 0.3290F};
  const auto profile = linearProfile(rec709);
  EXPECT_TRUE(isLinearProfile(profile));
  EXPECT_FALSE(isLinearProfile(srgbProfile()));
  const auto space = NetworkSpace::of(profile);
  ASSERT_NE(space, nullptr);
  float light[3] = {0.2140F, 8.0F, -0.5F};
  space->toNetwork(light, 1);
  EXPECT_NEAR(light[0], 0.5F, 1e-3) << "sRGB's middle";
  EXPECT_NEAR(light[1], encodeSrgb(8.0F), 1e-3);
  EXPECT_NEAR(light[2], -encodeSrgb(0.5F), 1e-3);
}

TEST(AlphaBleed, FillsHoles) {
  cv::Mat pixels(20, 30, CV_32FC3, cv::Scalar(0.2, 0.4, 0.6));
  cv::Mat alpha(20, 30, CV_32FC1, cv::Scalar(1.0));
  pixels(cv::Rect(5, 5, 12, 9)).setTo(cv::Scalar(1, 0, 1));
  alpha(cv::Rect(5, 5, 12, 9)).setTo(0.0F);
  bleedUnderTransparency(pixels, alpha);
  EXPECT_LT(test::largestDifference(pixels, cv::Mat(20, 30, CV_32FC3, cv::Scalar(0.2, 0.4, 0.6))),
            1e-5);
}

class PictureRestoration : public testing::Test {
 protected:
  PictureRestoration() { test::writeTinyModel(folder / "tiny.safetensors"); }
  std::shared_ptr<const Model> model() const {
    return Model::load((folder / "tiny.safetensors").string());
  }
  const test::ImageFiles started;
  const test::TemporaryFolder folder;
};

TEST_F(PictureRestoration, WorksOnLinearLightAsOnItsEncoding) {
  const Image encoded = test::photographImage(48, 40, SampleDepth::F32);
  writeImage(encoded, folder / "linear.exr");
  const Image linear = readImage(folder / "linear.exr");
  RestorerOptions options;
  options.precision = Precision::F32;
  Restorer restorer(model(), options);
  const auto a = restorer.restore(encoded, 1.0);
  auto b = restorePicture(restorer, linear, 1.0);
  ASSERT_TRUE(a && b);
  b->pixels.forEach<cv::Vec3f>([](cv::Vec3f& p, const int*) {
    for (int c = 0; c < 3; ++c) p[c] = encodeSrgb(p[c]);
  });
  EXPECT_LT(test::largestDifference(a->pixels, b->pixels), 1e-3);
}

TEST_F(PictureRestoration, MovesValuesBeyondTheTrainedRangeAlong) {
  Image image = test::photographImage(48, 40, SampleDepth::F32);
  image.pixels.at<cv::Vec3f>(20, 20) = {40.0F, 0.5F, -7.0F};
  Restorer restorer(model(), {});
  const auto restored = restorePicture(restorer, image, 1.0);
  ASSERT_TRUE(restored);
  EXPECT_NEAR(restored->pixels.at<cv::Vec3f>(20, 20)[0], 40.0F, 2.0F);
  EXPECT_NEAR(restored->pixels.at<cv::Vec3f>(20, 20)[2], -7.0F, 2.0F);
}

TEST_F(PictureRestoration, DoesNotSeeWhatIsUnderTransparency) {
  Image image = test::photographImage(64, 48, SampleDepth::F32);
  image.alpha = cv::Mat::ones(48, 64, CV_32FC1);
  image.alpha(cv::Rect(32, 0, 32, 48)).setTo(0.0F);
  Image other = image;
  other.pixels = image.pixels.clone();
  other.pixels(cv::Rect(32, 0, 32, 48)).setTo(cv::Scalar(1, 0, 1));
  Restorer restorer(model(), {});
  const auto a = restorePicture(restorer, image, 1.0);
  const auto b = restorePicture(restorer, other, 1.0);
  ASSERT_TRUE(a && b);
  const cv::Rect visible(0, 0, 32, 48);
  EXPECT_LT(test::largestDifference(a->pixels(visible).clone(), b->pixels(visible).clone()), 1e-6);
  const cv::Rect hidden(32, 0, 32, 48);
  EXPECT_EQ(test::largestDifference(b->pixels(hidden).clone(), other.pixels(hidden).clone()), 0.0);
}

class ByRows : public PictureRestoration, public testing::WithParamInterface<const char*> {};

TEST_P(ByRows, GiveThePictureThatTheWholeGives) {
  const fs::path source = folder / (std::string("in") + GetParam());
  const fs::path whole = folder / (std::string("whole") + GetParam());
  const fs::path rows = folder / (std::string("rows") + GetParam());
  Image image = test::photographImage(300, 500, SampleDepth::U8);
  if (traitsOf(*formatOfName(source)).alpha) {
    image.alpha = cv::Mat(500, 300, CV_32FC1, cv::Scalar(0.8));
  }
  writeImage(image, source);
  Restorer restorer(model(), {});
  RowRestorationOptions options;
  options.memory = std::int64_t{300} * 92 * 100;
  const auto notes = restoreRows(source, rows, restorer, options, {});
  ASSERT_TRUE(notes);
  // The same tiles, as attention depends on them.
  Restorer small(model(), {.tile = 100});
  const auto restored = restorePicture(small, readImage(source), 1.0);
  ASSERT_TRUE(restored);
  writeImage(*restored, whole);
  const double step = source.extension() == ".jpg" ? 3.0 / 255 : 1.01 / 255;
  EXPECT_LT(test::largestDifference(readImage(whole).pixels, readImage(rows).pixels), step);
  EXPECT_EQ(readImage(rows).alpha.empty(), image.alpha.empty());
}

INSTANTIATE_TEST_SUITE_P(Formats, ByRows, testing::Values(".png", ".jpg", ".tif", ".exr"));

TEST_F(PictureRestoration, ByRowsSaysWhatItNeeds) {
  writeImage(test::photographImage(300, 100), folder / "a.png");
  Restorer restorer(model(), {});
  RowRestorationOptions options;
  options.memory = 1000;
  EXPECT_THROW(restoreRows(folder / "a.png", folder / "b.png", restorer, options, {}), Error);
  EXPECT_FALSE(std::filesystem::exists(folder / "b.png"));
}

TEST(Rows, AreRefusedWhereAFormatHasNone) {
  PictureSize size;
  size.rows = true;
  EXPECT_EQ(obstacleToRows(size, "a.png", {}), "");
  EXPECT_NE(obstacleToRows(size, "a.webp", {}), "");
  size.rows = false;
  EXPECT_NE(obstacleToRows(size, "a.png", {}), "");
}

}  // namespace
}  // namespace pristine
