#pragma once

#include <array>
#include <optional>

#include "core/inspection/inspected_pixels.h"

namespace pristine {

/// Whether noise was told from texture, and which.
enum class NoiseKind { Faint, White, Correlated };

/// The noise of a picture on the scale of 0 to 255. Zeros where the picture is too small to tell.
struct NoiseEstimate {
  NoiseKind kind = NoiseKind::Faint;
  /// Standard deviation, R G B: `white`, of correlated noise `flat`, of faint noise the smaller of
  /// both, which is a bound.
  std::array<double, 3> sigma{};
  std::array<double, 3> white{};  ///< of the part without correlation
  std::array<double, 3> flat{};   ///< of everything in the flattest blocks: noise, or fine texture
  double uniform = 0;             ///< share of all blocks that are as flat as those
  double correlation = 0;         ///< of neighbouring pixels' noise in the flattest blocks
  double between = 1;             ///< correlation of the channels there: high in texture
  double weak = 0;  ///< share of patches whose texture drowns in noise: what `white` rests on
  double spread =
      0;  ///< median by least eigenvalue of those patches: 1 for nothing but white noise
  /// Of dark and of bright blocks, where both are there.
  std::optional<double> dark;
  std::optional<double> bright;
  bool signalDependent = false;

  double mean() const { return (sigma[0] + sigma[1] + sigma[2]) / 3; }
};

/// White noise by principal components of weak-textured patches (Liu, Tanaka and Okutomi,
/// "Single-image noise level estimation for blind denoising", IEEE TIP 2013): patches of 7x7 whose
/// gradients are no stronger than those of noise alone, selected again as the estimate gets better;
/// sigma^2 is the least eigenvalue of their covariance. Values that black and white cut off
/// are allowed for (the clipped normal distribution of Foi, "Clipped noisy images", Signal
/// Processing 2009).
///
/// Correlated noise has small eigenvalues, so it is told by the blocks of 8x8 with the least
/// variance about a plane and the autocorrelation of what remains in them. Fine texture all over a
/// picture looks the same there but in all channels alike, as noise seldom is; grey pictures have
/// no such sign and never get this kind. Dependence on the signal is told by the variance of the
/// flattest dark and bright blocks (noise level function of Liu, Szeliski, Kang, Zitnick and
/// Freeman, IEEE TPAMI 2008).
NoiseEstimate estimateNoise(const InspectedPixels& picture);

}  // namespace pristine
