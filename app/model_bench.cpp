#include "app/model_bench.h"

#include <algorithm>
#include <chrono>
#include <opencv2/core.hpp>

#include "app/model_catalog.h"

namespace pristine {

namespace {

constexpr int kRuns = 2;

/// What a photograph's flat parts are to a denoiser: noise around grey.
Image noisyPicture(int side) {
  Image picture;
  picture.pixels = cv::Mat(side, side, CV_32FC3);
  cv::RNG random(1);
  random.fill(picture.pixels, cv::RNG::NORMAL, 0.5, 0.1);
  return picture;
}

ModelBenchRow measure(const Model& model, Restorer& restorer, const Image& picture,
                      const ArithmeticLimits& limits) {
  ModelBenchRow row;
  row.model = model.info().name;
  row.precision = restorer.precision();
  row.threads = restorer.threads();
  row.macsPerPixel = model.info().macsPerPixel;
  restorer.gridFor(picture.width(), picture.height());  // compiles the network
  double best = 0;
  for (int run = 0; run < kRuns; ++run) {
    const auto before = restorer.profile();
    const auto begin = std::chrono::steady_clock::now();
    restorer.restore(picture, 1.0);
    const double seconds =
        std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
    if (run > 0 && seconds >= best) continue;
    best = seconds;
    double network = 0;
    double atLimit = 0;
    const auto& after = restorer.profile();
    for (std::size_t i = 0; i < after.size(); ++i) {
      const bool first = before.empty();
      network += after[i].seconds - (first ? 0.0 : before[i].seconds);
      atLimit += limits.seconds(after[i].arithmetic, after[i].macs - (first ? 0 : before[i].macs));
    }
    row.networkShare = network / seconds;
    row.limitShare = atLimit / seconds;
  }
  const double side = model.info().scale;
  row.secondsPerMegapixel = best / (1e-6 * side * side * picture.width() * picture.height());
  return row;
}

}  // namespace

void benchModels(const ModelBenchOptions& options, const ArithmeticLimits& limits,
                 const std::function<void(const ModelBenchRow&)>& report) {
  std::vector<std::string> models = options.models;
  if (models.empty()) {
    for (const auto& path : listModels()) models.push_back(path.string());
  }
  std::vector<Precision> precisions{options.precision};
  if (options.precision == Precision::Auto) {
    precisions = {Precision::F32, Precision::BF16, Precision::Int8};
  }
  const Image picture = noisyPicture(options.side);
  for (const std::string& name : models) {
    const auto model = loadModel(name);
    for (const Precision precision : precisions) {
      RestorerOptions restorerOptions;
      restorerOptions.precision = precision;
      restorerOptions.threads = options.threads;
      restorerOptions.profile = true;
      Restorer restorer(model, restorerOptions);
      if (!restorer.precisionNote().empty()) continue;
      report(measure(*model, restorer, picture, limits));
    }
  }
}

}  // namespace pristine
