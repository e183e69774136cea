#include "core/tile_grid.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>

#include "core/error.h"

namespace pristine {
namespace {

struct AxisCase {
  int length;
  int count;
  int alignment;
  int halo;
};

std::string describe(const AxisCase& c) {
  return std::to_string(c.length) + " in " + std::to_string(c.count) + ", alignment " +
         std::to_string(c.alignment) + ", halo " + std::to_string(c.halo);
}

/// Lengths of all kinds: 1, primes, multiples of the alignment and their neighbours.
std::vector<AxisCase> axisCases() {
  std::vector<AxisCase> cases;
  for (const int alignment : {1, 16, 128}) {
    for (const int halo : {0, 1, 16, 64, 200}) {
      for (const int length : {1, 2, 7, 16, 127, 128, 129, 257, 384, 997, 1024, 2048, 6007}) {
        for (const int count : {1, 2, 3, 5, 8, 40}) {
          cases.push_back({length, count, alignment, halo});
        }
      }
    }
  }
  return cases;
}

TEST(TileAxis, CoversEveryPixelOnce) {
  for (const AxisCase& c : axisCases()) {
    SCOPED_TRACE(describe(c));
    const TileAxis axis = splitAxis(c.length, c.count, c.alignment, c.halo);
    ASSERT_FALSE(axis.starts.empty());
    ASSERT_EQ(axis.borders.size(), axis.starts.size() + 1);
    EXPECT_EQ(axis.borders.front(), 0);
    EXPECT_EQ(axis.borders.back(), c.length);
    EXPECT_TRUE(std::ranges::is_sorted(axis.borders));
    EXPECT_LE(axis.starts.size(), static_cast<std::size_t>(c.count));
  }
}

TEST(TileAxis, AlignsSidesAndStartsToTheOrigin) {
  for (const AxisCase& c : axisCases()) {
    SCOPED_TRACE(describe(c));
    const TileAxis axis = splitAxis(c.length, c.count, c.alignment, c.halo);
    EXPECT_EQ(axis.size % c.alignment, 0);
    for (const int start : axis.starts) EXPECT_EQ(start % c.alignment, 0);
    EXPECT_EQ(axis.starts.front(), 0);
    const int padded = (c.length + c.alignment - 1) / c.alignment * c.alignment;
    EXPECT_EQ(axis.starts.back() + axis.size, padded) << "no tile lies beyond the padded picture";
  }
}

TEST(TileAxis, KeepsTheHaloAroundWhatATileAnswersFor) {
  for (const AxisCase& c : axisCases()) {
    SCOPED_TRACE(describe(c));
    const TileAxis axis = splitAxis(c.length, c.count, c.alignment, c.halo);
    for (std::size_t i = 0; i < axis.starts.size(); ++i) {
      if (i > 0) {
        EXPECT_GE(axis.borders[i] - axis.starts[i], c.halo);
      }
      if (i + 1 < axis.starts.size()) {
        EXPECT_GE(axis.starts[i] + axis.size - axis.borders[i + 1], c.halo);
      }
    }
  }
}

TEST(TileAxis, RefusesSizesThatMakeNoAxis) {
  EXPECT_THROW(splitAxis(0, 1, 128, 64), Error);
  EXPECT_THROW(splitAxis(10, 0, 128, 64), Error);
  EXPECT_THROW(splitAxis(10, 1, 0, 64), Error);
  EXPECT_THROW(splitAxis(10, 1, 128, -1), Error);
}

TEST(TileGrid, IsOneTileForOnePixel) {
  const TileGrid grid(1, 1, {});
  EXPECT_EQ(grid.count(), 1);
  EXPECT_EQ(grid.tileWidth(), 128);
  EXPECT_EQ(grid.tileHeight(), 128);
}

TEST(TileGrid, StaysWithinTheBudget) {
  for (const auto& [width, height] : {std::pair{6000, 4000}, {1, 9999}, {9999, 1}, {1009, 2003}}) {
    for (const std::int64_t budget : {300'000, 1'000'000, 3'000'000}) {
      TileGridOptions options;
      options.budget = budget;
      const TileGrid grid(width, height, options);
      EXPECT_LE(static_cast<std::int64_t>(grid.tileWidth()) * grid.tileHeight(), budget)
          << width << "x" << height;
    }
  }
}

TEST(TileGrid, StaysWithinTheSide) {
  TileGridOptions options;
  options.side = 512;
  const TileGrid grid(6000, 700, options);
  EXPECT_LE(grid.tileWidth(), 512);
  EXPECT_LE(grid.tileHeight(), 512);
}

TEST(TileGrid, TakesTheSmallestTilesWhenNoneFitTheBudget) {
  TileGridOptions options;
  options.budget = 1;
  const TileGrid grid(2000, 1500, options);
  // 128 pixels are all halo; 256 answer for 128.
  EXPECT_EQ(grid.tileWidth(), 256);
  EXPECT_EQ(grid.tileHeight(), 256);
}

TEST(TileGrid, IsOneTileWhenThePictureFitsTheBudget) {
  const TileGrid grid(1000, 1000, {});
  EXPECT_EQ(grid.count(), 1);
  EXPECT_EQ(grid.tileWidth(), 1024);
}

TEST(TileGrid, ComputesNoMoreThanSquareTilesWould) {
  TileGridOptions options;
  options.budget = 1 << 20;
  const TileGrid grid(6000, 4000, options);
  const double computed = static_cast<double>(grid.count()) * grid.tileWidth() * grid.tileHeight();
  const int columns = (6000 - 128 + 895) / 896;  // 1024 minus two halos each
  const int rows = (4000 - 128 + 895) / 896;
  EXPECT_LE(computed, static_cast<double>(columns * rows) * 1024 * 1024);
}

TEST(TileGrid, RefusesPicturesWithoutPixels) {
  EXPECT_THROW(TileGrid(0, 10, {}), Error);
  EXPECT_THROW(TileGrid(10, 0, {}), Error);
}

}  // namespace
}  // namespace pristine
