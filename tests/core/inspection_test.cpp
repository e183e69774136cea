#include "core/inspection/inspection.h"

#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <cstdint>
#include <limits>
#include <numbers>
#include <opencv2/core.hpp>
#include <random>
#include <vector>

#include "core/inspection/banding_estimate.h"
#include "core/inspection/blur_estimate.h"

namespace pristine {
namespace {

/// Smooth light, some edges and no noise, CV_32FC3 from 0 to 1, rounded as 8 bits are.
cv::Mat scene(int width, int height, double low = 40, double high = 210) {
  cv::Mat pixels(height, width, CV_32FC3);
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x) {
      const double wave =
          std::sin(x / 23.0) * std::cos(y / 31.0) + 0.4 * std::sin((x + 2 * y) / 9.0);
      const double object =
          std::hypot(x - 0.6 * width, y - 0.4 * height) < 0.2 * height ? 0.6 : 0.0;
      for (int c = 0; c < 3; ++c) {
        const double share = 0.5 + 0.25 * (wave * (1 - 0.2 * c) + object);
        const double value = low + (high - low) * std::min(std::max(share, 0.0), 1.0);
        pixels.ptr<float>(y)[3 * x + c] = static_cast<float>(std::round(value) / 255);
      }
    }
  }
  return pixels;
}

float toEightBits(double value) {
  return static_cast<float>(std::min(std::max(std::round(value), 0.0), 255.0) / 255);
}

/// White noise of `sigma` of 255, cut off and rounded as 8 bits are.
cv::Mat withNoise(const cv::Mat& pixels, double sigma, std::uint32_t seed = 1) {
  std::mt19937 random(seed);
  std::normal_distribution<double> noise(0, sigma);
  cv::Mat result = pixels.clone();
  for (int y = 0; y < result.rows; ++y) {
    auto* row = result.ptr<float>(y);
    for (int i = 0; i < 3 * result.cols; ++i) row[i] = toEightBits(255.0 * row[i] + noise(random));
  }
  return result;
}

/// Noise whose neighbours are alike: white noise, the mean of 2x2.
cv::Mat withCorrelatedNoise(const cv::Mat& pixels, double sigma) {
  std::mt19937 random(3);
  std::normal_distribution<double> normal(0, 2 * sigma);
  cv::Mat noise(pixels.rows + 1, pixels.cols + 1, CV_64FC3);
  for (int y = 0; y < noise.rows; ++y) {
    for (int i = 0; i < 3 * noise.cols; ++i) noise.ptr<double>(y)[i] = normal(random);
  }
  cv::Mat result = pixels.clone();
  for (int y = 0; y < result.rows; ++y) {
    for (int i = 0; i < 3 * result.cols; ++i) {
      const double mean = (noise.ptr<double>(y)[i] + noise.ptr<double>(y)[i + 3] +
                           noise.ptr<double>(y + 1)[i] + noise.ptr<double>(y + 1)[i + 3]) /
                          4;
      float& value = result.ptr<float>(y)[i];
      value = toEightBits(255.0 * value + mean);
    }
  }
  return result;
}

