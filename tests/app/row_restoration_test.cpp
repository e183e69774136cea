#include "app/row_restoration.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <opencv2/core.hpp>

#include "app/image_file.h"
#include "app/picture_restoration.h"
#include "core/error.h"
#include "tests/app/image_files_environment.h"
#include "tests/app/tagged_file.h"
#include "tests/app/tiff_builder.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/test_image.h"
#include "tests/support/tiny_model.h"

namespace pristine {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

constexpr int kWidth = 300;
constexpr int kHeight = 500;
/// Of the tiles' sides, in pixels.
constexpr int kTile = 100;

class RowRestoration : public testing::Test {
 protected:
  static std::shared_ptr<const Model> model(int scale = 1) {
    return Model::fromSafetensors(test::tinyModel(1, scale), "tiny");
  }

  /// Memory for tiles of kTile squared.
  static RowRestorationOptions options(int scale = 1) {
    RowRestorationOptions chosen;
    const std::int64_t area = std::int64_t{scale} * scale;
    chosen.memory = std::int64_t{kWidth} * (16 + area * 76) * kTile;
    chosen.memory += 28 * (area - 1) * kTile * kTile;
    return chosen;
  }

  const test::ImageFiles started;
  const test::TemporaryFolder folder;
};

struct Case {
  const char* extension;
  int scale;
};

class RowRestorationOf : public RowRestoration, public testing::WithParamInterface<Case> {};

TEST_P(RowRestorationOf, AFormatGivesThePictureThatTheWholeGives) {
  const auto [extension, scale] = GetParam();
  const fs::path source = folder / (std::string("in") + extension);
  const fs::path whole = folder / (std::string("whole") + extension);
  const fs::path rows = folder / (std::string("rows") + extension);
  Image image = test::photographImage(kWidth, kHeight, SampleDepth::U8);
  if (traitsOf(*formatOfName(source)).alpha) image.alpha = test::alphaRamp(kWidth, kHeight);
  writeImage(image, source);
  Restorer restorer(model(scale), {});
  const auto notes = restoreRows(source, rows, restorer, options(scale), {});
  ASSERT_TRUE(notes);
  // The same tiles, as attention depends on them.
  Restorer small(model(scale), {.tile = kTile});
  const auto restored = restorePicture(small, readImage(source), 1.0);
  ASSERT_TRUE(restored);
  writeImage(*restored, whole);
  const Image got = readImage(rows);
  const Image wanted = readImage(whole);
  ASSERT_EQ(got.pixels.size(), cv::Size(scale * kWidth, scale * kHeight));
  const double step = source.extension() == ".jpg" ? 3.0 / 255 : 1.01 / 255;
  EXPECT_LT(test::largestDifference(wanted.pixels, got.pixels), step);
  ASSERT_EQ(got.alpha.size(), wanted.alpha.size());
  if (!got.alpha.empty()) {
    EXPECT_LT(test::largestDifference(wanted.alpha, got.alpha), 1.01 / 255);
  }
}

INSTANTIATE_TEST_SUITE_P(Formats, RowRestorationOf,
                         testing::Values(Case{".png", 1}, Case{".jpg", 1}, Case{".tif", 1},
                                         Case{".exr", 1}, Case{".png", 2}, Case{".jpg", 3},
                                         Case{".tif", 4}, Case{".exr", 2}),
                         [](const auto& test) {
                           return std::string(test.param.extension + 1) +
                                  std::to_string(test.param.scale);
                         });

TEST_F(RowRestoration, KeepsThePictureAsItLiesWithItsOrientation) {
  for (const char* from : {".jpg", ".png", ".tif"}) {
    for (int orientation = 1; orientation <= 8; ++orientation) {
      const fs::path source = folder / (std::string("in") + from);
      writeImage(test::photographImage(60, 40), source);
      test::FileTags tags;
      tags.exif.entries.push_back(
          test::tiffEntry(0x0112, TiffType::Short, {static_cast<std::uint32_t>(orientation)}));
      test::tagFile(source, tags);
      ASSERT_EQ(pictureSize(source).orientation, orientation) << from;
      const Image seen = readImage(source);
      for (const char* to : {".jpg", ".png", ".tif"}) {
        const fs::path target = folder / (std::string("out") + to);
        RowRestorationOptions unchanged = options();
        unchanged.strength = 0;
        Restorer restorer(model(), {});
        ASSERT_TRUE(restoreRows(source, target, restorer, unchanged, {})) << from << to;
        EXPECT_EQ(pictureSize(target).orientation, orientation) << from << to;
        const Image got = readImage(target);
        ASSERT_EQ(got.pixels.size(), seen.pixels.size()) << from << to << orientation;
        // Turned wrongly, it would differ by more than half of the range.
        EXPECT_LT(test::largestDifference(got.pixels, seen.pixels),
                  target.extension() == ".jpg" ? 0.2 : 1e-6)
            << from << to << orientation;
      }
      EXPECT_EQ(obstacleToRows(pictureSize(source), "a.exr", {}).empty(), orientation == 1);
    }
  }
}

TEST_F(RowRestoration, SaysWhatItNeeds) {
  writeImage(test::photographImage(300, 100), folder / "a.png");
  Restorer restorer(model(), {});
  RowRestorationOptions little;
  little.memory = 1000;
  EXPECT_THROW(restoreRows(folder / "a.png", folder / "b.png", restorer, little, {}), Error);
  EXPECT_FALSE(fs::exists(folder / "b.png"));
}

TEST(Rows, AreRefusedWhereAFormatHasNone) {
  PictureSize size;
  size.rows = true;
  EXPECT_EQ(obstacleToRows(size, "a.png", {}), "");
  EXPECT_THAT(obstacleToRows(size, "a.webp", {}), HasSubstr("as a whole"));
  size.orientation = 6;
  EXPECT_THAT(obstacleToRows(size, "a.exr", {}), HasSubstr("turned"));
  size.rows = false;
  EXPECT_THAT(obstacleToRows(size, "a.png", {}), HasSubstr("as a whole"));
}

}  // namespace
}  // namespace pristine
