#include "core/restorer.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <opencv2/core.hpp>
#include <utility>

#include "core/enlarge.h"
#include "core/error.h"
#include "core/tile_blend.h"
#include "vision_attention/network.h"

namespace pristine {

namespace {

constexpr int kFeather = 16;

/// What a wish for a precision becomes.
struct Arithmetic {
  va::Precision precision = va::Precision::F32;
  bool int8 = false;
  std::string note;

  std::string name() const { return (int8 ? "int8+" : "") + va::toString(precision); }
};

Arithmetic resolve(Precision wish, const Model& model) {
  const va::CpuFeatures cpu = va::cpuFeatures();
  Arithmetic arithmetic;
  if (wish == Precision::F32) return arithmetic;
  if (cpu.bf16) arithmetic.precision = va::Precision::BF16;
  arithmetic.int8 = wish != Precision::BF16 && cpu.int8 && model.info().int8;
  if (wish == Precision::BF16 && !cpu.bf16) arithmetic.note = "this processor has no bf16";
  if (wish == Precision::Int8 && !arithmetic.int8) {
    arithmetic.note = cpu.int8 ? "model '" + model.info().name + "' carries no scales for int8"
                               : "this processor has no int8 dot products (VNNI)";
  }
  if (!arithmetic.note.empty()) arithmetic.note += ", using " + arithmetic.name();
  return arithmetic;
}

bool allFinite(std::span<const float> values) {
  float sum = 0;
  for (const float v : values) sum += v * 0.0F;  // NaN unless every value is finite
  return sum == 0.0F;
}

void requireFinite(const cv::Mat& pixels) {
  for (int y = 0; y < pixels.rows; ++y) {
    if (!allFinite({pixels.ptr<float>(y), static_cast<std::size_t>(pixels.cols) * 3})) {
      throw Error(ErrorCode::Input,
                  "picture has values in row " + std::to_string(y) + " that are no numbers");
    }
  }
}

void toGrey(cv::Mat& picture) {
  for (int y = 0; y < picture.rows; ++y) {
    auto* p = picture.ptr<float>(y);
    for (int x = 0; x < picture.cols; ++x, p += 3) p[0] = p[1] = p[2] = (p[0] + p[1] + p[2]) / 3.0F;
  }
}

/// restored = source + strength * (restored - source)
void blend(const cv::Mat& source, float strength, cv::Mat& restored) {
  for (int y = 0; y < restored.rows; ++y) {
    auto* to = restored.ptr<float>(y);
    const auto* from = source.ptr<float>(y);
    for (int i = 0; i < 3 * restored.cols; ++i) to[i] = from[i] + strength * (to[i] - from[i]);
  }
}

/// Zeros. Throws Error(Memory) if there is no room for them.
cv::Mat blankPicture(int width, int height) {
  try {
    return cv::Mat::zeros(height, width, CV_32FC3);
  } catch (const cv::Exception&) {
    throw Error(ErrorCode::Memory, "a picture of " + std::to_string(width) + "x" +
                                       std::to_string(height) + " does not fit into memory");
  }
}

}  // namespace

std::optional<cv::Mat> restoreTiles(const cv::Mat& picture, const TileGrid& grid, int feather,
                                    const TileFunction& process, int scale) {
  const auto values =
      static_cast<std::size_t>(grid.tileWidth()) * static_cast<std::size_t>(grid.tileHeight()) * 3;
  std::vector<float> src(values);
  std::vector<float> dst(values * static_cast<std::size_t>(scale * scale));
  const TileGrid target = grid.enlarged(scale);
  cv::Mat sum = blankPicture(picture.cols * scale, picture.rows * scale);
  for (int row = 0; row < grid.rows(); ++row) {
    for (int column = 0; column < grid.columns(); ++column) {
      readTile(picture, grid, column, row, src);
      if (!process(src, dst)) return std::nullopt;
      addTile(dst, target, column, row, scale * feather, sum);
    }
  }
  return sum;
}

struct Restorer::Impl {
  Impl(std::shared_ptr<const Model> m, const RestorerOptions& o)
      : model(std::move(m)),
        options(o),
        engine(o.threads),
        arithmetic(resolve(o.precision, *model)) {}

