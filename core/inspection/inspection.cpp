#include "core/inspection/inspection.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <opencv2/core.hpp>

#include "core/inspection/banding_estimate.h"
#include "core/inspection/blur_estimate.h"

namespace pristine {

namespace {

/// Noise under it is that of good cameras: taking it away changes more than it mends.
constexpr double kVisibleNoise = 2.8;
/// JPEG of more is without traces that anyone sees.
constexpr int kGoodQuality = 92;

/// Larger pictures are judged by their middle.
constexpr double kMostPixels = 8e6;

/// The middle of a picture, beginning where a block of 8x8 does.
cv::Rect inspectedPart(const cv::Mat& pixels) {
  const double all = std::max(static_cast<double>(pixels.cols) * pixels.rows, 1.0);
  const double share = std::min(1.0, std::sqrt(kMostPixels / all));
  const int width = std::max(1, static_cast<int>(pixels.cols * share));
  const int height = std::max(1, static_cast<int>(pixels.rows * share));
  return {(pixels.cols - width) / 16 * 8, (pixels.rows - height) / 16 * 8, width, height};
}

std::string number(const char* format, double value) {
  char text[64];
  std::snprintf(text, sizeof(text), format, value);
  return text;
}

/// "quality 40", "quality 80 over 50".
std::string qualityText(const JpegHistory& jpeg) {
  std::string text = "JPEG quality " + std::to_string(jpeg.last->quality);
  if (jpeg.earlier) text += " over " + std::to_string(jpeg.earlier->quality);
  return text;
}

}  // namespace

Verdict judge(const Inspection& inspection) {
  const NoiseEstimate& noise = inspection.noise;
  Verdict verdict;
  if (!inspection.visible) {
    verdict.reason = "nothing to see: all of it is transparent";
    return verdict;
  }
  const double sigma = noise.mean();
  const std::string noiseText = "noise of sigma " + number("%.1f", sigma);
  // White noise that outlived a compression hides its traces from dejpeg.
  if (noise.kind == NoiseKind::White && sigma >= kVisibleNoise) {
    verdict.need = Need::Denoise;
    verdict.reason = noiseText;
    return verdict;
  }
  int worst = inspection.jpeg.last ? inspection.jpeg.last->quality : 100;
  if (inspection.jpeg.earlier) worst = std::min(worst, inspection.jpeg.earlier->quality);
  if (worst < kGoodQuality) {
    verdict.need = Need::Dejpeg;
    verdict.reason = qualityText(inspection.jpeg);
    return verdict;
  }
  // The denoiser has learned white noise and leaves other noise alone; that of JPEG is alike.
  if (noise.kind == NoiseKind::Correlated) {
    verdict.need = Need::Dejpeg;
    verdict.reason = noiseText + ", correlated";
    return verdict;
  }
  verdict.reason = "clean: noise of sigma " + number("%.1f", sigma);
  if (inspection.jpeg.last) verdict.reason += ", " + qualityText(inspection.jpeg);
  return verdict;
}

Inspection inspect(const cv::Mat& pixels, const cv::Mat& stored, const cv::Mat& alpha, bool grey,
                   const std::optional<JpegHeader>& header) {
  Inspection result;
  result.header = header;
  const cv::Rect part = inspectedPart(pixels);
  const cv::Mat covered = alpha.empty() ? alpha : alpha(part);
  const InspectedPixels seen = inspectedPixels(pixels(part), covered, grey);
  const InspectedPixels raw =
      stored.data == pixels.data ? seen : inspectedPixels(stored(part), covered, grey);
  result.visible = cv::countNonZero(seen.usable) > 0;
  result.noise = estimateNoise(seen);
  result.jpeg = findJpegHistory(raw, header ? std::optional(header->luma) : std::nullopt);
  result.blur = estimateBlur(seen, result.noise.mean());
  result.banding = estimateBanding(raw);
  result.verdict = judge(result);
  return result;
}

}  // namespace pristine
