#include "app/run_estimate.h"

#include <gtest/gtest.h>

#include "app/image_file.h"
#include "tests/app/image_files_environment.h"
#include "tests/support/files.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/test_image.h"
#include "tests/support/tiny_model.h"

namespace pristine {
namespace {

class RunEstimate : public testing::Test {
 protected:
  RunEstimate() {
    options.precision = Precision::F32;
    options.threads = 1;
    restorer = std::make_unique<Restorer>(model, options);
  }

  const test::ImageFiles started;
  const test::TemporaryFolder folder;
  std::shared_ptr<const Model> model = Model::fromSafetensors(test::tinyModel(), "tiny");
  RestorerOptions options;
  std::unique_ptr<Restorer> restorer;
};

TEST_F(RunEstimate, CountsThePixelsOfTiles) {
  std::vector<Job> jobs;
  for (const auto& [width, height] : {std::pair{40, 30}, {40, 30}, {300, 200}}) {
    jobs.push_back({folder / (std::to_string(jobs.size()) + ".png"), folder / "out.jpg"});
    writeImage(test::photographImage(width, height), jobs.back().input);
  }
  test::writeText(folder / "broken.png", "words");
  jobs.push_back({folder / "broken.png", {}});
  const auto costs = costsOf(jobs, *restorer, {});
  ASSERT_EQ(costs.size(), 4U);
  const TileGrid grid = restorer->gridFor(300, 200);
  const double area = static_cast<double>(grid.tileWidth()) * grid.tileHeight();
  EXPECT_EQ(costs[2].tiles, grid.count());
  EXPECT_EQ(costs[2].tilePixels, grid.count() * area);
  EXPECT_EQ(costs[2].pixels, 60000);
  EXPECT_EQ(costs[2].resultPixels, 60000);
  EXPECT_EQ(costs[2].from, FileFormat::Png);
  EXPECT_EQ(costs[2].to, FileFormat::Jpeg);
  EXPECT_GT(costs[0].freshPixels, 0.0);
  EXPECT_EQ(costs[1].freshPixels, 0.0);
  EXPECT_EQ(costs[2].freshPixels, area);
  EXPECT_EQ(costs[3].pixels, 0.0);
  EXPECT_EQ(costs[3].tilePixels, 0.0);
  CostOptions copying;
  copying.write.format = FileFormat::Tiff;
  copying.network = false;
  const auto copies = costsOf(jobs, *restorer, copying);
  EXPECT_EQ(copies[2].tilePixels, 0.0);
  EXPECT_EQ(copies[2].to, FileFormat::Tiff);
}

TEST_F(RunEstimate, CountsTheResultOfEnlarging) {
  Restorer enlarging(Model::fromSafetensors(test::tinyModel(1, 3), "tiny"), options);
  writeImage(test::photographImage(40, 30), folder / "a.png");
  const auto costs = costsOf({{folder / "a.png", folder / "b.png"}}, enlarging, {});
  EXPECT_EQ(costs.at(0).pixels, 1200);
  EXPECT_EQ(costs.at(0).resultPixels, 9 * 1200);
}

/// Numbers that add up without rounding.
RunSpeed simpleSpeed() {
  RunSpeed speed;
  speed.network = {.secondsPerTile = 1,
                   .secondsPerPixel = 0.5,
                   .secondsPerCompile = 10,
                   .secondsPerFreshPixel = 0.25};
  speed.decoders[FileFormat::Png] = {.secondsPerFile = 8, .decodeSecondsPerPixel = 0.125};
  speed.encoders[FileFormat::Jpeg] = {.secondsPerFile = 2, .encodeSecondsPerPixel = 0.25};
  return speed;
}

JobCost simpleCost(double freshPixels) {
  return {.pixels = 16,
          .resultPixels = 64,
          .tiles = 2,
          .tilePixels = 40,
          .freshPixels = freshPixels,
          .from = FileFormat::Png,
          .to = FileFormat::Jpeg};
}

TEST(RunEstimateOf, AJobIsTheSumOfItsParts) {
  const RunSpeed speed = simpleSpeed();
  EXPECT_EQ(networkSeconds(simpleCost(0), speed.network), 2 + 20);
  EXPECT_EQ(networkSeconds(simpleCost(20), speed.network), 2 + 20 + 10 + 5);
  EXPECT_EQ(decodeSeconds(simpleCost(0), speed), 2);
  EXPECT_EQ(encodeSeconds(simpleCost(0), speed), 2 + 16);
  JobCost unknown = simpleCost(0);
  unknown.from = FileFormat::Jxl;
  EXPECT_EQ(decodeSeconds(unknown, speed), 0);
  EXPECT_EQ(encodeSeconds({}, speed), 0) << "a broken file is not written";
}

TEST(RunEstimateOf, ARunHidesFilesBehindTheNetworkButForItsEnds) {
  RunSpeed speed = simpleSpeed();
  const std::vector<JobCost> costs{simpleCost(20), simpleCost(0), simpleCost(0)};
  EXPECT_EQ(secondsOfRun(costs, speed), 37 + 22 + 22 + 2 + 18);
  speed.contention = 0.5;
  EXPECT_EQ(secondsInRun(costs[1], speed), 22 + 10);
  EXPECT_EQ(secondsOfRun(costs, speed), 47 + 32 + 32 + 10);
  EXPECT_EQ(secondsOfRun({}, speed), 0);
}

TEST(RunEstimateOf, ARunIsAsSlowAsItsFilesWhereTheyTakeLonger) {
  RunSpeed speed = simpleSpeed();
  speed.encoders[FileFormat::Jpeg].encodeSecondsPerPixel = 10;
  const std::vector<JobCost> costs(5, simpleCost(0));
  EXPECT_EQ(secondsOfRun(costs, speed), 5 * (2 + 640));
  // Without the network reading and writing go on side by side.
  JobCost copy = simpleCost(0);
  copy.tiles = copy.tilePixels = 0;
  EXPECT_EQ(secondsInRun(copy, speed), 642);
}

TEST_F(RunEstimate, MeasuresUnlessStopped) {
  const auto speed = measureNetwork(*restorer, {});
  ASSERT_TRUE(speed.has_value());
  EXPECT_GT(speed->secondsPerPixel, 0.0);
  EXPECT_GE(speed->secondsPerTile, 0.0);
  EXPECT_GT(speed->secondsPerCompile, 0.0);
  EXPECT_GE(speed->secondsPerFreshPixel, 0.0);
  std::stop_source stop;
  stop.request_stop();
  EXPECT_FALSE(measureNetwork(*restorer, stop.get_token()).has_value());
}

TEST_F(RunEstimate, MeasuresEveryFormat) {
  for (const FileFormat format : {FileFormat::Png, FileFormat::Jpeg, FileFormat::Tiff,
                                  FileFormat::Webp, FileFormat::Jxl, FileFormat::Exr}) {
    const CodecSpeed speed = measureCodec(format, {});
    EXPECT_GT(speed.secondsPerFile, 0.0) << traitsOf(format).name;
    EXPECT_GT(speed.encodeSecondsPerPixel, 0.0) << traitsOf(format).name;
    EXPECT_GT(speed.decodeSecondsPerPixel, 0.0) << traitsOf(format).name;
  }
}

TEST(Contention, IsNoneWhereProcessorsAreLeft) {
  EXPECT_EQ(contentionOf(4, 8), 0.0);
  EXPECT_GT(contentionOf(2, 2), contentionOf(2, 3));
  EXPECT_GT(contentionOf(1, 1), contentionOf(2, 2));
  EXPECT_LE(contentionOf(1, 1), 1.0);
}

TEST_F(RunEstimate, TakesSpeedsFromTheCacheAndMeasuresWhatIsMissing) {
  writeImage(test::photographImage(40, 30), folder / "a.png");
  const std::vector<Job> jobs{{folder / "a.png", folder / "b.jpg"}};
  const auto costs = costsOf(jobs, *restorer, {});
  const SpeedCache cache(folder / "speed.json");
  EXPECT_FALSE(speedOf(costs, *restorer, {}, cache, false, {}).has_value());
  const auto measured = speedOf(costs, *restorer, {}, cache, true, {});
  ASSERT_TRUE(measured.has_value());
  EXPECT_EQ(measured->decoders.count(FileFormat::Png), 1U);
  EXPECT_EQ(measured->encoders.count(FileFormat::Jpeg), 1U);
  const auto cached = speedOf(costs, *restorer, {}, cache, false, {});
  ASSERT_TRUE(cached.has_value());
  EXPECT_EQ(secondsOfRun(costs, *cached), secondsOfRun(costs, *measured));
}

TEST_F(RunEstimate, RemembersSpeeds) {
  const SpeedCache cache(folder / "deep/speed.json");
  EXPECT_FALSE(cache.findNetwork("a").has_value());
  cache.store("a", NetworkSpeed{0.5, 1e-6, 0.25, 1e-9});
  cache.store("b", CodecSpeed{2e-6, 0.5, 0.125});
  ASSERT_TRUE(cache.findNetwork("a").has_value());
  EXPECT_EQ(cache.findNetwork("a")->secondsPerPixel, 1e-6);
  EXPECT_EQ(cache.findNetwork("a")->secondsPerFreshPixel, 1e-9);
  EXPECT_EQ(cache.findCodec("b")->encodeSecondsPerPixel, 0.125);
  EXPECT_FALSE(cache.findNetwork("b").has_value());
  EXPECT_FALSE(cache.findCodec("a").has_value());
  for (const char* damage : {"", "[]", "{\"a\": 3}", "{\"a\": {\"seconds_per_pixel\": 1}}",
                             "{\"a\": {\"seconds_per_pixel\": \"x\"}}", "{"}) {
    test::writeText(folder / "deep/speed.json", damage);
    EXPECT_FALSE(cache.findNetwork("a").has_value()) << damage;
  }
  cache.store("a", NetworkSpeed{0.5, 1e-6, 0.25, 1e-9});
  EXPECT_TRUE(cache.findNetwork("a").has_value());
}

TEST_F(RunEstimate, KeysTellModelsPrecisionsAndThreadsApart) {
  const std::string key = networkKey("x", *restorer);
  EXPECT_NE(networkKey("y", *restorer), key);
  options.threads = 2;
  EXPECT_NE(networkKey("x", Restorer(model, options)), key);
  WriteOptions lossless;
  lossless.lossless = true;
  EXPECT_NE(codecKey(FileFormat::Webp, lossless), codecKey(FileFormat::Webp, {}));
}

}  // namespace
}  // namespace pristine