  va::InputScales scales() const {
    return arithmetic.int8 ? model->inputScales() : va::InputScales();
  }

  std::unique_ptr<va::Network> networkFor(int width, int height) {
    try {
      return std::make_unique<va::Network>(engine, model->config(), model->weights(), height, width,
                                           arithmetic.precision, scales());
    } catch (const std::bad_alloc&) {
      throw Error(ErrorCode::Memory, "model '" + model->info().name + "': a tile of " +
                                         std::to_string(width) + "x" + std::to_string(height) +
                                         " does not fit into memory");
    } catch (const std::exception& error) {
      throw Error(ErrorCode::Model, "model '" + model->info().name + "': " + error.what());
    }
  }

  void compile(int width, int height) {
    if (network && width == tileWidth && height == tileHeight) return;
    network.reset();  // its memory goes first
    network = networkFor(width, height);
    network->graph().setProfiling(options.profile);
    tileWidth = width;
    tileHeight = height;
  }

  TileGridOptions gridOptions() const {
    TileGridOptions wanted;
    wanted.alignment = model->info().window;
    wanted.halo = model->info().halo;
    if (limit > 0) wanted.side = limit;
    if (options.tile > 0) {
      wanted.side = std::min(wanted.side, options.tile);
      wanted.budget = static_cast<std::int64_t>(options.tile) * options.tile;
    }
    return wanted;
  }

  TileGrid likelyGrid(int width, int height) {
    TileGridOptions wanted = gridOptions();
    if (options.tile == 0) {
      if (guess == 0) guess = guessBudget();
      wanted.budget = guess;
    }
    return {width, height, wanted};
  }

  /// Tiles for the picture and the network compiled for them.
  TileGrid prepare(int width, int height) {
    TileGridOptions wanted = gridOptions();
    if (options.tile > 0) {
      const TileGrid grid(width, height, wanted);
      compile(grid.tileWidth(), grid.tileHeight());
      return grid;
    }
    if (guess == 0) guess = guessBudget();
    // A picture's tiles must not depend on the pictures before it.
    std::int64_t& budget = budgets.try_emplace({width, height}, guess).first->second;
    // The arena is known once it is planned and costs nothing until it is used.
    while (true) {
      wanted.budget = budget;
      const TileGrid grid(width, height, wanted);
      compile(grid.tileWidth(), grid.tileHeight());
      const auto bytes = static_cast<double>(network->graph().arenaBytes());
      const auto pixels = static_cast<std::int64_t>(tileWidth) * tileHeight;
      if (bytes <= static_cast<double>(options.activations) || pixels > budget) return grid;
      budget = static_cast<std::int64_t>(static_cast<double>(pixels) *
                                         static_cast<double>(options.activations) / bytes);
    }
  }

  /// Pixels whose activations would fill their budget if they grew as those of a small tile.
  std::int64_t guessBudget() {
    const int side = 2 * model->info().window;
    const auto bytes = static_cast<double>(va::activationBytes(
        model->config(), model->weights(), side, side, arithmetic.precision, scales()));
    return static_cast<std::int64_t>(static_cast<double>(options.activations) / bytes * side *
                                     side) +
           1;
  }

  void collectProfile() {
    const auto reports = network->graph().report();
    if (summary.size() != reports.size()) {
      summary.clear();
      runs.clear();
      for (const auto& r : reports) {
        summary.push_back({r.name, r.kind, r.implementation, va::toString(r.arithmetic), 0, 0, 0});
      }
    }
    for (std::size_t i = 0; i < reports.size(); ++i) {
      summary[i].macs += reports[i].macs;
      summary[i].bytes += reports[i].bytes;
      summary[i].seconds += reports[i].seconds;
      runs.push_back({i, reports[i].start, reports[i].seconds});
    }
  }

