#include "app/live_restoration.h"

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <cstdlib>
#include <limits>
#include <span>
#include <string>

#include "core/enlarge.h"
#include "core/error.h"
#include "core/tile_blend.h"

namespace pristine {

namespace {

constexpr int kDraftSide = LiveRestoration::kDraftSide;
constexpr int kDraftMargin = 16;  ///< context on each side, enough to hide the seams of a draft
constexpr int kDraftStep = kDraftSide - 2 * kDraftMargin;
/// Rows that are written under one lock, so that readers never wait for a whole tile.
constexpr int kBand = 64;
constexpr int kCell = 64;  ///< side of the squares that are filled at once

/// Number of a cell, counted row by row.
std::size_t cellOf(int column, int row, int columns) {
  return static_cast<std::size_t>(row) * static_cast<std::size_t>(columns) +
         static_cast<std::size_t>(column);
}

/// Calls visit(index, part of rect) for every cell that the rectangle touches.
template <typename Visit>
void forEachCell(const cv::Rect& rect, int columns, const Visit& visit) {
  for (int row = rect.y / kCell; row * kCell < rect.y + rect.height; ++row) {
    for (int column = rect.x / kCell; column * kCell < rect.x + rect.width; ++column) {
      const cv::Rect cell(column * kCell, row * kCell, kCell, kCell);
      visit(cellOf(column, row, columns), cell);
    }
  }
}

/// Drafts along a line, of which each answers for `step` pixels.
int cells(int length, int step) {
  return (length + step - 1) / step;
}

std::shared_ptr<const Picture> enlargement(const Picture& source, int scale) {
  const cv::Size size = source.sizeAt(0);
  if (std::int64_t{size.width} * size.height * scale * scale > LiveRestoration::kMostEnlarged) {
    throw Error(ErrorCode::Memory,
                "a picture of " + std::to_string(scale * size.width) + "x" +
                    std::to_string(scale * size.height) +
                    " is too large to look at while it is restored; the queue takes it");
  }
  Image image = source.image;
  image.pixels = source.levels[0];
  return makePicture(enlarged(image, scale), source.path);
}

std::int64_t distance(const cv::Rect& rect, const cv::Rect& view) {
  const std::int64_t dx = (2 * rect.x + rect.width) - (2 * view.x + view.width);
  const std::int64_t dy = (2 * rect.y + rect.height) - (2 * view.y + view.height);
  return dx * dx + dy * dy;
}

std::uint64_t nextId() {
  static std::atomic<std::uint64_t> last{0};
  return ++last;
}

cv::Rect toBase(const cv::Rect& rect, int level, const cv::Size& size) {
  const int step = 1 << level;
  return cv::Rect(rect.x * step, rect.y * step, rect.width * step, rect.height * step) &
         cv::Rect({0, 0}, size);
}

/// [first, last) of the positions with a weight.
std::pair<int, int> support(const std::vector<float>& weights) {
  const auto positive = [](float w) { return w > 0.0F; };
  const auto first = std::ranges::find_if(weights, positive);
  const auto last = std::find_if(weights.rbegin(), weights.rend(), positive);
  return {static_cast<int>(first - weights.begin()), static_cast<int>(weights.rend() - last)};
}

}  // namespace

LiveRestoration::LiveRestoration(std::shared_ptr<const Picture> source, int scale)
    : id_(nextId()),
      source_(std::move(source)),
      scale_(scale),
      base_(scale == 1 ? source_ : enlargement(*source_, scale)) {
  for (const cv::Mat& level : base_->levels) {
    Plane plane;
    plane.pixels.create(level.size(), level.type());
    plane.columns = (level.cols + kCell - 1) / kCell;
    plane.filled.assign(static_cast<std::size_t>(plane.columns) *
                            static_cast<std::size_t>((level.rows + kCell - 1) / kCell),
                        false);
    restored_.push_back(std::move(plane));
    const int step = kDraftStep * scale_;
    drafted_.emplace_back(
        static_cast<std::size_t>(cells(level.cols, step) * cells(level.rows, step)), false);
  }
}

void LiveRestoration::prepare(const TileGrid& grid, int feather) {
  sourceGrid_ = grid;
  grid_ = grid.enlarged(scale_);
  feather_ = feather * scale_;
  done_.assign(static_cast<std::size_t>(grid.count()), false);
}

bool LiveRestoration::isDone(int column, int row) const {
  return done_[cellOf(column, row, grid_->columns())];
}

cv::Rect LiveRestoration::coreOf(int column, int row) const {
  const auto& x = grid_->x().borders;
  const auto& y = grid_->y().borders;
  const auto c = static_cast<std::size_t>(column);
  const auto r = static_cast<std::size_t>(row);
  return {x[c], y[r], x[c + 1] - x[c], y[r + 1] - y[r]};
}

bool LiveRestoration::isRestored(const cv::Rect& rect) const {
  if (!grid_) return false;
  for (int row = 0; row < grid_->rows(); ++row) {
    for (int column = 0; column < grid_->columns(); ++column) {
      if (!isDone(column, row) && !(coreOf(column, row) & rect).empty()) return false;
    }
  }
  return true;
}

std::optional<LiveTile> LiveRestoration::nextDraft(const LiveView& view) const {
  if (complete() || view.visible.empty()) return std::nullopt;
  int level = std::clamp(view.level, 0, static_cast<int>(base_->levels.size()) - 1);
  if (scale_ > 1) {
    // A level that is no larger than the source shows what the source has.
    if ((1 << level) >= scale_) return std::nullopt;
    level = 0;
  }
  const auto index = static_cast<std::size_t>(level);
  const cv::Size size = base_->sizeAt(index);
  const cv::Rect visible = toLevel(view.visible, level, size);
  if (visible.empty()) return std::nullopt;
  std::optional<LiveTile> best;
  std::int64_t bestDistance = std::numeric_limits<std::int64_t>::max();
  const int step = kDraftStep * scale_;
  const int columns = cells(size.width, step);
  for (int row = visible.y / step; row * step < visible.y + visible.height; ++row) {
    for (int column = visible.x / step; column * step < visible.x + visible.width; ++column) {
      if (drafted_[index][cellOf(column, row, columns)]) continue;
      LiveTile tile;
      tile.draft = true;
      tile.level = level;
      tile.column = column;
      tile.row = row;
      tile.core = cv::Rect(column * step, row * step, step, step) & cv::Rect({0, 0}, size);
      const std::int64_t d = distance(tile.core, visible);
      if (d >= bestDistance || isRestored(toBase(tile.core, level, base_->sizeAt(0)))) {
        continue;
      }
      // Near an edge the crop moves inwards instead of shrinking: one shape, one compiled network.
      const int margin = kDraftMargin * scale_;
      tile.crop.width = std::min(kDraftSide * scale_, size.width);
      tile.crop.height = std::min(kDraftSide * scale_, size.height);
      tile.crop.x = std::clamp(tile.core.x - margin, 0, size.width - tile.crop.width);
      tile.crop.y = std::clamp(tile.core.y - margin, 0, size.height - tile.crop.height);
      best = tile;
      bestDistance = d;
    }
  }
  return best;
}

std::optional<LiveTile> LiveRestoration::nextTile(const LiveView& view) const {
  if (!grid_) return std::nullopt;
  std::optional<LiveTile> best;
  std::int64_t bestDistance = std::numeric_limits<std::int64_t>::max();
  for (int row = 0; row < grid_->rows(); ++row) {
    for (int column = 0; column < grid_->columns(); ++column) {
      if (isDone(column, row)) continue;
      const cv::Rect core = coreOf(column, row);
      const std::int64_t d = distance(core, view.visible);
      if (d >= bestDistance) continue;
      bestDistance = d;
      const cv::Rect crop(grid_->x().starts[static_cast<std::size_t>(column)],
                          grid_->y().starts[static_cast<std::size_t>(row)], grid_->tileWidth(),
                          grid_->tileHeight());
      best = LiveTile{false, 0, crop, core, column, row};
    }
  }
  return best;
}

Image LiveRestoration::inputOf(const LiveTile& tile) const {
  Image input;
  input.grey = source_->image.grey;
  input.depth = source_->image.depth;
  input.metadata = source_->image.metadata;
  if (tile.draft) {
    const cv::Rect crop(tile.crop.x / scale_, tile.crop.y / scale_, tile.crop.width / scale_,
                        tile.crop.height / scale_);
    input.pixels = source_->levels[static_cast<std::size_t>(tile.level)](crop);
  } else {
    input.pixels.create(sourceGrid_->tileHeight(), sourceGrid_->tileWidth(), CV_32FC3);
    readTile(source_->levels[0], *sourceGrid_, tile.column, tile.row,
             std::span<float>(input.pixels.ptr<float>(), input.pixels.total() * 3));
  }
  return input;
}

cv::Rect LiveRestoration::put(const LiveTile& tile, const cv::Mat& restored) {
  if (!tile.draft) return putTile(tile, restored);
  putDraft(tile, restored);
  return toBase(tile.core, tile.level, base_->sizeAt(0));
}

void LiveRestoration::putDraft(const LiveTile& tile, const cv::Mat& restored) {
  const auto index = static_cast<std::size_t>(tile.level);
  cv::Mat patch = restored(tile.core - tile.crop.tl()).clone();
  // What the real tiles have done already is better than the draft.
  for (int row = 0; grid_ && row < grid_->rows(); ++row) {
    for (int column = 0; column < grid_->columns(); ++column) {
      if (!isDone(column, row)) continue;
      // With the ramp that it left beyond its core: the neighbour will be blended into that.
      cv::Rect written = coreOf(column, row) - cv::Point(feather_, feather_);
      written += cv::Size(2 * feather_, 2 * feather_);
      const cv::Rect kept = toLevel(written, tile.level, base_->sizeAt(index)) & tile.core;
      if (!kept.empty()) restored_[index].pixels(kept).copyTo(patch(kept - tile.core.tl()));
    }
  }
  {
    const std::lock_guard lock(mutex_);
    fill(index, tile.core);
    patch.copyTo(restored_[index].pixels(tile.core));
  }
  const int columns = cells(base_->sizeAt(index).width, kDraftStep * scale_);
  drafted_[index][cellOf(tile.column, tile.row, columns)] = true;
  propagate(tile.level, tile.core);
}

cv::Rect LiveRestoration::putTile(const LiveTile& tile, const cv::Mat& restored) {
  const cv::Size size = base_->sizeAt(0);
  const auto weightsX = [&](int c) {
    return blendWeights(grid_->x(), static_cast<std::size_t>(c), feather_, size.width);
  };
  const auto weightsY = [&](int r) {
    return blendWeights(grid_->y(), static_cast<std::size_t>(r), feather_, size.height);
  };
  const std::vector<float> wx = weightsX(tile.column);
  const std::vector<float> wy = weightsY(tile.row);
  const auto [left, right] = support(wx);
  const auto [top, bottom] = support(wy);

  // Weights of the neighbours that are there already: theirs is 1 minus what is missing.
  struct Neighbour {
    std::vector<float> x;
    std::vector<float> y;
    int dx = 0;
    int dy = 0;
  };
  std::vector<Neighbour> neighbours;
  // Not only those next to it: where tiles lie close, ramps of three or more meet.
  for (int r = 0; r < grid_->rows(); ++r) {
    const int dy = tile.crop.y - grid_->y().starts[static_cast<std::size_t>(r)];
    if (std::abs(dy) >= grid_->tileHeight()) continue;
    for (int c = 0; c < grid_->columns(); ++c) {
      const int dx = tile.crop.x - grid_->x().starts[static_cast<std::size_t>(c)];
      if (std::abs(dx) >= grid_->tileWidth() || !isDone(c, r)) continue;
      neighbours.push_back({weightsX(c), weightsY(r), dx, dy});
    }
  }
  const auto at = [](const std::vector<float>& weights, int i) {
    return i >= 0 && i < static_cast<int>(weights.size()) ? weights[static_cast<std::size_t>(i)]
                                                          : 0.0F;
  };
  for (int band = top; band < bottom; band += kBand) {
    const int end = std::min(bottom, band + kBand);
    const std::lock_guard lock(mutex_);
    fill(0, {tile.crop.x + left, tile.crop.y + band, right - left, end - band});
    for (int y = band; y < end; ++y) {
      const auto* from = restored.ptr<float>(y);
      auto* to = restored_[0].pixels.ptr<float>(tile.crop.y + y) +
                 static_cast<std::ptrdiff_t>(tile.crop.x) * 3;
      for (int x = left; x < right; ++x) {
        const float mine = at(wx, x) * at(wy, y);
        float others = 0.0F;
        for (const Neighbour& n : neighbours) others += at(n.x, x + n.dx) * at(n.y, y + n.dy);
        if (mine <= 0.0F) continue;
        const float share = mine / (mine + others);
        for (int c = 3 * x; c < 3 * x + 3; ++c) to[c] += share * (from[c] - to[c]);
      }
    }
  }
  done_[cellOf(tile.column, tile.row, grid_->columns())] = true;
  ++tilesDone_;
  const cv::Rect changed(tile.crop.x + left, tile.crop.y + top, right - left, bottom - top);
  propagate(0, changed);
  return changed;
}

/// Gives the cells of a rectangle the base's pixels, those that have none yet. mutex_ is held.
void LiveRestoration::fill(std::size_t level, const cv::Rect& rect) {
  Plane& plane = restored_[level];
  const cv::Rect all({0, 0}, plane.pixels.size());
  forEachCell(rect, plane.columns, [&](std::size_t index, const cv::Rect& cell) {
    if (plane.filled[index]) return;
    plane.filled[index] = true;
    base_->levels[level](cell & all).copyTo(plane.pixels(cell & all));
  });
}

void LiveRestoration::propagate(int level, cv::Rect rect) {
  for (auto l = static_cast<std::size_t>(level) + 1; l < restored_.size(); ++l) {
    const cv::Rect finer({0, 0}, restored_[l - 1].pixels.size());
    rect = toLevel(rect, 1, restored_[l].pixels.size());
    for (int y = rect.y; y < rect.y + rect.height; y += kBand) {
      const cv::Rect band(rect.x, y, rect.width, std::min(kBand, rect.y + rect.height - y));
      const std::lock_guard lock(mutex_);
      fill(l - 1, cv::Rect(2 * band.x, 2 * band.y, 2 * band.width, 2 * band.height) & finer);
      fill(l, band);
      halveInto(restored_[l - 1].pixels, band, restored_[l].pixels);
    }
  }
}

cv::Mat LiveRestoration::read(int level, const cv::Rect& rect, double strength) const {
  const auto index = static_cast<std::size_t>(level);
  cv::Mat result = base_->levels[index](rect).clone();
  if (strength == 0.0) return result;
  const auto s = static_cast<float>(strength);
  const std::lock_guard lock(mutex_);
  const Plane& plane = restored_[index];
  forEachCell(rect, plane.columns, [&](std::size_t number, const cv::Rect& cell) {
    if (!plane.filled[number]) return;
    const cv::Rect part = cell & rect;
    cv::Mat target = result(part - rect.tl());
    if (strength == 1.0) {
      plane.pixels(part).copyTo(target);
      return;
    }
    for (int y = 0; y < part.height; ++y) {
      auto* to = target.ptr<float>(y);
      const auto* from =
          plane.pixels.ptr<float>(part.y + y) + static_cast<std::ptrdiff_t>(part.x) * 3;
      for (int i = 0; i < part.width * 3; ++i) to[i] += s * (from[i] - to[i]);
    }
  });
  return result;
}

Image LiveRestoration::blended(double strength) const {
  Image image = base_->image;
  image.pixels = read(0, {{0, 0}, base_->sizeAt(0)}, strength);
  if (scale_ > 1 || image.alpha.empty()) return image;
  for (int y = 0; y < image.height(); ++y) {
    const auto* from = source_->image.pixels.ptr<float>(y);
    const auto* alpha = image.alpha.ptr<float>(y);
    auto* to = image.pixels.ptr<float>(y);
    for (int x = 0; x < image.width(); ++x, from += 3, to += 3) {
      if (alpha[x] <= 0.0F) std::copy_n(from, 3, to);
    }
  }
  return image;
}

}  // namespace pristine
