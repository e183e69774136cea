#include "core/inspection/noise_estimate.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <numbers>
#include <opencv2/core.hpp>
#include <vector>

namespace pristine {

namespace {

constexpr int kSide = 7;
constexpr int kSize = kSide * kSide;
constexpr int kMostPatches = 40'000;
constexpr std::size_t kFewestPatches = std::size_t{3} * kSize;
constexpr int kRounds = 4;

using Covariance = std::vector<double>;  // kSize x kSize, row by row

/// Patches of a channel, one after another.
struct Patches {
  std::vector<float> values;
  std::vector<float> means;
  std::vector<float> gradients;  ///< sum of squared central differences in both directions

  std::size_t count() const { return means.size(); }
  const float* at(std::size_t i) const { return &values[i * kSize]; }
};

float gradientEnergy(const float* patch) {
  float sum = 0;
  for (int y = 0; y < kSide; ++y) {
    for (int x = 1; x + 1 < kSide; ++x) {
      const float along = (patch[y * kSide + x + 1] - patch[y * kSide + x - 1]) / 2;
      const float down = (patch[(x + 1) * kSide + y] - patch[(x - 1) * kSide + y]) / 2;
      sum += along * along + down * down;
    }
  }
  return sum;
}

Patches patchesOf(const cv::Mat& channel, const cv::Mat& usable) {
  Patches result;
  const int rows = channel.rows - kSide + 1;
  const int columns = channel.cols - kSide + 1;
  if (rows <= 0 || columns <= 0) return result;
  const double all = static_cast<double>(rows) * columns;
  const int step = std::max(1, static_cast<int>(std::ceil(std::sqrt(all / kMostPatches))));
  for (int y = 0; y < rows; y += step) {
    for (int x = 0; x < columns; x += step) {
      float patch[kSize];
      float sum = 0;
      bool whole = true;
      for (int dy = 0; dy < kSide && whole; ++dy) {
        const auto* row = channel.ptr<float>(y + dy) + x;
        const auto* flags = usable.ptr<unsigned char>(y + dy) + x;
        for (int dx = 0; dx < kSide; ++dx) {
          whole = whole && flags[dx] != 0;
          patch[dy * kSide + dx] = row[dx];
          sum += row[dx];
        }
      }
      if (!whole) continue;
      result.values.insert(result.values.end(), patch, patch + kSize);
      result.means.push_back(sum / kSize);
      result.gradients.push_back(gradientEnergy(patch));
    }
  }
  return result;
}

/// Of the chosen patches without their means, about the mean of them all. Without means, because
/// patches are chosen by them too: those of a narrow choice would vary less than noise does.
Covariance covarianceOf(const Patches& patches, const std::vector<std::size_t>& chosen) {
  std::vector<double> mean(kSize, 0.0);
  for (const std::size_t i : chosen) {
    for (int k = 0; k < kSize; ++k) {
      mean[static_cast<std::size_t>(k)] += patches.at(i)[k] - patches.means[i];
    }
  }
  for (double& value : mean) value /= static_cast<double>(chosen.size());
  Covariance sum(static_cast<std::size_t>(kSize) * kSize, 0.0);
  // In single precision over short runs: the compiler makes vector instructions of it.
  constexpr std::size_t kRun = 256;
  std::vector<float> part(sum.size());
  for (std::size_t begin = 0; begin < chosen.size(); begin += kRun) {
    std::fill(part.begin(), part.end(), 0.0F);
    for (std::size_t n = begin; n < std::min(begin + kRun, chosen.size()); ++n) {
      float centred[kSize];
      const float* patch = patches.at(chosen[n]);
      for (std::size_t k = 0; k < kSize; ++k) {
        centred[k] = patch[k] - patches.means[chosen[n]] - static_cast<float>(mean[k]);
      }
      for (std::size_t r = 0; r < kSize; ++r) {
        float* row = &part[r * kSize];
        for (std::size_t k = r; k < kSize; ++k) row[k] += centred[r] * centred[k];
      }
    }
    for (std::size_t i = 0; i < sum.size(); ++i) sum[i] += part[i];
  }
  for (std::size_t r = 0; r < kSize; ++r) {
    for (std::size_t k = r; k < kSize; ++k) {
      sum[r * kSize + k] /= static_cast<double>(chosen.size());
      sum[k * kSize + r] = sum[r * kSize + k];
    }
  }
  return sum;
}

/// Eigenvalues from large to small, without that of the mean, which is zero.
std::vector<double> eigenvaluesOf(Covariance covariance) {
  const cv::Mat matrix(kSize, kSize, CV_64F, covariance.data());
  cv::Mat values;
  cv::eigen(matrix, values);
  return {values.begin<double>(), values.end<double>() - 1};
}

/// What gradientEnergy() of white noise of variance 1 exceeds once in a million patches: quantile
/// of the gamma distribution that Liu et al. take for it, by Wilson and Hilferty (PNAS 1931).
double energyLimit() {
  // The energy is a quadratic form in the pixels: its mean is the form's trace and its variance
  // twice the trace of its square, which the gamma distribution is given.
  std::vector<double> form(static_cast<std::size_t>(kSize) * kSize, 0.0);
  const auto add = [&](int plus, int minus) {
    const auto p = static_cast<std::size_t>(plus);
    const auto m = static_cast<std::size_t>(minus);
    form[p * kSize + p] += 0.25;
    form[m * kSize + m] += 0.25;
    form[p * kSize + m] -= 0.25;
    form[m * kSize + p] -= 0.25;
  };
  for (int y = 0; y < kSide; ++y) {
    for (int x = 1; x + 1 < kSide; ++x) {
      add(y * kSide + x + 1, y * kSide + x - 1);
      add((x + 1) * kSide + y, (x - 1) * kSide + y);
    }
  }
  double trace = 0;
  double square = 0;
  for (std::size_t r = 0; r < kSize; ++r) {
    trace += form[r * kSize + r];
    for (std::size_t k = 0; k < kSize; ++k) square += form[r * kSize + k] * form[r * kSize + k];
  }
  const double shape = trace * trace / (2 * square);
  constexpr double kMillionth = 4.753;  // of the standard normal distribution
  const double root = 1 - 1 / (9 * shape) + kMillionth / (3 * std::sqrt(shape));
  return trace * root * root * root;
}

/// Variance of a normal variable of this mean and sigma once values below 0 and above 255 are cut
/// off to them.
double clippedVariance(double mean, double sigma) {
  if (sigma <= 0) return 0;
  const auto density = [](double z) {
    return std::exp(-z * z / 2) / std::sqrt(2 * std::numbers::pi);
  };
  const auto share = [](double z) { return 0.5 * std::erfc(-z / std::sqrt(2.0)); };
  const double low = (0 - mean) / sigma;
  const double high = (255 - mean) / sigma;
  const double inside = share(high) - share(low);
  const double above = 1 - share(high);
  const double first = mean * inside - sigma * (density(high) - density(low)) + 255 * above;
  const double second = (mean * mean + sigma * sigma) * inside -
                        sigma * ((mean + 255) * density(high) - mean * density(low)) +
                        255 * 255 * above;
  return std::max(second - first * first, 0.0);
}

/// The variance before black and white cut values off, of chosen patches with this one after it.
double unclipped(double variance, const Patches& patches, const std::vector<std::size_t>& chosen) {
  double sigma = std::sqrt(variance);
  for (int round = 0; round < 8; ++round) {
    double mean = 0;
    std::size_t count = 0;
    for (std::size_t i = 0; i < chosen.size(); i += 1 + chosen.size() / 500, ++count) {
      mean += clippedVariance(patches.means[chosen[i]], sigma);
    }
    mean /= static_cast<double>(count);
    if (mean <= 0) return variance;
    sigma *= std::sqrt(std::clamp(variance / mean, 0.5, 2.0));
  }
  return sigma * sigma;
}

struct WhiteNoise {
  double sigma = 0;
  double weak = 0;
  double spread = 0;
};

/// The least eigenvalue, a little too small for few patches: half of what Marchenko and Pastur
/// (1967) say for independent ones, which overlapping patches are not.
double leastOf(const std::vector<double>& values, std::size_t patches) {
  const double bias =
      std::sqrt(std::min(static_cast<double>(kSize) / static_cast<double>(patches), 0.25));
  return std::max(values.back(), 0.0) / (1 - bias);
}

/// Patches that lie at least `deviations` sigma inside black and white, all where those are few.
std::vector<std::size_t> insideRange(const Patches& patches, double sigma) {
  std::vector<std::size_t> chosen;
  for (const double deviations : {2.5, 1.5, 0.8}) {
    chosen.clear();
    for (std::size_t i = 0; i < patches.count(); ++i) {
      const double mean = patches.means[i];
      if (mean > deviations * sigma && mean < 255 - deviations * sigma) chosen.push_back(i);
    }
    if (chosen.size() >= std::max(patches.count() / 10, 4 * kFewestPatches)) return chosen;
  }
  return chosen;
}

WhiteNoise whiteNoise(const Patches& patches) {
  static const double kLimit = energyLimit();
  WhiteNoise result;
  if (patches.count() < kFewestPatches) return result;
  // Strong noise is cut off near black and white and would look weaker than it is.
  constexpr double kStrong = 30;
  std::vector<std::size_t> chosen = insideRange(patches, kStrong);
  if (chosen.size() < kFewestPatches) chosen = insideRange(patches, 0.2);
  if (chosen.size() < kFewestPatches) return result;
  std::vector<double> values = eigenvaluesOf(covarianceOf(patches, chosen));
  double variance = leastOf(values, chosen.size());
  result.weak = 1;
  for (int round = 0; round < kRounds; ++round) {
    std::vector<std::size_t> weak;
    const auto inside = insideRange(patches, std::sqrt(variance));
    for (const std::size_t i : inside) {
      if (patches.gradients[i] < variance * kLimit) weak.push_back(i);
    }
    result.weak = static_cast<double>(weak.size()) / static_cast<double>(inside.size() + 1);
    if (weak.size() < kFewestPatches) break;
    chosen = std::move(weak);
    values = eigenvaluesOf(covarianceOf(patches, chosen));
    variance = unclipped(leastOf(values, chosen.size()), patches, chosen);
  }
  result.sigma = std::sqrt(variance);
  result.spread = values[kSize / 2] / std::max(values.back(), 1e-9);
  return result;
}

constexpr int kBlock = 8;
constexpr int kBlockSize = kBlock * kBlock;
constexpr int kFreedom = kBlockSize - 3;  // a plane takes three

/// What remains of a block without its plane (least squares).
struct Residual {
  int left = 0;
  int top = 0;
  double mean = 0;
  double variance = 0;
  double product = 0;  ///< mean of neighbours' products
};

using Rest = std::array<double, kBlockSize>;

Residual residualOf(const cv::Mat& channel, int left, int top, Rest& rest) {
  constexpr double kMiddle = (kBlock - 1) / 2.0;
  constexpr double kSquares = kBlock * (kBlock * kBlock - 1) * kBlock / 12.0;
  double sum = 0;
  double across = 0;
  double down = 0;
  for (int y = 0; y < kBlock; ++y) {
    const auto* row = channel.ptr<float>(top + y) + left;
    for (int x = 0; x < kBlock; ++x) {
      sum += row[x];
      across += (x - kMiddle) * row[x];
      down += (y - kMiddle) * row[x];
    }
  }
  Residual result;
  result.left = left;
  result.top = top;
  result.mean = sum / kBlockSize;
  std::size_t place = 0;
  for (int y = 0; y < kBlock; ++y) {
    const auto* row = channel.ptr<float>(top + y) + left;
    for (int x = 0; x < kBlock; ++x) {
      const double value = row[x] - result.mean - across / kSquares * (x - kMiddle) -
                           down / kSquares * (y - kMiddle);
      rest[place++] = value;
      result.variance += value * value;
    }
  }
  result.variance /= kFreedom;
  for (std::size_t y = 0; y < kBlock; ++y) {
    for (std::size_t x = 0; x + 1 < kBlock; ++x) {
      result.product += rest[y * kBlock + x] * rest[y * kBlock + x + 1] +
                        rest[x * kBlock + y] * rest[(x + 1) * kBlock + y];
    }
  }
  result.product /= 2 * kBlock * (kBlock - 1);
  return result;
}

/// Correlation of what remains in two channels, over blocks of both.
double correlationBetween(const cv::Mat& a, const cv::Mat& b, const std::vector<Residual>& blocks) {
  double product = 0;
  double squaresA = 0;
  double squaresB = 0;
  Rest restA{};
  Rest restB{};
  for (const Residual& block : blocks) {
    residualOf(a, block.left, block.top, restA);
    residualOf(b, block.left, block.top, restB);
    for (std::size_t i = 0; i < restA.size(); ++i) {
      product += restA[i] * restB[i];
      squaresA += restA[i] * restA[i];
      squaresB += restB[i] * restB[i];
    }
  }
  return squaresA > 0 && squaresB > 0 ? product / std::sqrt(squaresA * squaresB) : 1.0;
}

/// Of white noise of variance 1: taking the plane away makes neighbours a little alike to its
/// other side.
double productOfWhite() {
  double sum = 0;
  constexpr double kMiddle = (kBlock - 1) / 2.0;
  constexpr double kSquares = kBlock * (kBlock * kBlock - 1) * kBlock / 12.0;
  for (int y = 0; y < kBlock; ++y) {
    for (int x = 0; x + 1 < kBlock; ++x) {
      sum -= 1.0 / kBlockSize +
             ((x - kMiddle) * (x + 1 - kMiddle) + (y - kMiddle) * (y - kMiddle)) / kSquares;
    }
  }
  return sum / (kBlock * (kBlock - 1));
}

/// Blocks without clipped or hidden pixels and without a constant value, by variance.
std::vector<Residual> residualsOf(const cv::Mat& channel, const cv::Mat& usable) {
  std::vector<Residual> result;
  Rest rest{};
  constexpr double kMostBlocks = 20'000;
  const double all = static_cast<double>(channel.rows) * channel.cols / (kBlock * kBlock);
  const int step = kBlock * std::max(1, static_cast<int>(std::ceil(std::sqrt(all / kMostBlocks))));
  for (int y = 0; y + kBlock <= channel.rows; y += step) {
    for (int x = 0; x + kBlock <= channel.cols; x += step) {
      bool whole = true;
      for (int dy = 0; dy < kBlock && whole; ++dy) {
        const auto* row = channel.ptr<float>(y + dy) + x;
        const auto* flags = usable.ptr<unsigned char>(y + dy) + x;
        for (int dx = 0; dx < kBlock; ++dx) {
          whole = whole && flags[dx] != 0 && row[dx] > 0.0F && row[dx] < 255.0F;
        }
      }
      if (whole) result.push_back(residualOf(channel, x, y, rest));
    }
  }
  std::ranges::sort(result, {}, &Residual::variance);
  return result;
}

/// The flattest of sorted blocks: those whose variance does not differ by more than chance.
std::vector<Residual> flattest(const std::vector<Residual>& sorted) {
  if (sorted.empty()) return {};
  // Twice the deviation of white noise's, for correlated noise scatters more.
  const double scatter = 1 + 4 * std::sqrt(2.0 / kFreedom);
  double variance = sorted[sorted.size() / 20].variance;
  std::size_t count = 0;
  for (int round = 0; round < 10; ++round) {
    count = 0;
    double sum = 0;
    while (count < sorted.size() && sorted[count].variance <= variance * scatter) {
      sum += sorted[count++].variance;
    }
    if (count == 0) return {};
    variance = sum / static_cast<double>(count);
  }
  return {sorted.begin(), sorted.begin() + static_cast<std::ptrdiff_t>(count)};
}

double meanVariance(const std::vector<Residual>& blocks) {
  double sum = 0;
  for (const Residual& block : blocks) sum += block.variance;
  return blocks.empty() ? 0.0 : sum / static_cast<double>(blocks.size());
}

constexpr std::size_t kFewestFlat = 12;

/// Sigma of the flattest blocks with means in a range; empty where they are few.
std::optional<double> sigmaBetween(const std::vector<Residual>& sorted, double low, double high) {
  std::vector<Residual> within;
  std::ranges::copy_if(sorted, std::back_inserter(within), [&](const Residual& block) {
    return block.mean >= low && block.mean < high;
  });
  const auto flat = flattest(within);
  if (flat.size() < 2 * kFewestFlat) return std::nullopt;
  return std::sqrt(meanVariance(flat));
}

// Thresholds were found on training photographs, with and without noise
// (tests/tools/measure_inspection.py).

/// In weak patches of white noise the median eigenvalue is little more than the least; in fine
/// texture it is many times as much, and few patches are weak at all.
constexpr double kWhiteSpread = 3;
constexpr double kWhiteShare = 0.01;
/// Correlated noise is in a good part of all blocks alike, stronger than texture left over there,
/// and its neighbours are alike.
constexpr double kUniformShare = 0.25;
constexpr double kBeyondTexture = 3;
constexpr double kAlike = 0.25;
constexpr double kOwnChannels = 0.5;
/// Dark and bright noise differ by more than chance and texture make them.
constexpr double kDependent = 1.3;

bool isTold(const WhiteNoise& white) {
  return white.spread > 0 && white.spread <= kWhiteSpread && white.weak >= kWhiteShare;
}

/// A channel in which noise is not told, cut off black or white, is taken for the mean of those in
/// which it is, where these are most.
bool fillIn(std::vector<WhiteNoise>& channels) {
  std::vector<WhiteNoise> told;
  std::ranges::copy_if(channels, std::back_inserter(told), isTold);
  if (2 * told.size() <= channels.size()) return false;
  WhiteNoise mean;
  for (const WhiteNoise& one : told) {
    const auto share = 1 / static_cast<double>(told.size());
    mean.sigma += share * one.sigma;
    mean.weak += share * one.weak;
    mean.spread += share * one.spread;
  }
  for (WhiteNoise& one : channels) {
    if (!isTold(one)) one = mean;
  }
  return true;
}

NoiseKind kindOf(const NoiseEstimate& noise, bool white) {
  if (white) return NoiseKind::White;
  const double flat = (noise.flat[0] + noise.flat[1] + noise.flat[2]) / 3;
  const bool correlated = noise.uniform >= kUniformShare && flat >= kBeyondTexture &&
                          noise.correlation >= kAlike && noise.between <= kOwnChannels;
  return correlated ? NoiseKind::Correlated : NoiseKind::Faint;
}

}  // namespace

NoiseEstimate estimateNoise(const InspectedPixels& picture) {
  NoiseEstimate result;
  const int channels = picture.grey ? 1 : 3;
  double alike = 0;
  std::vector<WhiteNoise> whites;
  for (int c = 0; c < channels; ++c) {
    const auto i = static_cast<std::size_t>(c);
    whites.push_back(whiteNoise(patchesOf(picture.channels[c], picture.usable)));
    const auto blocks = residualsOf(picture.channels[c], picture.usable);
    const auto flat = flattest(blocks);
    if (flat.size() < kFewestFlat) continue;
    const double variance = meanVariance(flat);
    result.flat[i] = std::sqrt(variance);
    result.uniform +=
        static_cast<double>(flat.size()) / static_cast<double>(blocks.size()) / channels;
    double product = 0;
    for (const Residual& block : flat) product += block.product / static_cast<double>(flat.size());
    if (variance > 0) alike += (product / variance - productOfWhite()) / channels;
    if (c == 1) {
      result.between = (correlationBetween(picture.channels[0], picture.channels[1], flat) +
                        correlationBetween(picture.channels[2], picture.channels[1], flat)) /
                       2;
    }
  }
  const bool white = fillIn(whites);
  for (std::size_t i = 0; i < whites.size(); ++i) {
    result.white[i] = whites[i].sigma;
    result.weak += whites[i].weak / channels;
    result.spread += whites[i].spread / channels;
  }
  if (picture.grey) {
    result.white.fill(result.white[0]);
    result.flat.fill(result.flat[0]);
  }
  result.correlation = alike;
  result.kind = kindOf(result, white);
  for (std::size_t i = 0; i < 3; ++i) {
    result.sigma[i] = result.kind == NoiseKind::White ? result.white[i]
                      : result.kind == NoiseKind::Correlated
                          ? result.flat[i]
                          : std::min(result.white[i], result.flat[i]);
  }
  const auto luma = residualsOf(picture.luma, picture.usable);
  // Further inside black and white than noise reaches.
  const double reach = std::max(8.0, 2.5 * result.mean());
  result.dark = sigmaBetween(luma, reach, 85);
  result.bright = sigmaBetween(luma, 150, 255 - reach);
  if (result.dark && result.bright && *result.dark > 0 && *result.bright > 0) {
    const double ratio = *result.dark / *result.bright;
    result.signalDependent = ratio > kDependent || ratio < 1 / kDependent;
  }
  return result;
}

}  // namespace pristine
