#include <gmock/gmock.h>

#include "core/metrics.h"
#include "tests/cli/command_line.h"

namespace pristine {
namespace {

namespace fs = std::filesystem;
using test::CommandLine;
using test::ProcessResult;
using testing::HasSubstr;

class Upscale : public CommandLine {
 protected:
  Upscale() {
    for (const int scale : {2, 3, 4}) {
      test::writeTinyModel(folder / ("models/upscale" + std::to_string(scale) + ".safetensors"), 1,
                           scale);
    }
    auto info = test::tinyModelInfo();
    info["task"] = "dejpeg";
    test::writeTinyModel(folder / "models/dejpeg.safetensors", info);
  }
};

TEST_F(Upscale, EnlargesByTheScale) {
  addPicture("a.png", 41, 30);
  for (const int scale : {2, 3, 4}) {
    const ProcessResult result =
        run({"upscale", path("a.png"), "-o", path("b.png"), "-s", std::to_string(scale), "-v"});
    EXPECT_EQ(result.exitCode, 0) << result.err;
    const Image picture = readImage(folder / "b.png");
    EXPECT_EQ(picture.width(), 41 * scale);
    EXPECT_EQ(picture.height(), 30 * scale);
  }
  EXPECT_EQ(run({"upscale", path("a.png"), "-o", path("c.png")}).exitCode, 0);
  EXPECT_EQ(readImage(folder / "c.png").width(), 82);
}

TEST_F(Upscale, EnlargesGreyAndTransparentPicturesOfAFolder) {
  fs::create_directories(folder / "in");
  writeImage(test::greyImage(20, 10), folder / "in/grey.png");
  Image transparent = test::photographImage(9, 12, SampleDepth::U16);
  transparent.alpha = test::alphaRamp(9, 12);
  writeImage(transparent, folder / "in/transparent.png");
  const ProcessResult result = run({"upscale", path("in"), "-o", path("out"), "--scale", "3"});
  EXPECT_EQ(result.exitCode, 0) << result.err;
  const Image grey = readImage(folder / "out/grey.png");
  EXPECT_TRUE(grey.grey);
  EXPECT_EQ(grey.width(), 60);
  const Image large = readImage(folder / "out/transparent.png");
  EXPECT_EQ(large.depth, SampleDepth::U16);
  EXPECT_EQ(large.alpha.size(), cv::Size(27, 36));
}

TEST_F(Upscale, SaysBeforeTheWorkThatAFormatIsTooSmall) {
  addPicture("a.png", 5000, 2);
  const ProcessResult result = run({"upscale", path("a.png"), "-o", path("b.webp"), "-s", "4"});
  EXPECT_EQ(result.exitCode, 4);
  EXPECT_THAT(result.err, HasSubstr("20000x8"));
  EXPECT_THAT(result.err, HasSubstr("16383"));
  EXPECT_FALSE(fs::exists(folder / "b.webp"));
}

TEST_F(Upscale, NamesTheVariantsThatThereAre) {
  addPicture("a.png");
  const ProcessResult result =
      run({"upscale", path("a.png"), "-o", path("b.png"), "--model", "gigantic"});
  EXPECT_EQ(result.exitCode, 5);
  EXPECT_THAT(result.err, HasSubstr("'gigantic'"));
  EXPECT_THAT(result.err, HasSubstr("installed: best"));
}

TEST_F(Upscale, DejpegIsATaskOfItsOwn) {
  addPicture("a.png");
  const ProcessResult result = run({"dejpeg", path("a.png"), "-o", path("b.png")});
  EXPECT_EQ(result.exitCode, 0) << result.err;
  EXPECT_LT(psnr(readImage(folder / "a.png").pixels, readImage(folder / "b.png").pixels), 60.0);
  const ProcessResult half = run({"dejpeg", path("a.png"), "-o", path("c.png"), "--strength", "0"});
  EXPECT_EQ(half.exitCode, 0) << half.err;
  EXPECT_EQ(test::largestDifference(readImage(folder / "a.png").pixels,
                                    readImage(folder / "c.png").pixels),
            0.0);
  EXPECT_EQ(run({"dejpeg", path("a.png"), "-o", path("d.png"), "--model", "denoise"}).exitCode, 5);
}

}  // namespace
}  // namespace pristine
