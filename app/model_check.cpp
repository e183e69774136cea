#include "app/model_check.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <fstream>
#include <iterator>
#include <vector>

#include "core/error.h"
#include "core/metrics.h"
#include "core/safetensors.h"
#include "core/sha256.h"

namespace pristine {

namespace {

namespace fs = std::filesystem;

/// Stored as f16, and computed by other kernels: a fifth of a level of an 8-bit file.
constexpr double kLargestError = 0.8e-3;
/// What bf16 and int8 may lose against f32.
constexpr double kLeastPsnr = 40.0;

std::vector<std::uint8_t> readBytes(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  std::vector<std::uint8_t> bytes{std::istreambuf_iterator<char>(file), {}};
  if (!file.good() && !file.eof()) {
    throw Error(ErrorCode::Model, "model '" + path.string() + "' cannot be read");
  }
  return bytes;
}

cv::Mat restoredBy(const std::shared_ptr<const Model>& model, const cv::Mat& picture,
                   Precision precision, int threads, std::string& name) {
  RestorerOptions options;
  options.precision = precision;
  options.threads = threads;
  Restorer restorer(model, options);
  name = restorer.precision();
  Image source;
  source.pixels = picture;
  source.depth = SampleDepth::F32;
  return restorer.restore(source, 1.0)->pixels;
}

/// Between a picture and values [h, w, 3] of its size.
double largestDifference(const cv::Mat& picture, const std::vector<float>& values) {
  double largest = 0;
  const int count = picture.cols * 3;
  const float* expected = values.data();
  for (int y = 0; y < picture.rows; ++y, expected += count) {
    const auto* row = picture.ptr<float>(y);
    for (int i = 0; i < count; ++i) {
      largest = std::max(largest, static_cast<double>(std::abs(row[i] - expected[i])));
    }
  }
  return largest;
}

ModelCheck check(const fs::path& path, int threads) {
  ModelCheck result;
  const fs::path referencePath = path.parent_path() / "reference" / path.filename();
  if (!fs::exists(referencePath)) {
    result.problem = "has no reference output '" + referencePath.string() + "'";
    return result;
  }
  const Safetensors reference = readSafetensors(referencePath);
  const auto wanted = reference.metadata.find("model_sha256");
  const auto output = reference.tensors.find("output");
  if (wanted == reference.metadata.end() || output == reference.tensors.end() ||
      output->second.shape.size() != 3 || output->second.shape[2] != 3) {
    throw Error(ErrorCode::Model, "'" + referencePath.string() +
                                      "' has no 'model_sha256' or no output of three dimensions");
  }
  const std::string digest = sha256(readBytes(path));
  if (digest != wanted->second) {
    result.problem = "the file is not the one that was released: its SHA-256 is " + digest +
                     ", expected " + wanted->second;
    return result;
  }
  const auto model = Model::load(path);
  const int scale = model->info().scale;
  const auto height = static_cast<int>(output->second.shape[0]);
  const auto width = static_cast<int>(output->second.shape[1]);
  const cv::Mat picture = checkPicture(width / scale, height / scale);
  std::string f32;
  const cv::Mat exact = restoredBy(model, picture, Precision::F32, threads, f32);
  if (exact.size() != cv::Size(width, height)) {
    result.problem = "the reference output is no multiple of the scale";
    return result;
  }
  result.largestError = largestDifference(exact, output->second.values);
  if (!(result.largestError <= kLargestError)) {
    result.problem = "the result differs by " + std::to_string(result.largestError) +
                     " from the reference output, expected at most " +
                     std::to_string(kLargestError);
    return result;
  }
  const cv::Mat fast = restoredBy(model, picture, Precision::Auto, threads, result.precision);
  result.precisionPsnr = psnr(exact, fast);
  if (!(result.precisionPsnr >= kLeastPsnr)) {
    result.problem = result.precision + " agrees with f32 to " +
                     std::to_string(result.precisionPsnr) + " dB only, expected " +
                     std::to_string(kLeastPsnr);
  }
  return result;
}

}  // namespace

cv::Mat checkPicture(int width, int height) {
  cv::Mat picture(height, width, CV_32FC3);
  for (int y = 0; y < height; ++y) {
    auto* row = picture.ptr<float>(y);
    for (int x = 0; x < width; ++x) {
      for (int c = 0; c < 3; ++c) {
        const auto ux = static_cast<std::uint32_t>(x);
        const auto uy = static_cast<std::uint32_t>(y);
        const auto uc = static_cast<std::uint32_t>(c);
        const std::uint32_t ramp = (5 * ux + 3 * uy * (uc + 1)) & 255U;
        std::uint32_t hash = (ux * 73856093U) ^ (uy * 19349663U) ^ (uc * 83492791U);
        hash = (hash ^ (hash >> 13U)) * 1274126177U;
        const auto noise = static_cast<int>((hash >> 16U) & 31U) - 16;
        const int value = static_cast<int>(ramp * 3 / 4) + 32 + noise;
        row[3 * x + c] = static_cast<float>(value) / 255.0F;
      }
    }
  }
  return picture;
}

ModelCheck checkModel(const fs::path& path, int threads) {
  try {
    return check(path, threads);
  } catch (const Error& error) {
    ModelCheck result;
    result.problem = error.what();
    return result;
  }
}

double measureModel(const std::shared_ptr<const Model>& model, const RestorerOptions& options,
                    const std::function<void(double share)>& progress) {
  constexpr int kSide = 1024;
  constexpr int kRuns = 2;
  const int side = kSide / model->info().scale;
  const double output = static_cast<double>(side) * model->info().scale;
  Restorer restorer(model, options);
  Image source;
  source.pixels = checkPicture(side, side);
  double best = INFINITY;
  for (int run = 0; run < kRuns; ++run) {
    RestoreControl control;
    if (progress) control.progress = [&](double share) { progress((run + share) / kRuns); };
    const auto begin = std::chrono::steady_clock::now();
    restorer.restore(source, 1.0, control);
    best = std::min(
        best, std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count());
  }
  return best / (output * output / 1e6);
}

}  // namespace pristine
