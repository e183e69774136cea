#include "vision_attention/attention/latent_conversion.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <stdexcept>
#include <string>

namespace va {

namespace {

/// Right singular vectors and scaled left ones: matrix = sum_i left[i] right[i]^T.
struct Decomposition {
  std::vector<std::vector<double>> left;   ///< [c][rows], lengths are the singular values
  std::vector<std::vector<double>> right;  ///< [c][c], unit vectors
  std::vector<double> values;              ///< [c], descending
};

double dot(const std::vector<double>& a, const std::vector<double>& b) {
  return std::inner_product(a.begin(), a.end(), b.begin(), 0.0);
}

void turn(std::vector<double>& a, std::vector<double>& b, double cosine, double sine) {
  for (std::size_t i = 0; i < a.size(); ++i) {
    const double x = a[i];
    a[i] = cosine * x - sine * b[i];
    b[i] = sine * x + cosine * b[i];
  }
}

/// One-sided Jacobi rotations (Hestenes, 1958) until the columns are orthogonal.
Decomposition decompose(const std::vector<float>& matrix, Dim c) {
  constexpr int kSweeps = 60;
  constexpr double kTolerance = 1e-14;
  const auto columns = static_cast<std::size_t>(c);
  const std::size_t rows = matrix.size() / columns;
  Decomposition d;
  d.left.assign(columns, std::vector<double>(rows));
  d.right.assign(columns, std::vector<double>(columns, 0.0));
  for (std::size_t j = 0; j < columns; ++j) {
    for (std::size_t i = 0; i < rows; ++i) {
      d.left[j][i] = static_cast<double>(matrix[i * columns + j]);
    }
    d.right[j][j] = 1.0;
  }
  for (int sweep = 0; sweep < kSweeps; ++sweep) {
    bool done = true;
    for (std::size_t p = 0; p + 1 < columns; ++p) {
      for (std::size_t q = p + 1; q < columns; ++q) {
        const double alpha = dot(d.left[p], d.left[p]);
        const double beta = dot(d.left[q], d.left[q]);
        const double gamma = dot(d.left[p], d.left[q]);
        if (std::abs(gamma) <= kTolerance * std::sqrt(alpha * beta) || gamma == 0.0) continue;
        done = false;
        const double zeta = (beta - alpha) / (2.0 * gamma);
        const double t = std::copysign(1.0, zeta) / (std::abs(zeta) + std::hypot(1.0, zeta));
        const double cosine = 1.0 / std::hypot(1.0, t);
        turn(d.left[p], d.left[q], cosine, cosine * t);
        turn(d.right[p], d.right[q], cosine, cosine * t);
      }
    }
    if (done) break;
  }
  std::vector<std::size_t> order(columns);
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::vector<double> lengths;
  for (const auto& column : d.left) lengths.push_back(std::sqrt(dot(column, column)));
  std::ranges::stable_sort(order,
                           [&](std::size_t a, std::size_t b) { return lengths[a] > lengths[b]; });
  Decomposition sorted;
  for (const std::size_t i : order) {
    sorted.left.push_back(std::move(d.left[i]));
    sorted.right.push_back(std::move(d.right[i]));
    sorted.values.push_back(lengths[i]);
  }
  return sorted;
}

/// Puts the first `count` terms into columns first to first + count - 1 of `up` [rows, rank], from
/// row `firstRow` of the left vectors on, and rows of `down` [rank, c].
void takeLeft(const Decomposition& d, Dim count, Dim first, Dim rank, std::size_t firstRow,
              std::vector<float>& up) {
  const std::size_t rows = up.size() / static_cast<std::size_t>(rank);
  for (Dim i = 0; i < count; ++i) {
    const auto& left = d.left[static_cast<std::size_t>(i)];
    for (std::size_t row = 0; row < rows; ++row) {
      up[row * static_cast<std::size_t>(rank) + static_cast<std::size_t>(first + i)] =
          static_cast<float>(left[firstRow + row]);
    }
  }
}

void takeRight(const Decomposition& d, Dim count, std::vector<float>& down) {
  for (Dim i = 0; i < count; ++i) {
    for (const double value : d.right[static_cast<std::size_t>(i)]) {
      down.push_back(static_cast<float>(value));
    }
  }
}

}  // namespace

LatentFactors factorizeLatent(const std::vector<float>& keyWeights,
                              const std::vector<float>& valueWeights, Dim c, Dim rank,
                              LatentFactorization form) {
  const bool split = form == LatentFactorization::Split;
  const auto columns = static_cast<std::size_t>(std::max<Dim>(c, 1));
  if (c < 1 || keyWeights.empty() || valueWeights.empty() || keyWeights.size() % columns != 0 ||
      valueWeights.size() % columns != 0 || rank < 1 || rank > (split ? 2 * c : c) ||
      (split && rank % 2 != 0)) {
    throw std::invalid_argument("latent factors: " + std::to_string(keyWeights.size()) + " and " +
                                std::to_string(valueWeights.size()) + " weights of " +
                                std::to_string(c) + " channels, rank " + std::to_string(rank));
  }
  const std::size_t keyRows = keyWeights.size() / columns;
  const std::size_t valueRows = valueWeights.size() / columns;
  LatentFactors factors;
  factors.keyUp.assign(keyRows * static_cast<std::size_t>(rank), 0.0F);
  factors.valueUp.assign(valueRows * static_cast<std::size_t>(rank), 0.0F);
  const auto drop = [&](const Decomposition& d, Dim from) {
    factors.dropped.insert(factors.dropped.end(),
                           d.values.begin() + static_cast<std::ptrdiff_t>(from), d.values.end());
  };
  if (split) {
    const Dim half = rank / 2;
    const Decomposition keys = decompose(keyWeights, c);
    const Decomposition values = decompose(valueWeights, c);
    takeLeft(keys, half, 0, rank, 0, factors.keyUp);
    takeLeft(values, half, half, rank, 0, factors.valueUp);
    takeRight(keys, half, factors.down);
    takeRight(values, half, factors.down);
    drop(keys, half);
    drop(values, half);
    std::ranges::sort(factors.dropped, std::greater<>());
    return factors;
  }
  std::vector<float> stacked = keyWeights;
  stacked.insert(stacked.end(), valueWeights.begin(), valueWeights.end());
  const Decomposition both = decompose(stacked, c);
  takeLeft(both, rank, 0, rank, 0, factors.keyUp);
  takeLeft(both, rank, 0, rank, keyRows, factors.valueUp);
  takeRight(both, rank, factors.down);
  drop(both, rank);
  return factors;
}

}  // namespace va
