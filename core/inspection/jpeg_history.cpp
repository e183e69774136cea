#include "core/inspection/jpeg_history.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <numbers>
#include <numeric>
#include <opencv2/core.hpp>
#include <vector>

namespace pristine {

namespace {

constexpr int kFrequencies = 21;  ///< of the lowest, all of the first five diagonals and one more
constexpr int kBins = 1024;
constexpr double kBinsPerLevel = 4;
constexpr int kFinest = 98;  ///< of higher qualities the steps cannot be told from rounding
/// Standard deviation of a coefficient that was decoded, converted to RGB, rounded and converted
/// back: sqrt(1 / 12 of the decoder + 1 / 12 (0.299^2 + 0.587^2 + 0.114^2)).
constexpr double kRounding = 0.35;
/// Share of coefficients that may lie anywhere: values clipped before the picture was stored.
constexpr double kOutliers = 0.02;
constexpr double kManyOutliers = 0.15;  ///< where errors are not normal
/// Deviation of coefficients of saturated colours, which lost what was beyond black or white.
constexpr double kClipping = 0.8;
/// Steps of fewer deviations leave no gaps.
constexpr double kFewestDeviations = 3.5;
constexpr std::size_t kBlocksOfSearch = 900;
constexpr std::size_t kBlocksOfVerdict = 6000;
constexpr std::size_t kFewestBlocks = 9;

using Bins = std::array<float, kBins>;

/// How many coefficients of a frequency have which absolute value.
struct Histogram {
  Bins bins{};
  std::size_t end = 0;  ///< after the last bin with anything in it
};
using Histograms = std::vector<Histogram>;  // of the frequencies

/// Row and column of a frequency in a table, by diagonals without the mean.
std::array<std::size_t, kFrequencies> frequencyPlaces() {
  std::array<std::size_t, kFrequencies> places{};
  std::size_t count = 0;
  for (std::size_t diagonal = 1; diagonal < 15 && count < kFrequencies; ++diagonal) {
    for (std::size_t row = 0; row <= diagonal && count < kFrequencies; ++row) {
      if (row < 8 && diagonal - row < 8) places[count++] = row * 8 + diagonal - row;
    }
  }
  return places;
}

const std::array<std::size_t, kFrequencies> kPlaces = frequencyPlaces();

/// The orthonormal DCT-II of 8 points, [frequency][place].
std::array<std::array<float, 8>, 8> cosines() {
  std::array<std::array<float, 8>, 8> result{};
  for (std::size_t k = 0; k < 8; ++k) {
    for (std::size_t n = 0; n < 8; ++n) {
      const double angle = static_cast<double>((2 * n + 1) * k) * std::numbers::pi / 16;
      result[k][n] = static_cast<float>(std::cos(angle) * (k == 0 ? std::sqrt(0.125) : 0.5));
    }
  }
  return result;
}

struct Block {
  int x = 0;
  int y = 0;
};

/// At most `most` of the blocks of a grid that have no clipped or hidden pixel, evenly chosen.
std::vector<Block> blocksOf(const InspectedPixels& picture, const cv::Mat& clipped, int offsetX,
                            int offsetY, std::size_t most) {
  std::vector<Block> all;
  for (int y = offsetY; y + 8 <= picture.height(); y += 8) {
    for (int x = offsetX; x + 8 <= picture.width(); x += 8) all.push_back({x, y});
  }
  const std::size_t step = std::max<std::size_t>(1, all.size() / most);
  std::vector<Block> chosen;
  for (std::size_t i = 0; i < all.size(); i += step) {
    bool clean = true;
    for (int y = 0; y < 8 && clean; ++y) {
      const auto* row = clipped.ptr<unsigned char>(all[i].y + y) + all[i].x;
      clean = std::all_of(row, row + 8, [](unsigned char flag) { return flag == 0; });
    }
    if (clean) chosen.push_back(all[i]);
  }
  return chosen;
}

Histograms histogramsOf(const cv::Mat& luma, const std::vector<Block>& blocks) {
  static const auto kCosines = cosines();
  Histograms result(kFrequencies);
  for (const Block& block : blocks) {
    std::array<std::array<float, 8>, 8> rows{};  // [y][horizontal frequency]
    for (std::size_t y = 0; y < 8; ++y) {
      const auto* pixel = luma.ptr<float>(block.y + static_cast<int>(y)) + block.x;
      for (std::size_t k = 0; k < 8; ++k) {
        float sum = 0;
        for (std::size_t n = 0; n < 8; ++n) sum += kCosines[k][n] * pixel[n];
        rows[y][k] = sum;
      }
    }
    for (std::size_t f = 0; f < kFrequencies; ++f) {
      const auto& vertical = kCosines[kPlaces[f] / 8];
      float sum = 0;
      for (std::size_t y = 0; y < 8; ++y) sum += vertical[y] * rows[y][kPlaces[f] % 8];
      const auto bin = static_cast<std::size_t>(std::abs(sum) * kBinsPerLevel);
      if (bin >= kBins) continue;
      result[f].bins[bin] += 1;
      result[f].end = std::max(result[f].end, bin + 1);
    }
  }
  return result;
}

/// log(p / q) of each absolute value, where p is the density near multiples of `step`, blurred by
/// `deviation`, and q the same mass spread evenly over the cells between. Values in the cell of
/// zero tell only by lying far from zero: natural coefficients gather there anyway.
Bins logRatios(double step, double deviation, double outliers) {
  Bins result{};
  for (std::size_t i = 0; i < kBins; ++i) {
    const double value = (static_cast<double>(i) + 0.5) / kBinsPerLevel;
    const double level = std::round(value / step);
    const double distance = (value - level * step) / deviation;
    if (level == 0) {
      result[i] = static_cast<float>(distance < 4 ? 0.0 : std::log(outliers));
      continue;
    }
    const double density =
        std::exp(-distance * distance / 2) / (std::sqrt(2 * std::numbers::pi) * deviation) * step;
    result[i] = static_cast<float>(std::log((1 - outliers) * density + outliers));
  }
  return result;
}

/// The same for two quantisations on one grid: p has the multiples of `last` that multiples of
/// `step` were rounded to, q all of them. Values at zero tell nothing.
Bins logRatiosAligned(double step, double last) {
  Bins result{};
  // The rounding of pixels between the two moves a coefficient to another cell now and then.
  const auto below = [&](double cell, double from) {
    return 0.5 * std::erfc((from - cell * last) / (std::sqrt(2.0) * kRounding));
  };
  for (std::size_t i = 0; i < kBins; ++i) {
    const double level = std::round((static_cast<double>(i) + 0.5) / kBinsPerLevel / last);
    if (level == 0) continue;
    double share = 0;
    const double nearest = std::round(level * last / step);
    for (double m = std::max(nearest - 1, 1.0); m <= nearest + 1; ++m) {
      share += below(level + 0.5, m * step) - below(level - 0.5, m * step);
    }
    result[i] = static_cast<float>(std::log((1 - kOutliers) * step / last * share + kOutliers));
  }
  return result;
}

/// Steps of an earlier table on the same grid must be so many times those of the last to show.
constexpr double kCoarser = 1.3;

/// The log-ratios of all steps at each frequency.
class Likelihoods {
 public:
  /// `last`: whose quantisation came after the one looked for, on the same grid if `aligned`.
  explicit Likelihoods(const std::optional<JpegTable>& last, bool aligned = false)
      : aligned_(aligned) {
    // On another grid the errors of all frequencies come together in each.
    double squares = 0;
    for (std::size_t f = 0; f < kFrequencies; ++f) {
      lastSteps_[f] = last ? (*last)[kPlaces[f]] : 0.0;
      squares += lastSteps_[f] * lastSteps_[f] / kFrequencies;
    }
    deviation_ = std::sqrt(kRounding * kRounding + squares / 12);
    outliers_ = last ? kManyOutliers : kOutliers;
  }