  std::shared_ptr<const Model> model;
  RestorerOptions options;
  va::Engine engine;
  Arithmetic arithmetic;
  std::unique_ptr<va::Network> network;
  int tileWidth = 0;
  int tileHeight = 0;
  std::int64_t guess = 0;  ///< pixels of a tile within kActivationBudget, 0: not yet known
  std::map<std::pair<int, int>, std::int64_t> budgets;  ///< the same, for pictures of a size
  int limit = 0;                                        ///< pixels of a tile's side, 0: none
  std::vector<OperatorSummary> summary;
  std::vector<OperatorRun> runs;
};

Restorer::Restorer(std::shared_ptr<const Model> model, const RestorerOptions& options)
    : impl_(std::make_unique<Impl>(std::move(model), options)) {}

Restorer::~Restorer() = default;

const ModelInfo& Restorer::info() const {
  return impl_->model->info();
}
std::string Restorer::precision() const {
  return impl_->arithmetic.name();
}
std::string Restorer::precisionNote() const {
  return impl_->arithmetic.note;
}
int Restorer::threads() const {
  return impl_->engine.threads();
}
std::size_t Restorer::arenaBytes() const {
  return impl_->network ? impl_->network->graph().arenaBytes() : 0;
}
const std::vector<OperatorSummary>& Restorer::profile() const {
  return impl_->summary;
}

const std::vector<OperatorRun>& Restorer::trace() const {
  return impl_->runs;
}

TileGrid Restorer::gridFor(int width, int height) {
  return impl_->prepare(width, height);
}
TileGrid Restorer::likelyGridFor(int width, int height) {
  return impl_->likelyGrid(width, height);
}
void Restorer::limitTile(int side) {
  impl_->limit = side;
}
int Restorer::feather() const {
  return std::min(kFeather, impl_->model->info().halo);
}

std::optional<Image> Restorer::restore(const Image& source, double strength,
                                       const RestoreControl& control) {
  if (!(strength >= 0.0 && strength <= 1.0)) {
    throw Error(ErrorCode::Usage, "strength is " + std::to_string(strength) + ", expected 0 to 1");
  }
  if (source.pixels.empty()) throw Error(ErrorCode::Input, "picture has no pixels");
  const ModelInfo& info = impl_->model->info();
  if (info.scale != 1 && strength != 1.0) {
    throw Error(ErrorCode::Usage, "strength is " + std::to_string(strength) +
                                      ", a model that enlarges has the strength 1 alone");
  }
  requireFinite(source.pixels);
  Image result = source;
  if (strength == 0.0) {
    if (control.progress) control.progress(1.0);
    return result;
  }
  const TileGrid grid = impl_->prepare(source.width(), source.height());

  int done = 0;
  const auto process = [&](std::span<const float> src, std::span<float> dst) {
    std::ranges::copy(src, impl_->network->input().begin());
    va::RunControl run;
    run.stop = control.stop;
    if (control.progress) {
      run.progress = [&](std::uint64_t now, std::uint64_t total) {
        const double tile =
            total == 0 ? 1.0 : static_cast<double>(now) / static_cast<double>(total);
        control.progress((done + tile) / grid.count());
      };
    }
    if (!impl_->network->run(run)) return false;
    if (impl_->options.profile) impl_->collectProfile();
    ++done;
    const auto output = impl_->network->output();
    if (!allFinite(output)) {
      throw Error(ErrorCode::Model, "model '" + info.name + "' gave values that are no numbers");
    }
    std::ranges::copy(output, dst.begin());
    return true;
  };
  auto restored = restoreTiles(source.pixels, grid, feather(), process, info.scale);
  if (!restored) return std::nullopt;

  if (source.grey) toGrey(*restored);
  if (strength != 1.0) blend(source.pixels, static_cast<float>(strength), *restored);
  result.pixels = *restored;
  if (info.scale != 1 && !source.alpha.empty()) {
    result.alpha = cv::min(cv::max(enlarged(source.alpha, info.scale), 0.0), 1.0);
  }
  return result;
}

}  // namespace pristine