/// What JPEG does to a grey picture, as ITU-T T.81 defines it: DCT, rounding to multiples of the
/// steps and back. Blocks begin at the offset; pixels outside of whole ones stay.
cv::Mat compressed(const cv::Mat& pixels, const JpegTable& table, int offsetX = 0,
                   int offsetY = 0) {
  cv::Mat result = pixels.clone();
  const auto scale = [](int k) { return k == 0 ? std::sqrt(0.125) : 0.5; };
  const auto wave = [](int k, int n) { return std::cos((2 * n + 1) * k * std::numbers::pi / 16); };
  for (int top = offsetY; top + 8 <= pixels.rows; top += 8) {
    for (int left = offsetX; left + 8 <= pixels.cols; left += 8) {
      std::array<double, 64> coefficients{};
      for (int v = 0; v < 8; ++v) {
        for (int u = 0; u < 8; ++u) {
          double sum = 0;
          for (int y = 0; y < 8; ++y) {
            for (int x = 0; x < 8; ++x) {
              sum += (255.0 * pixels.ptr<float>(top + y)[3 * (left + x)] - 128) * wave(u, x) *
                     wave(v, y);
            }
          }
          const auto place = static_cast<std::size_t>(8 * v + u);
          const double step = table[place];
          coefficients[place] = std::round(scale(u) * scale(v) * sum / step) * step;
        }
      }
      for (int y = 0; y < 8; ++y) {
        for (int x = 0; x < 8; ++x) {
          double sum = 128;
          for (int v = 0; v < 8; ++v) {
            for (int u = 0; u < 8; ++u) {
              sum += scale(u) * scale(v) * coefficients[static_cast<std::size_t>(8 * v + u)] *
                     wave(u, x) * wave(v, y);
            }
          }
          for (int c = 0; c < 3; ++c)
            result.ptr<float>(top + y)[3 * (left + x) + c] = toEightBits(sum);
        }
      }
    }
  }
  return result;
}

/// A grey picture with something in most blocks.
cv::Mat greyScene(int width, int height) {
  cv::Mat pixels = withNoise(scene(width, height), 6, 5);
  for (int y = 0; y < height; ++y) {
    auto* row = pixels.ptr<float>(y);
    for (int x = 0; x < width; ++x) row[3 * x] = row[3 * x + 2] = row[3 * x + 1];
  }
  return pixels;
}

Inspection inspected(const cv::Mat& pixels, const cv::Mat& alpha = {}, bool grey = false) {
  return inspect(pixels, pixels, alpha, grey, std::nullopt);
}

TEST(NoiseEstimate, FindsTheSigmaOfWhiteNoise) {
  const cv::Mat clean = scene(160, 120);
  for (const double sigma : {4.0, 10.0, 25.0, 50.0}) {
    const NoiseEstimate noise = inspected(withNoise(clean, sigma)).noise;
    EXPECT_EQ(noise.kind, NoiseKind::White) << sigma;
    for (const double one : noise.sigma) EXPECT_NEAR(one, sigma, 0.1 * sigma) << sigma;
    EXPECT_LT(noise.correlation, 0.2) << sigma;
  }
}

TEST(NoiseEstimate, TellsTheChannelsApart) {
  cv::Mat pixels = withNoise(scene(160, 120), 8);
  const cv::Mat more = withNoise(scene(160, 120), 24, 2);
  for (int y = 0; y < pixels.rows; ++y) {
    for (int x = 0; x < pixels.cols; ++x) {
      pixels.ptr<float>(y)[3 * x + 2] = more.ptr<float>(y)[3 * x + 2];
    }
  }
  const NoiseEstimate noise = inspected(pixels).noise;
  EXPECT_NEAR(noise.sigma[0], 8, 0.8);
  EXPECT_NEAR(noise.sigma[1], 8, 0.8);
  EXPECT_NEAR(noise.sigma[2], 24, 2.4);
}

TEST(NoiseEstimate, AllowsForValuesCutOffBlackAndWhite) {
  const cv::Mat dark = withNoise(scene(160, 120, 0, 90), 30);
  for (const double sigma : inspected(dark).noise.sigma) EXPECT_NEAR(sigma, 30, 4.5);
  const cv::Mat bright = withNoise(scene(160, 120, 150, 255), 30);
  for (const double sigma : inspected(bright).noise.sigma) EXPECT_NEAR(sigma, 30, 4.5);
}

TEST(NoiseEstimate, KnowsCorrelatedNoise) {
  const NoiseEstimate noise = inspected(withCorrelatedNoise(scene(160, 120), 12)).noise;
  EXPECT_EQ(noise.kind, NoiseKind::Correlated);
  EXPECT_NEAR(noise.mean(), 12, 1.8);
  EXPECT_NEAR(noise.correlation, 0.5, 0.15);  // neighbours share half of what they are the mean of
}

