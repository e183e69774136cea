#include "tests/support/colour_profiles.h"

#include <lcms2.h>

#include <stdexcept>

namespace pristine::test {

namespace {

std::vector<std::uint8_t> profile(const std::array<float, 8>& xy, cmsToneCurve* curve) {
  const cmsCIExyY white{xy[6], xy[7], 1.0};
  const cmsCIExyYTRIPLE primaries{{xy[0], xy[1], 1}, {xy[2], xy[3], 1}, {xy[4], xy[5], 1}};
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

cmsCIELab labOf(const std::vector<std::uint8_t>& bytes, const void* rgb, cmsUInt32Number type) {
  cmsHPROFILE from =
      cmsOpenProfileFromMem(bytes.data(), static_cast<cmsUInt32Number>(bytes.size()));
  cmsHPROFILE to = cmsCreateLab4Profile(nullptr);
  cmsHTRANSFORM transform = cmsCreateTransform(from, type, to, TYPE_Lab_DBL,
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

const std::map<std::string, std::array<float, 8>>& colourPrimaries() {
  static const std::map<std::string, std::array<float, 8>> kPrimaries{
      {"srgb", {0.64F, 0.33F, 0.30F, 0.60F, 0.15F, 0.06F, 0.3127F, 0.3290F}},
      {"adobe", {0.64F, 0.33F, 0.21F, 0.71F, 0.15F, 0.06F, 0.3127F, 0.3290F}},
      {"p3", {0.680F, 0.320F, 0.265F, 0.690F, 0.150F, 0.060F, 0.3127F, 0.3290F}}};
  return kPrimaries;
}

const std::map<std::string, std::vector<std::uint8_t>>& colourProfiles() {
  static const std::map<std::string, std::vector<std::uint8_t>> kProfiles{
      {"srgb", profile(colourPrimaries().at("srgb"), srgbCurve())},
      {"adobe", profile(colourPrimaries().at("adobe"), cmsBuildGamma(nullptr, 563.0 / 256.0))},
      {"p3", profile(colourPrimaries().at("p3"), srgbCurve())}};
  return kProfiles;
}

std::vector<std::uint8_t> linearLightProfile(const std::array<float, 8>& primaries) {
  return profile(primaries, cmsBuildGamma(nullptr, 1.0));
}

double deltaE2000(const std::vector<std::uint8_t>& profileA, const std::uint16_t* a,
                  const std::vector<std::uint8_t>& profileB, const float* b) {
  const cmsCIELab first = labOf(profileA, a, TYPE_RGB_16);
  const cmsCIELab second = labOf(profileB, b, TYPE_RGB_FLT);
  return cmsCIE2000DeltaE(&first, &second, 1, 1, 1);
}

double deltaE2000(const std::vector<std::uint8_t>& profileA, const std::uint16_t* a,
                  const std::vector<std::uint8_t>& profileB, const std::uint16_t* b) {
  const cmsCIELab first = labOf(profileA, a, TYPE_RGB_16);
  const cmsCIELab second = labOf(profileB, b, TYPE_RGB_16);
  return cmsCIE2000DeltaE(&first, &second, 1, 1, 1);
}

}  // namespace pristine::test
