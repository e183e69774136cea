#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <vector>

#include "core/image.h"
#include "core/model.h"
#include "core/tile_grid.h"

namespace pristine {

/// Int8: the dense convolutions in int8, the rest in bf16 where the processor has it. Auto: int8,
/// bf16 or f32, the first that the processor and the model offer.
enum class Precision { Auto, F32, BF16, Int8 };

struct RestorerOptions {
  Precision precision = Precision::Auto;
  int threads = 0;                         ///< 0: as many as the process may use
  int tile = 0;                            ///< pixels of a tile's side at most; 0: chosen
  std::int64_t activations = 600'000'000;  ///< bytes of a tile's, unless the smallest needs more
  bool profile = false;                    ///< measure seconds per operator
};

/// Follows one picture. Work counts multiply-adds over all tiles.
struct RestoreControl {
  std::stop_token stop;
  std::function<void(double share)> progress;  ///< 0 to 1, between operators
};

/// Seconds and work of one kind of operator, summed over tiles.
struct OperatorSummary {
  std::string name;
  std::string kind;
  std::string implementation;
  std::string arithmetic;  ///< "f32", "bf16" or "int8"
  std::uint64_t macs = 0;
  std::uint64_t bytes = 0;  ///< of the activations read and written
  double seconds = 0;
};

/// One run of an operator, of the profile's entry `index`.
struct OperatorRun {
  std::size_t index = 0;
  double start = 0;  ///< seconds of the steady clock
  double seconds = 0;
};

/// A model compiled for the tile shape at hand. Use from one thread only.
class Restorer {
 public:
  Restorer(std::shared_ptr<const Model> model, const RestorerOptions& options);
  ~Restorer();
  Restorer(const Restorer&) = delete;
  Restorer& operator=(const Restorer&) = delete;

  /// The restored picture: source + strength * (network - source), strength 0 to 1; grey stays
  /// grey, alpha is untouched, values are not clipped. A model that enlarges has the strength 1
  /// alone, and alpha is enlarged by cubic interpolation. Empty if the stop token ended it. Throws
  /// Error(Input) for pictures with values that are no numbers, Error(Memory) if the result has no
  /// room.
  std::optional<Image> restore(const Image& source, double strength,
                               const RestoreControl& control = {});

  /// The tiles that restore() cuts a picture of this size into, and the ramp of its blending in
  /// pixels. Whoever restores the tiles one by one and blends them gets the same picture.
  /// gridFor() compiles the network for these tiles.
  TileGrid gridFor(int width, int height);
  /// Of the blending, in pixels of the source.
  int feather() const;
  /// What gridFor() most likely gives, without compiling anything for it.
  TileGrid likelyGridFor(int width, int height);
  /// Tiles of the pictures that follow have sides of at most so many pixels, where the network
  /// allows it; 0: no limit.
  void limitTile(int side);

  const ModelInfo& info() const;
  /// What is used: "f32", "bf16", "int8+bf16" or "int8+f32".
  std::string precision() const;
  /// Why it is not the precision that was asked for; empty if it is, or after Auto.
  std::string precisionNote() const;
  int threads() const;
  /// Bytes of activations of the compiled tile.
  std::size_t arenaBytes() const;
  /// Since construction; empty unless options.profile.
  const std::vector<OperatorSummary>& profile() const;
  /// In the order of time; those of the last tile shape only.
  const std::vector<OperatorRun>& trace() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// Runs `process` on every tile of the picture and blends the results, `scale` times as large.
/// process(src, dst) makes pixels [scale * tileHeight, scale * tileWidth, 3] of the tile's
/// [tileHeight, tileWidth, 3], or returns false to stop.
using TileFunction = std::function<bool(std::span<const float> src, std::span<float> dst)>;
std::optional<cv::Mat> restoreTiles(const cv::Mat& picture, const TileGrid& grid, int feather,
                                    const TileFunction& process, int scale = 1);

}  // namespace pristine