  /// Of a picture whose saturated colours have moved luma.
  void expectClipping() {
    deviation_ = kClipping;
    outliers_ = kManyOutliers;
  }

  /// The best quality up to `finest` at a grid, with its score.
  JpegTrace best(const Histograms& histograms, int finest) {
    double count = 0;
    for (const Histogram& histogram : histograms) {
      for (const float n : histogram.bins) count += n;
    }
    JpegTrace found;
    for (int quality = 1; quality <= finest; ++quality) {
      const JpegTable table = standardTable(quality);
      double sum = 0;
      for (std::size_t f = 0; f < kFrequencies; ++f) {
        const int step = table[kPlaces[f]];
        if (!shows(f, step)) continue;
        sum += product(histograms[f], ratios(f, step));
      }
      const double score = count > 0 ? sum / count : 0.0;
      if (quality == 1 || score > found.score) {
        found.quality = quality;
        found.score = score;
      }
    }
    return found;
  }

 private:
  bool shows(std::size_t frequency, int step) const {
    return aligned_ ? step >= kCoarser * lastSteps_[frequency] && lastSteps_[frequency] > 1
                    : step >= kFewestDeviations * deviation_;
  }

  static double product(const Histogram& a, const Bins& b) {
    std::array<float, 16> sums{};  // apart, so that the compiler may add them side by side
    for (std::size_t i = 0; i < a.end; i += sums.size()) {
      for (std::size_t k = 0; k < sums.size(); ++k) sums[k] += a.bins[i + k] * b[i + k];
    }
    return std::accumulate(sums.begin(), sums.end(), 0.0);
  }

  const Bins& ratios(std::size_t frequency, int step) {
    // On one grid they depend on the last table's steps, else on the deviation that all share.
    auto& known = ratios_[aligned_ ? frequency : 0];
    const auto place = static_cast<std::size_t>(step);
    if (known.size() <= place) known.resize(256);
    if (known[place].empty()) {
      known[place].push_back(aligned_ ? logRatiosAligned(step, lastSteps_[frequency])
                                      : logRatios(step, deviation_, outliers_));
    }
    return known[place].front();
  }

