#pragma once

#include <cstdint>
#include <memory>
#include <vector>

namespace pristine {

/// Colours of a picture in the colours of a screen, through a table of 33 steps a channel. Values
/// are clipped to [0, 1], as a screen does. Immutable, any thread.
class DisplayTransform {
 public:
  /// Profiles are ICC files in memory; an empty one, or one that cannot be used, is sRGB. Null when
  /// both sides are the same to within a quarter of an 8-bit step: nothing needs to be done.
  static std::shared_ptr<const DisplayTransform> make(const std::vector<std::uint8_t>& picture,
                                                      const std::vector<std::uint8_t>& screen);

  /// RGB triples in place.
  void apply(float* rgb, int pixels) const;

 private:
  DisplayTransform() = default;

  std::vector<float> table_;  ///< [r][g][b][3]
};

}  // namespace pristine
