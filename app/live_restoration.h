#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

#include "app/picture.h"
#include "core/tile_grid.h"

namespace pristine {

/// What someone looks at.
struct LiveView {
  int level = 0;     ///< mip level on the screen
  cv::Rect visible;  ///< pixels of level 0
};

/// A piece of work for the network.
struct LiveTile {
  bool draft = false;  ///< with little context and of a mip level, soon replaced by the real tiles
  int level = 0;
  cv::Rect crop;   ///< of the level: what the network sees; may reach over the right and lower edge
  cv::Rect core;   ///< of the level: what the tile answers for
  int column = 0;  ///< in the grid, unless a draft
  int row = 0;
};

/// A picture that is restored tile by tile in the order in which it is looked at. Once complete it
/// equals what Restorer::restore() gives for the whole. Pixels not restored yet are the base's.
/// read() and blended() from any thread, everything else from the one that restores.
class LiveRestoration {
 public:
  static constexpr int kDraftSide = 256;  ///< pixels of a draft tile, where the level is as large

  /// Pixels of the largest enlargement that is restored live.
  static constexpr std::int64_t kMostEnlarged = 120'000'000;

  /// scale: of the network's result. Throws Error(Memory) if an enlargement is too large.
  explicit LiveRestoration(std::shared_ptr<const Picture> source, int scale = 1);

  /// Different for every object of the process.
  std::uint64_t id() const { return id_; }
  const Picture& source() const { return *source_; }
  int scale() const { return scale_; }
  /// What the result looks like before it is restored: the source, or its enlargement. All levels
  /// and rectangles here are of its size.
  const std::shared_ptr<const Picture>& base() const { return base_; }
  const std::shared_ptr<const Picture>& sharedSource() const { return source_; }

  /// Takes the grid and ramp of the restorer that will do the work, in pixels of the source. Once,
  /// before the first tile; drafts need none.
  void prepare(const TileGrid& grid, int feather);
  bool prepared() const { return grid_.has_value(); }

  /// The visible tile nearest to the centre of the view that has no draft yet.
  std::optional<LiveTile> nextDraft(const LiveView& view) const;
  /// The tile nearest to the centre of the view that is not restored; the last one ends the work.
  std::optional<LiveTile> nextTile(const LiveView& view) const;
  Image inputOf(const LiveTile& tile) const;
  /// `restored` is what the network made of inputOf(tile). Returns the changed part of level 0.
  cv::Rect put(const LiveTile& tile, const cv::Mat& restored);

  std::size_t tilesDone() const { return tilesDone_; }
  std::size_t tiles() const { return done_.size(); }
  bool complete() const { return grid_ && tilesDone_ == done_.size(); }
  /// Whether all pixels of a part of level 0 are those of tiles.
  bool isRestored(const cv::Rect& rect) const;

  /// base + strength * (restored - base) of a part of a level, CV_32FC3.
  cv::Mat read(int level, const cv::Rect& rect, double strength) const;
  /// The whole picture at a strength of 0 to 1, with everything that the source carries, its
  /// colours under full transparency included.
  Image blended(double strength) const;

 private:
  bool isDone(int column, int row) const;
  cv::Rect coreOf(int column, int row) const;
  void putDraft(const LiveTile& tile, const cv::Mat& restored);
  cv::Rect putTile(const LiveTile& tile, const cv::Mat& restored);
  void propagate(int level, cv::Rect rect);
  void fill(std::size_t level, const cv::Rect& rect);

  std::uint64_t id_;
  std::shared_ptr<const Picture> source_;
  int scale_;
  std::shared_ptr<const Picture> base_;
  std::optional<TileGrid> sourceGrid_;
  std::optional<TileGrid> grid_;  ///< the same tiles in the base
  int feather_ = 0;               ///< in the base
  std::vector<bool> done_;        ///< tiles, row by row
  std::size_t tilesDone_ = 0;
  std::vector<std::vector<bool>> drafted_;  ///< cells of every level

  /// A level of the result. Memory is touched only where something was restored.
  struct Plane {
    cv::Mat pixels;
    int columns = 0;           ///< of cells
    std::vector<bool> filled;  ///< cells that hold pixels; the others are the base's
  };
  mutable std::mutex mutex_;     ///< guards the pixels and cells of restored_
  std::vector<Plane> restored_;  ///< sizes of the base's levels
};

}  // namespace pristine
