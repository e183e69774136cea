#include "core/tile_blend.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <opencv2/core.hpp>
#include <string>

#include "core/restorer.h"
#include "tests/support/test_image.h"

namespace pristine {
namespace {

TEST(TileBlend, WeightsSumToOneAtEveryPixel) {
  for (const int alignment : {4, 16, 128}) {
    for (const int halo : {0, 3, 16, 64}) {
      for (const int length : {1, 5, 129, 500, 1021}) {
        for (const int count : {1, 2, 3, 7, 30}) {
          const TileAxis axis = splitAxis(length, count, alignment, halo);
          for (const int feather : {0, std::min(halo, 1), std::min(halo, 16), halo}) {
            std::vector<float> sums(static_cast<std::size_t>(length), 0.0F);
            for (std::size_t i = 0; i < axis.starts.size(); ++i) {
              const auto weights = blendWeights(axis, i, feather, length);
              for (int x = 0; x < axis.size && axis.starts[i] + x < length; ++x) {
                const float weight = weights[static_cast<std::size_t>(x)];
                ASSERT_GE(weight, 0.0F);
                sums[static_cast<std::size_t>(axis.starts[i] + x)] += weight;
              }
            }
            for (const float sum : sums) {
              ASSERT_NEAR(sum, 1.0F, 1e-5F)
                  << length << " in " << count << ", alignment " << alignment << ", halo " << halo
                  << ", feather " << feather;
            }
          }
        }
      }
    }
  }
}

TEST(TileBlend, GivesNoWeightToPixelsOutsideThePicture) {
  const TileAxis axis = splitAxis(130, 1, 128, 0);
  const auto weights = blendWeights(axis, 0, 16, 130);
  ASSERT_EQ(weights.size(), 256U);
  EXPECT_EQ(weights[129], 1.0F);
  for (std::size_t i = 130; i < weights.size(); ++i) EXPECT_EQ(weights[i], 0.0F);
}

TEST(TileBlend, ReadsReflectedPixelsBeyondTheEdge) {
  cv::Mat picture(2, 3, CV_32FC3);
  for (int y = 0; y < 2; ++y) {
    for (int x = 0; x < 3; ++x)
      picture.at<cv::Vec3f>(y, x) = cv::Vec3f::all(static_cast<float>(10 * y + x));
  }
  TileGridOptions options;
  options.alignment = 8;
  const TileGrid grid(3, 2, options);
  std::vector<float> tile(8 * 8 * 3);
  readTile(picture, grid, 0, 0, tile);
  constexpr std::array kColumns{0, 1, 2, 1, 0, 1, 2, 1};
  for (int y = 0; y < 8; ++y) {
    for (int x = 0; x < 8; ++x) {
      const float wanted = 10.0F * static_cast<float>(y % 2) +
                           static_cast<float>(kColumns[static_cast<std::size_t>(x)]);
      for (int c = 0; c < 3; ++c) {
        EXPECT_EQ(tile[static_cast<std::size_t>((y * 8 + x) * 3 + c)], wanted) << x << " " << y;
      }
    }
  }
}

TEST(TileBlend, RepeatsASinglePixel) {
  cv::Mat picture(1, 1, CV_32FC3, cv::Scalar::all(0.25));
  const TileGrid grid(1, 1, {});
  std::vector<float> tile(128 * 128 * 3, 9.0F);
  readTile(picture, grid, 0, 0, tile);
  for (const float value : tile) ASSERT_EQ(value, 0.25F);
}

TEST(TileBlend, PutsAnUnchangedPictureTogetherAgain) {
  for (const auto& [width, height] : {std::pair{1, 1}, {37, 300}, {301, 97}, {256, 256}}) {
    const cv::Mat picture = test::photograph(width, height);
    TileGridOptions options;
    options.alignment = 16;
    options.halo = 8;
    options.budget = 64 * 64;
    const TileGrid grid(width, height, options);
    const auto copy = [](std::span<const float> src, std::span<float> dst) {
      std::ranges::copy(src, dst.begin());
      return true;
    };
    const auto result = restoreTiles(picture, grid, 8, copy);
    ASSERT_TRUE(result);
    EXPECT_LE(test::largestDifference(picture, *result), 1e-6) << width << "x" << height;
  }
}

TEST(TileBlend, StopsWhenATileSaysSo) {
  const cv::Mat picture = test::photograph(300, 300);
  TileGridOptions options;
  options.alignment = 16;
  options.halo = 8;
  options.budget = 64 * 64;
  const TileGrid grid(300, 300, options);
  int tiles = 0;
  const auto result = restoreTiles(
      picture, grid, 8, [&](std::span<const float>, std::span<float>) { return ++tiles < 3; });
  EXPECT_FALSE(result);
  EXPECT_EQ(tiles, 3);
}

}  // namespace
}  // namespace pristine