TEST(NoiseEstimate, FindsNoneInACleanPicture) {
  const NoiseEstimate noise = inspected(scene(160, 120)).noise;
  EXPECT_EQ(noise.kind, NoiseKind::Faint);
  EXPECT_LT(noise.mean(), 1);
}

TEST(NoiseEstimate, SaysWhereNoiseDependsOnTheSignal) {
  const cv::Mat clean = scene(320, 240, 10, 245);
  cv::Mat pixels = withNoise(clean, 1);
  std::mt19937 random(1);
  std::normal_distribution<double> normal(0, 1);
  for (int y = 0; y < pixels.rows; ++y) {
    for (int i = 0; i < 3 * pixels.cols; ++i) {
      const double value = 255.0 * clean.ptr<float>(y)[i];
      pixels.ptr<float>(y)[i] = toEightBits(value + std::sqrt(2 * value) * normal(random));
    }
  }
  const NoiseEstimate noise = inspected(pixels).noise;
  EXPECT_TRUE(noise.signalDependent);
  ASSERT_TRUE(noise.dark && noise.bright);
  EXPECT_LT(*noise.dark, *noise.bright);
  EXPECT_FALSE(inspected(withNoise(scene(320, 240, 10, 245), 10)).noise.signalDependent);
}

TEST(JpegTables, AreThoseOfAnnexKAtQualityFifty) {
  const JpegTable half = standardTable(50);
  EXPECT_EQ(half[0], 16);
  EXPECT_EQ(half[1], 11);
  EXPECT_EQ(half[8], 12);
  EXPECT_EQ(half[63], 99);
  for (const int step : standardTable(100)) EXPECT_EQ(step, 1);
  EXPECT_EQ(standardTable(75)[0], 8);
  EXPECT_EQ(standardTable(1)[0], 255);
}

TEST(JpegTables, GiveTheirQualityBack) {
  for (int quality = 5; quality <= 100; ++quality) {
    EXPECT_EQ(qualityOf(standardTable(quality)), quality);
  }
  JpegTable other = standardTable(70);
  for (int& step : other) step += step > 6 ? 1 : 0;
  EXPECT_NEAR(qualityOf(other), 70, 5);
}

/// The segments that matter of a JPEG file with a table of ramps and halved chroma.
std::vector<std::uint8_t> jpegHeader(const JpegTable& table) {
  // Zigzag order by its definition: diagonals, every other one upwards.
  std::vector<std::uint8_t> bytes{0xFF, 0xD8, 0xFF, 0xE0, 0, 4, 1, 2, 0xFF, 0xDB, 0, 67, 2};
  for (int diagonal = 0; diagonal < 15; ++diagonal) {
    for (int i = 0; i <= diagonal; ++i) {
      const int row = diagonal % 2 == 0 ? diagonal - i : i;
      const int column = diagonal - row;
      if (row < 8 && column < 8) {
        bytes.push_back(
            static_cast<std::uint8_t>(table[static_cast<std::size_t>(8 * row + column)]));
      }
    }
  }
  const std::vector<std::uint8_t> frame{0xFF, 0xC0, 0,    17, 8, 0,    16, 0,    16,   3, 1, 0x22,
                                        2,    2,    0x11, 1,  3, 0x11, 1,  0xFF, 0xDA, 0, 2};
  bytes.insert(bytes.end(), frame.begin(), frame.end());
  return bytes;
}

TEST(JpegHeader, HasTheTableOfLuma) {
  const auto header = parseJpegHeader(jpegHeader(standardTable(63)));
  ASSERT_TRUE(header);
  EXPECT_EQ(header->luma, standardTable(63));
  EXPECT_EQ(header->quality, 63);
  EXPECT_TRUE(header->standard);
  EXPECT_TRUE(header->subsampled);
}

