#include "tests/support/colour_profiles.h"

#include <lcms2.h>

#include <stdexcept>

namespace pristine::test {

namespace {

std::vector<std::uint8_t> profile(const cmsCIExyYTRIPLE& primaries, cmsToneCurve* curve) {
  const cmsCIExyY white{0.3127, 0.3290, 1.0};
  cmsToneCurve* curves[3] = {curve, curve, curve};
  cmsHPROFILE made = cmsCreateRGBProfile(&white, &primaries, curves);
  cmsUInt32Number size = 0;
  cmsSaveProfileToMem(made, nullptr, &size);
  std::vector<std::uint8_t> bytes(size);
  cmsSaveProfileToMem(made, bytes.data(), &size);
  cmsCloseProfile(made);
  cmsFreeToneCurve(curve);
  return bytes;
}

cmsToneCurve* srgbCurve() {
  const cmsFloat64Number parameters[5] = {2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045};
  return cmsBuildParametricToneCurve(nullptr, 4, parameters);
}

cmsCIELab labOf(const std::vector<std::uint8_t>& bytes, const std::uint16_t* rgb) {
  cmsHPROFILE from =
      cmsOpenProfileFromMem(bytes.data(), static_cast<cmsUInt32Number>(bytes.size()));
  cmsHPROFILE to = cmsCreateLab4Profile(nullptr);
  cmsHTRANSFORM transform = cmsCreateTransform(from, TYPE_RGB_16, to, TYPE_Lab_DBL,
                                               INTENT_RELATIVE_COLORIMETRIC, cmsFLAGS_NOCACHE);
  if (transform == nullptr) throw std::runtime_error("no transform from this profile");
  cmsCIELab lab{};
  cmsDoTransform(transform, rgb, &lab, 1);
  cmsDeleteTransform(transform);
  cmsCloseProfile(to);
  cmsCloseProfile(from);
  return lab;
}

}  // namespace

const std::map<std::string, std::vector<std::uint8_t>>& colourProfiles() {
  static const std::map<std::string, std::vector<std::uint8_t>> kProfiles{
      {"srgb", profile({{0.64, 0.33, 1}, {0.30, 0.60, 1}, {0.15, 0.06, 1}}, srgbCurve())},
      {"adobe", profile({{0.64, 0.33, 1}, {0.21, 0.71, 1}, {0.15, 0.06, 1}},
                        cmsBuildGamma(nullptr, 563.0 / 256.0))},
      {"p3", profile({{0.680, 0.320, 1}, {0.265, 0.690, 1}, {0.150, 0.060, 1}}, srgbCurve())}};
  return kProfiles;
}

double deltaE2000(const std::vector<std::uint8_t>& profileA, const std::uint16_t* a,
                  const std::vector<std::uint8_t>& profileB, const std::uint16_t* b) {
  const cmsCIELab first = labOf(profileA, a);
  const cmsCIELab second = labOf(profileB, b);
  return cmsCIE2000DeltaE(&first, &second, 1, 1, 1);
}

}  // namespace pristine::test