  bool aligned_;
  double outliers_ = kOutliers;
  std::array<double, kFrequencies> lastSteps_{};
  double deviation_ = kRounding;
  std::array<std::vector<std::vector<Bins>>, kFrequencies> ratios_;
};

/// A trace is believed when its score is this; one below another quantisation is fainter. The next
/// best grid must have less than a third of it.
constexpr double kBelieved = 0.03;
constexpr double kBelievedBelow = 0.01;
constexpr double kContrast = 3;
/// Nats over all coefficients of a search: chance alone does not reach it.
constexpr double kEvidence = 60;

/// The best grid of the 64; empty without a clear one. `other`: a grid not to take.
std::optional<JpegTrace> search(const InspectedPixels& picture, const cv::Mat& clipped,
                                const std::optional<JpegTable>& last, int finest,
                                const std::optional<JpegTrace>& other, bool saturated = false) {
  Likelihoods likelihoods(last);
  if (saturated) likelihoods.expectClipping();
  JpegTrace best;
  double second = 0;
  best.score = -1;
  for (int y = 0; y < 8; ++y) {
    for (int x = 0; x < 8; ++x) {
      const auto blocks = blocksOf(picture, clipped, x, y, kBlocksOfSearch);
      if (blocks.size() < kFewestBlocks) continue;
      // On the grid of the last compression every coefficient is near a multiple of its steps.
      if (other && x == other->offsetX && y == other->offsetY) continue;
      JpegTrace trace = likelihoods.best(histogramsOf(picture.luma, blocks), finest);
      trace.offsetX = x;
      trace.offsetY = y;
      if (trace.score > best.score) {
        second = std::max(second, best.score);
        best = trace;
      } else {
        second = std::max(second, trace.score);
      }
    }
  }
  const double believed = last || saturated ? kBelievedBelow : kBelieved;
  if (best.score < std::max(believed, kContrast * second)) return std::nullopt;
  const auto blocks = blocksOf(picture, clipped, best.offsetX, best.offsetY, kBlocksOfVerdict);
  const JpegTrace exact = likelihoods.best(histogramsOf(picture.luma, blocks), finest);
  if (exact.score < believed ||
      exact.score * static_cast<double>(blocks.size() * kFrequencies) < kEvidence) {
    return std::nullopt;
  }
  best.quality = exact.quality;
  best.score = exact.score;
  return best;
}

/// Pixels that tell nothing of the coefficients: cut off black or white, or hidden. In pictures
/// that are full of cut off values these must do as well.
cv::Mat clippedPixels(const InspectedPixels& picture) {
  cv::Mat clipped(picture.luma.size(), CV_8UC1);
  for (int y = 0; y < clipped.rows; ++y) {
    for (int x = 0; x < clipped.cols; ++x) {
      bool flag = picture.usable.at<unsigned char>(y, x) == 0;
      for (const cv::Mat& channel : picture.channels) {
        const float value = channel.at<float>(y, x);
        flag = flag || value <= 0.0F || value >= 255.0F;
      }
      clipped.at<unsigned char>(y, x) = flag ? 1 : 0;
    }
  }
  return clipped;
}

/// Whether a fifth of the blocks of some grid have no clipped pixel.
bool hasWholeBlocks(const InspectedPixels& picture, const cv::Mat& clipped) {
  const std::size_t blocks = clipped.total() / 64;
  return std::ranges::any_of(std::array{0, 4}, [&](int at) {
    return 5 * blocksOf(picture, clipped, at, at, blocks).size() >= blocks;
  });
}

}  // namespace

JpegHistory findJpegHistory(const InspectedPixels& picture, const std::optional<JpegTable>& known) {
  JpegHistory history;
  if (picture.width() < 32 || picture.height() < 32) return history;
  cv::Mat clipped = clippedPixels(picture);
  const bool saturated = !hasWholeBlocks(picture, clipped);
  if (saturated) clipped = picture.usable == 0;
  std::optional<JpegTable> table = known;
  if (known) {
    history.last = JpegTrace{qualityOf(*known), 0, 0, 0};
  } else {
    history.last = search(picture, clipped, std::nullopt, kFinest, std::nullopt, saturated);
    if (history.last) table = standardTable(history.last->quality);
  }
  if (!history.last || saturated) return history;
  // On another grid first; on the same one only a coarser table shows, by empty levels of the last.
  history.earlier = search(picture, clipped, table, kFinest, history.last);
  if (history.earlier) return history;
  const auto blocks =
      blocksOf(picture, clipped, history.last->offsetX, history.last->offsetY, kBlocksOfVerdict);
  if (blocks.size() < kFewestBlocks) return history;
  Likelihoods likelihoods(table, true);
  JpegTrace trace = likelihoods.best(histogramsOf(picture.luma, blocks), history.last->quality - 1);
  if (trace.score > kBelieved &&
      trace.score * static_cast<double>(blocks.size() * kFrequencies) > kEvidence) {
    trace.offsetX = history.last->offsetX;
    trace.offsetY = history.last->offsetY;
    history.earlier = trace;
  }
  return history;
}

}  // namespace pristine
