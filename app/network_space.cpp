#include "app/network_space.h"

#include <lcms2.h>

#include <algorithm>
#include <cmath>
#include <mutex>
#include <utility>

#include "app/lcms_handles.h"

namespace pristine {

namespace {

struct FreeCurve {
  void operator()(cmsToneCurve* curve) const { cmsFreeToneCurve(curve); }
};

constexpr float kSrgbPrimaries[8] = {0.64F, 0.33F, 0.30F, 0.60F, 0.15F, 0.06F, 0.3127F, 0.3290F};

ProfilePtr makeLinear(const float (&xy)[8]) {
  const cmsCIExyYTRIPLE primaries{{xy[0], xy[1], 1.0}, {xy[2], xy[3], 1.0}, {xy[4], xy[5], 1.0}};
  const cmsCIExyY white{xy[6], xy[7], 1.0};
  const std::unique_ptr<cmsToneCurve, FreeCurve> curve(cmsBuildGamma(nullptr, 1.0));
  cmsToneCurve* curves[3] = {curve.get(), curve.get(), curve.get()};
  return ProfilePtr(cmsCreateRGBProfile(&white, &primaries, curves));
}

std::vector<std::uint8_t> bytesOf(const ProfilePtr& profile) {
  cmsUInt32Number size = 0;
  if (!profile || cmsSaveProfileToMem(profile.get(), nullptr, &size) == 0) return {};
  std::vector<std::uint8_t> bytes(size);
  if (cmsSaveProfileToMem(profile.get(), bytes.data(), &size) == 0) return {};
  return bytes;
}

ProfilePtr open(const std::vector<std::uint8_t>& bytes) {
  return ProfilePtr(
      cmsOpenProfileFromMem(bytes.data(), static_cast<cmsUInt32Number>(bytes.size())));
}

bool isUsable(const ProfilePtr& profile) {
  if (!profile) return false;
  const auto space = cmsGetColorSpace(profile.get());
  return space == cmsSigRgbData || space == cmsSigGrayData;
}

}  // namespace

float encodeSrgb(float linear) {
  const float v = std::abs(linear);
  const float encoded = v <= 0.0031308F ? 12.92F * v : 1.055F * std::pow(v, 1.0F / 2.4F) - 0.055F;
  return std::copysign(encoded, linear);
}

float decodeSrgb(float encoded) {
  const float v = std::abs(encoded);
  const float linear = v <= 0.04045F ? v / 12.92F : std::pow((v + 0.055F) / 1.055F, 2.4F);
  return std::copysign(linear, encoded);
}

std::vector<std::uint8_t> linearProfile(const float (&xy)[8]) {
  return bytesOf(makeLinear(xy));
}

std::vector<std::uint8_t> srgbProfile() {
  return bytesOf(ProfilePtr(cmsCreate_sRGBProfile()));
}

bool isLinearProfile(const std::vector<std::uint8_t>& profile) {
  if (profile.empty()) return false;
  const ProfilePtr opened = open(profile);
  if (!isUsable(opened)) return false;
  const bool grey = cmsGetColorSpace(opened.get()) == cmsSigGrayData;
  const auto* curve = static_cast<const cmsToneCurve*>(
      cmsReadTag(opened.get(), grey ? cmsSigGrayTRCTag : cmsSigGreenTRCTag));
  return curve != nullptr && cmsIsToneCurveLinear(curve) != 0;
}

struct NetworkSpace::Impl {
  bool grey = false;
  TransformPtr toLinear;
  TransformPtr fromLinear;

