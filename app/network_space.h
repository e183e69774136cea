#pragma once

#include <cstdint>
#include <memory>
#include <opencv2/core/mat.hpp>
#include <vector>

#include "core/image.h"

namespace pristine {

/// The way between the encoding of a picture's file and that in which networks are trained: sRGB
/// primaries and transfer curve (IEC 61966-2-1), the curve mirrored at zero, so that colours
/// outside of sRGB and values beyond white keep their place. Immutable, any thread.
class NetworkSpace {
 public:
  /// For a picture with this ICC profile. Null when it is sRGB to within a quarter of an 8-bit
  /// step, empty or of no use: nothing needs to be done then.
  static std::shared_ptr<const NetworkSpace> of(const std::vector<std::uint8_t>& profile);

  ~NetworkSpace();
  NetworkSpace(const NetworkSpace&) = delete;
  NetworkSpace& operator=(const NetworkSpace&) = delete;

  /// RGB triples in place.
  void toNetwork(float* rgb, int pixels) const;
  void fromNetwork(float* rgb, int pixels) const;
  /// The same to linear light of sRGB primaries.
  void toLinear(float* rgb, int pixels) const;

 private:
  struct Impl;
  explicit NetworkSpace(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

/// The mirrored sRGB curve, from linear light and to it.
float encodeSrgb(float linear);
float decodeSrgb(float encoded);

/// An ICC profile of linear light with primaries and white as CIE 1931 xy: red, green, blue, white.
std::vector<std::uint8_t> linearProfile(const float (&xy)[8]);
/// That of sRGB itself.
std::vector<std::uint8_t> srgbProfile();
/// Whether the values of a profile's pictures are proportional to light.
bool isLinearProfile(const std::vector<std::uint8_t>& profile);

}  // namespace pristine
