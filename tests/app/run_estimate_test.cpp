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
    jobs.push_back({folder / (std::to_string(jobs.size()) + ".png"), {}});
    writeImage(test::photographImage(width, height), jobs.back().input);
  }
  test::writeText(folder / "broken.png", "words");
  jobs.push_back({folder / "broken.png", {}});
  const auto costs = costsOf(jobs, *restorer);
  ASSERT_EQ(costs.size(), 4U);
  const TileGrid grid = restorer->gridFor(300, 200);
  EXPECT_EQ(costs[2].tilePixels,
            static_cast<double>(grid.count()) * grid.tileWidth() * grid.tileHeight());
  EXPECT_NEAR(costs[2].megapixels, 0.06, 1e-9);
  EXPECT_TRUE(costs[0].compiles);
  EXPECT_FALSE(costs[1].compiles);
  EXPECT_TRUE(costs[2].compiles);
  EXPECT_EQ(costs[3].tilePixels, 0.0);
  EXPECT_EQ(costs[2].seconds({2.0, 5.0}), 2.0 * costs[2].tilePixels + 5.0);
}

TEST_F(RunEstimate, MeasuresUnlessStopped) {
  const auto speed = measureSpeed(*restorer, {});
  ASSERT_TRUE(speed.has_value());
  EXPECT_GT(speed->secondsPerPixel, 0.0);
  EXPECT_GT(speed->secondsPerCompile, 0.0);
  std::stop_source stop;
  stop.request_stop();
  EXPECT_FALSE(measureSpeed(*restorer, stop.get_token()).has_value());
}

TEST_F(RunEstimate, RemembersSpeeds) {
  const SpeedCache cache(folder / "deep/speed.json");
  EXPECT_FALSE(cache.find("a").has_value());
  cache.store("a", {1e-6, 0.25});
  cache.store("b", {2e-6, 0.5});
  ASSERT_TRUE(cache.find("a").has_value());
  EXPECT_EQ(cache.find("a")->secondsPerPixel, 1e-6);
  EXPECT_EQ(cache.find("b")->secondsPerCompile, 0.5);
  for (const char* damage : {"", "[]", "{\"a\": 3}", "{\"a\": {\"seconds_per_pixel\": 1}}", "{"}) {
    test::writeText(folder / "deep/speed.json", damage);
    EXPECT_FALSE(cache.find("a").has_value()) << damage;
  }
  cache.store("a", {1e-6, 0.25});
  EXPECT_TRUE(cache.find("a").has_value());
}

TEST_F(RunEstimate, KeysTellModelsPrecisionsAndThreadsApart) {
  const std::string key = speedKey("x", *restorer);
  EXPECT_NE(speedKey("y", *restorer), key);
  options.threads = 2;
  EXPECT_NE(speedKey("x", Restorer(model, options)), key);
}

}  // namespace
}  // namespace pristine