TEST(JpegHeader, IsEmptyForWhatEndsTooSoonOrIsNoJpeg) {
  const auto bytes = jpegHeader(standardTable(63));
  const std::size_t frameEnd = bytes.size() - 4;
  for (std::size_t size = 0; size < frameEnd; ++size) {
    EXPECT_FALSE(parseJpegHeader(std::span(bytes).first(size))) << size;
  }
  EXPECT_FALSE(parseJpegHeader(std::vector<std::uint8_t>(200, 0xFF)));
  std::vector<std::uint8_t> lying = bytes;
  lying[10] = 0;
  lying[11] = 1;  // a segment shorter than its own length
  EXPECT_FALSE(parseJpegHeader(lying));
}

TEST(JpegHistory, FindsQualityAndGrid) {
  const cv::Mat clean = greyScene(160, 128);
  EXPECT_FALSE(inspected(clean).jpeg.last);
  for (const int quality : {20, 55, 80, 92}) {
    const auto jpeg = inspected(compressed(clean, standardTable(quality))).jpeg;
    ASSERT_TRUE(jpeg.last) << quality;
    EXPECT_NEAR(jpeg.last->quality, quality, 2);
    EXPECT_EQ(jpeg.last->offsetX, 0);
    EXPECT_EQ(jpeg.last->offsetY, 0);
  }
  const auto shifted = inspected(compressed(clean, standardTable(40), 3, 6)).jpeg;
  ASSERT_TRUE(shifted.last);
  EXPECT_NEAR(shifted.last->quality, 40, 2);
  EXPECT_EQ(shifted.last->offsetX, 3);
  EXPECT_EQ(shifted.last->offsetY, 6);
}

TEST(JpegHistory, FindsTheCompressionBeforeTheLast) {
  const cv::Mat once = compressed(greyScene(256, 192), standardTable(85));
  EXPECT_FALSE(inspected(once).jpeg.earlier);
  const cv::Mat twice =
      compressed(compressed(greyScene(256, 192), standardTable(50)), standardTable(85));
  const auto jpeg = inspected(twice).jpeg;
  ASSERT_TRUE(jpeg.last && jpeg.earlier);
  EXPECT_NEAR(jpeg.last->quality, 85, 2);
  EXPECT_NEAR(jpeg.earlier->quality, 50, 5);
}

TEST(JpegHistory, TakesTheTableOfTheFile) {
  const cv::Mat clean = scene(64, 48);
  JpegHeader header;
  header.luma = standardTable(33);
  const auto found = inspect(clean, clean, {}, false, header);
  ASSERT_TRUE(found.jpeg.last);
  EXPECT_EQ(found.jpeg.last->quality, 33);
  EXPECT_EQ(found.verdict.need, Need::Dejpeg);
}

/// A step blurred by a Gaussian, by its integral; slanted, so that edges lie between pixels too.
cv::Mat blurredStep(double sigma) {
  cv::Mat pixels(96, 96, CV_32FC3);
  for (int y = 0; y < pixels.rows; ++y) {
    for (int x = 0; x < pixels.cols; ++x) {
      const double distance = (x - 48 + 0.1 * (y - 48)) / std::hypot(1.0, 0.1);
      const double value = 128 + 90 * std::erf(distance / (std::sqrt(2.0) * sigma));
      for (int c = 0; c < 3; ++c) pixels.ptr<float>(y)[3 * x + c] = static_cast<float>(value / 255);
    }
  }
  return pixels;
}

TEST(BlurEstimate, FindsTheSigmaOfABlurredStep) {
  for (const double sigma : {0.8, 1.5, 3.0}) {
    const auto blur = estimateBlur(inspectedPixels(blurredStep(sigma), {}, false), 0);
    ASSERT_TRUE(blur) << sigma;
    EXPECT_NEAR(*blur, sigma, 0.15 * sigma);
  }
  EXPECT_FALSE(
      estimateBlur(inspectedPixels(cv::Mat(64, 64, CV_32FC3, cv::Scalar::all(0.5)), {}, false), 0));
}

