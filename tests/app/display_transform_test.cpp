#include "app/display_transform.h"

#include <gtest/gtest.h>
#include <lcms2.h>

#include <random>

namespace pristine {
namespace {

std::vector<std::uint8_t> bytesOf(cmsHPROFILE profile) {
  cmsUInt32Number size = 0;
  cmsSaveProfileToMem(profile, nullptr, &size);
  std::vector<std::uint8_t> bytes(size);
  cmsSaveProfileToMem(profile, bytes.data(), &size);
  cmsCloseProfile(profile);
  return bytes;
}

/// Adobe RGB (1998): its primaries, D65, gamma 2.2.
std::vector<std::uint8_t> wideProfile() {
  const cmsCIExyY white{0.3127, 0.3290, 1.0};
  const cmsCIExyYTRIPLE primaries{{0.64, 0.33, 1.0}, {0.21, 0.71, 1.0}, {0.15, 0.06, 1.0}};
  cmsToneCurve* gamma = cmsBuildGamma(nullptr, 2.19921875);
  cmsToneCurve* curves[3] = {gamma, gamma, gamma};
  cmsHPROFILE profile = cmsCreateRGBProfile(&white, &primaries, curves);
  cmsFreeToneCurve(gamma);
  return bytesOf(profile);
}

TEST(DisplayTransform, NothingToDoBetweenEqualProfiles) {
  EXPECT_EQ(DisplayTransform::make({}, {}), nullptr);
  EXPECT_EQ(DisplayTransform::make(bytesOf(cmsCreate_sRGBProfile()), {}), nullptr);
  EXPECT_EQ(DisplayTransform::make(wideProfile(), wideProfile()), nullptr);
}

TEST(DisplayTransform, BrokenProfileIsTakenForSrgb) {
  EXPECT_EQ(DisplayTransform::make({1, 2, 3, 4}, {}), nullptr);
}

TEST(DisplayTransform, AgreesWithLittleCmsToHalfAnEightBitStep) {
  const auto wide = wideProfile();
  const auto transform = DisplayTransform::make(wide, {});
  ASSERT_NE(transform, nullptr);
  cmsHPROFILE from = cmsOpenProfileFromMem(wide.data(), static_cast<cmsUInt32Number>(wide.size()));
  cmsHPROFILE to = cmsCreate_sRGBProfile();
  cmsHTRANSFORM exact =
      cmsCreateTransform(from, TYPE_RGB_FLT, to, TYPE_RGB_FLT, INTENT_RELATIVE_COLORIMETRIC,
                         cmsFLAGS_BLACKPOINTCOMPENSATION | cmsFLAGS_NOCACHE);
  std::mt19937 random(3);
  // Colours inside both gamuts, and bright enough to lie beyond sRGB's straight piece near black.
  std::uniform_real_distribution<float> value(0.3F, 0.75F);
  for (int i = 0; i < 2000; ++i) {
    float rgb[3] = {value(random), value(random), value(random)};
    float expected[3];
    cmsDoTransform(exact, rgb, expected, 1);
    transform->apply(rgb, 1);
    for (int c = 0; c < 3; ++c) {
      EXPECT_NEAR(rgb[c], std::clamp(expected[c], 0.0F, 1.0F), 0.5F / 255.0F);
    }
  }
  cmsDeleteTransform(exact);
  cmsCloseProfile(from);
  cmsCloseProfile(to);
}

TEST(DisplayTransform, KeepsGreyGreyAndClips) {
  const auto transform = DisplayTransform::make(wideProfile(), {});
  ASSERT_NE(transform, nullptr);
  float grey[3] = {0.4F, 0.4F, 0.4F};
  transform->apply(grey, 1);
  EXPECT_NEAR(grey[0], grey[1], 1e-3);
  EXPECT_NEAR(grey[1], grey[2], 1e-3);
  float beyond[3] = {2.0F, -1.0F, 1.0F};
  transform->apply(beyond, 1);
  for (const float v : beyond) {
    EXPECT_GE(v, 0.0F);
    EXPECT_LE(v, 1.0F);
  }
}

TEST(DisplayTransform, TakesGreyProfiles) {
  cmsToneCurve* gamma = cmsBuildGamma(nullptr, 1.0);
  const cmsCIExyY white{0.3457, 0.3585, 1.0};
  cmsHPROFILE profile = cmsCreateGrayProfile(&white, gamma);
  cmsFreeToneCurve(gamma);
  const auto transform = DisplayTransform::make(bytesOf(profile), {});
  ASSERT_NE(transform, nullptr);
  float linear[3] = {0.2140F, 0.2140F, 0.2140F};  // sRGB 0.5
  transform->apply(linear, 1);
  EXPECT_NEAR(linear[0], 0.5F, 0.01F);
  EXPECT_NEAR(linear[0], linear[2], 1e-3);
}

}  // namespace
}  // namespace pristine
