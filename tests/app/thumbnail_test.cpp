#include <gtest/gtest.h>

#include <opencv2/core.hpp>

#include "app/image_file.h"
#include "core/error.h"
#include "tests/support/files.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/test_image.h"

namespace pristine {
namespace {

class ThumbnailTest : public testing::Test {
 protected:
  ThumbnailTest() { initializeImageFiles(); }
  test::TemporaryFolder folder;
};

TEST_F(ThumbnailTest, FitsTheSquareAndKeepsTheShape) {
  for (const char* name : {"a.png", "a.jpg", "a.tif", "a.webp"}) {
    writeImage(test::photographImage(600, 400), folder / name);
    const Image small = readThumbnail(folder / name, 96);
    EXPECT_EQ(small.width(), 96) << name;
    EXPECT_EQ(small.height(), 64) << name;
  }
}

TEST_F(ThumbnailTest, NeverEnlarges) {
  writeImage(test::photographImage(20, 10), folder / "a.png");
  EXPECT_EQ(readThumbnail(folder / "a.png", 96).width(), 20);
}

TEST_F(ThumbnailTest, TakesEveryDepthAndGrey) {
  for (const SampleDepth depth : {SampleDepth::U8, SampleDepth::U16, SampleDepth::F32}) {
    const Image grey = test::greyImage(200, 100, depth);
    writeImage(grey, folder / "grey.tif");
    const Image small = readThumbnail(folder / "grey.tif", 50);
    const auto mean = [](const cv::Mat& m) { return cv::mean(m)[1]; };
    EXPECT_NEAR(mean(small.pixels), mean(grey.pixels), 0.02) << static_cast<int>(depth);
  }
}

TEST_F(ThumbnailTest, BrokenFilesAreErrors) {
  test::writeText(folder / "a.png", "no picture");
  EXPECT_THROW(readThumbnail(folder / "a.png", 96), Error);
  EXPECT_THROW(readThumbnail(folder / "missing.png", 96), Error);
}

TEST_F(ThumbnailTest, PictureWithoutProfileHasNone) {
  writeImage(test::photographImage(20, 10), folder / "a.png");
  EXPECT_TRUE(iccProfile(readImage(folder / "a.png")).empty());
  EXPECT_TRUE(iccProfile(Image()).empty());
}

}  // namespace
}  // namespace pristine