  /// Grey profiles see the mean of the three channels, and give three equal ones.
  void apply(const TransformPtr& transform, bool greyIn, bool greyOut, float* rgb,
             int pixels) const {
    if (!greyIn && !greyOut) {
      cmsDoTransform(transform.get(), rgb, rgb, static_cast<cmsUInt32Number>(pixels));
      return;
    }
    std::vector<float> grey1(static_cast<std::size_t>(pixels));
    if (greyIn) {
      for (std::size_t i = 0; i < grey1.size(); ++i) {
        grey1[i] = (rgb[3 * i] + rgb[3 * i + 1] + rgb[3 * i + 2]) / 3.0F;
      }
      cmsDoTransform(transform.get(), grey1.data(), rgb, static_cast<cmsUInt32Number>(pixels));
      return;
    }
    cmsDoTransform(transform.get(), rgb, grey1.data(), static_cast<cmsUInt32Number>(pixels));
    for (std::size_t i = 0; i < grey1.size(); ++i) {
      rgb[3 * i] = rgb[3 * i + 1] = rgb[3 * i + 2] = grey1[i];
    }
  }
};

NetworkSpace::NetworkSpace(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
NetworkSpace::~NetworkSpace() = default;

void NetworkSpace::toLinear(float* rgb, int pixels) const {
  impl_->apply(impl_->toLinear, impl_->grey, false, rgb, pixels);
}

void NetworkSpace::toNetwork(float* rgb, int pixels) const {
  toLinear(rgb, pixels);
  std::transform(rgb, rgb + std::ptrdiff_t{3} * pixels, rgb, encodeSrgb);
}

void NetworkSpace::fromNetwork(float* rgb, int pixels) const {
  std::transform(rgb, rgb + std::ptrdiff_t{3} * pixels, rgb, decodeSrgb);
  impl_->apply(impl_->fromLinear, false, impl_->grey, rgb, pixels);
}

std::shared_ptr<const NetworkSpace> NetworkSpace::of(const std::vector<std::uint8_t>& profile) {
  if (profile.empty()) return nullptr;
  // Tiles of one picture, and pictures of one camera, come with the same profile.
  static std::mutex mutex;
  static std::vector<std::uint8_t> lastProfile;
  static std::shared_ptr<const NetworkSpace> last;
  const std::lock_guard lock(mutex);
  if (profile == lastProfile) return last;
  lastProfile = profile;
  last = nullptr;

  const ProfilePtr file = open(profile);
  if (!isUsable(file)) return nullptr;
  auto impl = std::make_unique<Impl>();
  impl->grey = cmsGetColorSpace(file.get()) == cmsSigGrayData;
  const cmsUInt32Number type = impl->grey ? TYPE_GRAY_FLT : TYPE_RGB_FLT;
  const ProfilePtr linear = makeLinear(kSrgbPrimaries);
  constexpr cmsUInt32Number kFlags = cmsFLAGS_NOCACHE | cmsFLAGS_NOOPTIMIZE;
  impl->toLinear.reset(cmsCreateTransform(file.get(), type, linear.get(), TYPE_RGB_FLT,
                                          INTENT_RELATIVE_COLORIMETRIC, kFlags));
  impl->fromLinear.reset(cmsCreateTransform(linear.get(), TYPE_RGB_FLT, file.get(), type,
                                            INTENT_RELATIVE_COLORIMETRIC, kFlags));
  if (!impl->toLinear || !impl->fromLinear) return nullptr;
  std::shared_ptr<const NetworkSpace> space(new NetworkSpace(std::move(impl)));

  constexpr int kSteps = 9;
  float largest = 0.0F;
  for (int i = 0; i < kSteps * kSteps * kSteps; ++i) {
    const float before[3] = {static_cast<float>(i % kSteps) / (kSteps - 1),
                             static_cast<float>(i / kSteps % kSteps) / (kSteps - 1),
                             static_cast<float>(i / (kSteps * kSteps)) / (kSteps - 1)};
    float after[3] = {before[0], before[1], before[2]};
    if (space->impl_->grey) after[1] = after[2] = before[0];
    space->toNetwork(after, 1);
    for (int c = 0; c < 3; ++c) {
      largest = std::max(largest, std::abs(after[c] - before[space->impl_->grey ? 0 : c]));
    }
  }
  if (largest >= 0.25F / 255.0F) last = space;
  return last;
}

}  // namespace pristine