TEST(BandingEstimate, SeesStairsAndNotSlopes) {
  cv::Mat stairs(64, 256, CV_32FC3);
  cv::Mat slope(64, 256, CV_32FC3);
  for (int y = 0; y < stairs.rows; ++y) {
    for (int x = 0; x < stairs.cols; ++x) {
      for (int c = 0; c < 3; ++c) {
        stairs.ptr<float>(y)[3 * x + c] = static_cast<float>(100 + 2 * (x / 32)) / 255;
        slope.ptr<float>(y)[3 * x + c] = static_cast<float>(100 + x / 2) / 255;
      }
    }
  }
  // All of the rows and nothing of the columns, which are of one value each.
  EXPECT_DOUBLE_EQ(estimateBanding(inspectedPixels(stairs, {}, false)), 0.5);
  EXPECT_EQ(estimateBanding(inspectedPixels(slope, {}, false)), 0);
}

TEST(Inspection, ChoosesWhatHelps) {
  EXPECT_EQ(inspected(scene(160, 120)).verdict.need, Need::Nothing);
  const Verdict noisy = inspected(withNoise(scene(160, 120), 12)).verdict;
  EXPECT_EQ(noisy.need, Need::Denoise);
  EXPECT_NE(noisy.reason.find("noise of sigma 1"), std::string::npos) << noisy.reason;
  const Verdict blocky = inspected(compressed(greyScene(160, 128), standardTable(40))).verdict;
  EXPECT_EQ(blocky.need, Need::Dejpeg);
  EXPECT_NE(blocky.reason.find("quality"), std::string::npos) << blocky.reason;
}

TEST(Inspection, TakesPicturesOfAnySize) {
  for (const cv::Size size : {cv::Size(1, 1), cv::Size(7, 5), cv::Size(5, 7), cv::Size(8, 8),
                              cv::Size(1, 300), cv::Size(300, 1), cv::Size(33, 40)}) {
    for (const bool grey : {false, true}) {
      const Inspection found = inspected(withNoise(scene(size.width, size.height), 5), {}, grey);
      for (const double sigma : found.noise.sigma) EXPECT_TRUE(std::isfinite(sigma));
      EXPECT_TRUE(std::isfinite(found.banding));
      EXPECT_FALSE(found.verdict.reason.empty());
    }
  }
}

TEST(Inspection, CallsFlatAndSaturatedPicturesClean) {
  for (const double value : {0.0, 0.5, 1.0}) {
    const Inspection found = inspected(cv::Mat(100, 90, CV_32FC3, cv::Scalar::all(value)));
    EXPECT_EQ(found.verdict.need, Need::Nothing) << value << ": " << found.verdict.reason;
  }
}

TEST(Inspection, LeavesOutWhatCannotBeSeenOrIsNoNumber) {
  cv::Mat pixels = withNoise(scene(160, 120), 40);
  cv::Mat alpha(pixels.size(), CV_32FC1, cv::Scalar::all(0));
  const Inspection hidden = inspected(pixels, alpha);
  EXPECT_FALSE(hidden.visible);
  EXPECT_EQ(hidden.verdict.need, Need::Nothing);
  // A clean part that can be seen beside a noisy one that cannot.
  const cv::Mat clean = scene(160, 120);
  clean(cv::Rect(0, 0, 100, 120)).copyTo(pixels(cv::Rect(0, 0, 100, 120)));
  alpha(cv::Rect(0, 0, 100, 120)).setTo(1);
  EXPECT_EQ(inspected(pixels, alpha).verdict.need, Need::Nothing);
  cv::Mat broken = withNoise(clean, 10);
  broken.ptr<float>(50)[100] = std::numeric_limits<float>::quiet_NaN();
  broken.ptr<float>(51)[100] = std::numeric_limits<float>::infinity();
  EXPECT_NEAR(inspected(broken).noise.mean(), 10, 1);
}

}  // namespace
}  // namespace pristine
