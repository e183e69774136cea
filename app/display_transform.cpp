#include "app/display_transform.h"

#include <lcms2.h>

#include <algorithm>
#include <cmath>
#include <cstddef>

#include "app/lcms_handles.h"

namespace pristine {

namespace {

constexpr int kSteps = 33;
constexpr std::size_t kStrideG = static_cast<std::size_t>(kSteps) * 3;
constexpr std::size_t kStrideR = kStrideG * kSteps;

ProfilePtr open(const std::vector<std::uint8_t>& bytes) {
  if (!bytes.empty()) {
    ProfilePtr profile(
        cmsOpenProfileFromMem(bytes.data(), static_cast<cmsUInt32Number>(bytes.size())));
    if (profile) {
      const auto space = cmsGetColorSpace(profile.get());
      if (space == cmsSigRgbData || space == cmsSigGrayData) return profile;
    }
  }
  return ProfilePtr(cmsCreate_sRGBProfile());
}

}  // namespace

std::shared_ptr<const DisplayTransform> DisplayTransform::make(
    const std::vector<std::uint8_t>& picture, const std::vector<std::uint8_t>& screen) {
  const ProfilePtr from = open(picture);
  ProfilePtr to = open(screen);
  if (cmsGetColorSpace(to.get()) != cmsSigRgbData) to.reset(cmsCreate_sRGBProfile());
  const bool grey = cmsGetColorSpace(from.get()) == cmsSigGrayData;
  const TransformPtr transform(cmsCreateTransform(
      from.get(), grey ? TYPE_GRAY_FLT : TYPE_RGB_FLT, to.get(), TYPE_RGB_FLT,
      INTENT_RELATIVE_COLORIMETRIC, cmsFLAGS_BLACKPOINTCOMPENSATION | cmsFLAGS_NOCACHE));
  if (!transform) return nullptr;

  const std::shared_ptr<DisplayTransform> result(new DisplayTransform);
  result->table_.resize(kStrideR * kSteps);
  std::vector<float> line;
  float* out = result->table_.data();
  float largest = 0.0F;
  const auto value = [](int step) { return static_cast<float>(step) / (kSteps - 1); };
  for (int r = 0; r < kSteps; ++r) {
    for (int g = 0; g < kSteps; ++g, out += kStrideG) {
      line.clear();
      for (int b = 0; b < kSteps; ++b) {
        if (grey) {
          line.push_back((value(r) + value(g) + value(b)) / 3.0F);
        } else {
          line.insert(line.end(), {value(r), value(g), value(b)});
        }
      }
      cmsDoTransform(transform.get(), line.data(), out, kSteps);
      for (int b = 0; b < kSteps; ++b) {
        const float expected[3] = {value(r), value(g), value(b)};
        for (int c = 0; c < 3; ++c) {
          largest = std::max(largest, std::abs(out[3 * b + c] - expected[c]));
        }
      }
    }
  }
  if (largest < 0.25F / 255.0F) return nullptr;
  return result;
}

void DisplayTransform::apply(float* rgb, int pixels) const {
  for (int i = 0; i < pixels; ++i, rgb += 3) {
    float fraction[3];
    std::size_t cell[3];
    for (int c = 0; c < 3; ++c) {
      const float v = std::clamp(rgb[c], 0.0F, 1.0F) * (kSteps - 1);
      const int step = std::min(static_cast<int>(v), kSteps - 2);
      cell[c] = static_cast<std::size_t>(step);
      fraction[c] = v - static_cast<float>(step);
    }
    const float* base = table_.data() + cell[0] * kStrideR + cell[1] * kStrideG + cell[2] * 3;
    // Tetrahedral interpolation: from the lower corner to the upper one along the axes in the order
    // of their fractions. Exact on the grey diagonal.
    struct Axis {
      float fraction;
      std::size_t stride;
    };
    Axis a[3] = {{fraction[0], kStrideR}, {fraction[1], kStrideG}, {fraction[2], 3}};
    if (a[0].fraction < a[1].fraction) std::swap(a[0], a[1]);
    if (a[1].fraction < a[2].fraction) std::swap(a[1], a[2]);
    if (a[0].fraction < a[1].fraction) std::swap(a[0], a[1]);
    const float* p1 = base + a[0].stride;
    const float* p2 = p1 + a[1].stride;
    const float* p3 = p2 + a[2].stride;
    // Clipped last: corners outside the screen's colours must not bend those inside.
    for (int c = 0; c < 3; ++c) {
      const float value = base[c] + a[0].fraction * (p1[c] - base[c]) +
                          a[1].fraction * (p2[c] - p1[c]) + a[2].fraction * (p3[c] - p2[c]);
      rgb[c] = std::clamp(value, 0.0F, 1.0F);
    }
  }
}

}  // namespace pristine
