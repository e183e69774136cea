#include "app/live_restoration.h"

#include <gtest/gtest.h>

#include <opencv2/core.hpp>
#include <random>

#include "app/picture_restoration.h"
#include "core/error.h"
#include "core/metrics.h"
#include "core/restorer.h"
#include "core/safetensors.h"
#include "tests/support/test_image.h"
#include "tests/support/tiny_model.h"

namespace pristine {
namespace {

class LiveRestorationTest : public testing::Test {
 protected:
  static constexpr int kWidth = 210;
  static constexpr int kHeight = 150;

  LiveRestorationTest() {
    RestorerOptions options;
    options.tile = 64;
    restorer =
        std::make_unique<Restorer>(Model::fromSafetensors(test::tinyModel(), "tiny"), options);
  }
  std::shared_ptr<const Picture> picture(bool grey = false) {
    return makePicture(
        grey ? test::greyImage(kWidth, kHeight) : test::photographImage(kWidth, kHeight), {});
  }
  void prepare(LiveRestoration& live) {
    const cv::Size size = live.source().sizeAt(0);
    live.prepare(restorer->gridFor(size.width, size.height), restorer->feather());
  }
  cv::Rect restore(LiveRestoration& live, const LiveTile& tile) {
    return live.put(tile, restorer->restore(live.inputOf(tile), 1.0)->pixels);
  }
  cv::Mat all(const LiveRestoration& live, double strength = 1.0, int level = 0) {
    return live.read(level, {{0, 0}, live.source().sizeAt(static_cast<std::size_t>(level))},
                     strength);
  }

  std::unique_ptr<Restorer> restorer;
  const LiveView whole{0, {0, 0, kWidth, kHeight}};
};

TEST_F(LiveRestorationTest, ShowsTheSourceBeforeAnythingIsRestored) {
  LiveRestoration live(picture());
  EXPECT_EQ(test::largestDifference(all(live), live.source().image.pixels), 0.0);
  prepare(live);
  EXPECT_EQ(test::largestDifference(all(live), live.source().image.pixels), 0.0);
}

TEST_F(LiveRestorationTest, CompleteEqualsTheRestorerInAnyOrder) {
  std::mt19937 random(7);
  for (const bool grey : {false, true}) {
    const auto source = picture(grey);
    const cv::Mat expected = restorer->restore(source->image, 1.0)->pixels;
    for (int round = 0; round < 3; ++round) {
      LiveRestoration live(source);
      prepare(live);
      ASSERT_GT(live.tiles(), 4U);
      while (!live.complete()) {
        const int x = std::uniform_int_distribution<int>(0, kWidth - 1)(random);
        const int y = std::uniform_int_distribution<int>(0, kHeight - 1)(random);
        const LiveView view{round % 2, {x, y, 30, 30}};
        if (const auto draft = live.nextDraft(view); draft && random() % 2 == 0) {
          restore(live, *draft);
        }
        restore(live, *live.nextTile(view));
      }
      EXPECT_FALSE(live.nextDraft(whole)) << "nothing is left to do";
      EXPECT_LE(test::largestDifference(all(live), expected), 1e-5);
    }
  }
}

TEST_F(LiveRestorationTest, CompleteEqualsTheRestorerWhereRampsOfThreeTilesMeet) {
  const auto source = makePicture(test::photographImage(150, 101), {});
  LiveRestoration live(source);
  prepare(live);
  while (!live.complete()) restore(live, *live.nextTile({0, {100, 50, 30, 30}}));
  EXPECT_LE(test::largestDifference(live.read(0, {0, 0, 150, 101}, 1.0),
                                    restorer->restore(source->image, 1.0)->pixels),
            1e-5);
}

/// A picture with a hole under which another program left garish colours.
Image imageWithHole(int width, int height) {
  Image image = test::photographImage(width, height);
  image.alpha = cv::Mat(height, width, CV_32FC1, cv::Scalar(1.0));
  const cv::Rect hole(width / 4, height / 4, width / 2, height / 3);
  image.alpha(hole).setTo(0.0F);
  image.pixels(hole).setTo(cv::Scalar(1.0, 0.0, 1.0));
  return image;
}

TEST_F(LiveRestorationTest, ColoursUnderTransparencyAreKeptFromTheNetworkAndInTheFile) {
  const Image image = imageWithHole(kWidth, kHeight);
  LiveRestoration live(makePicture(image, {}));
  prepare(live);
  while (const auto tile = live.nextTile(whole)) restore(live, *tile);
  const Image expected = *restorePicture(*restorer, image, 1.0);
  EXPECT_LE(test::largestDifference(live.blended(1.0).pixels, expected.pixels), 1e-5);
  // In no crop at all, of a tile or of a draft, and on no level.
  LiveRestoration fresh(makePicture(image, {}));
  for (int level = 0; level < 3; ++level) {
    const auto draft = fresh.nextDraft({level, {0, 0, kWidth, kHeight}});
    ASSERT_TRUE(draft);
    cv::Mat channels[3];
    cv::split(fresh.inputOf(*draft).pixels, channels);
    cv::Mat garish = channels[0] - channels[1];
    double least = 0;
    double most = 0;
    cv::minMaxLoc(garish, &least, &most);
    EXPECT_LT(most, 0.9) << level;
    fresh.put(*draft, fresh.inputOf(*draft).pixels);
  }
}

TEST_F(LiveRestorationTest, LevelsFollowTheBase) {
  LiveRestoration live(picture());
  prepare(live);
  while (!live.complete()) restore(live, *live.nextTile(whole));
  const auto expected = makePicture(live.blended(1.0), {});
  for (int level = 0; level < static_cast<int>(expected->levels.size()); ++level) {
    EXPECT_LE(test::largestDifference(all(live, 1.0, level),
                                      expected->levels[static_cast<std::size_t>(level)]),
              1e-5)
        << level;
  }
}

TEST_F(LiveRestorationTest, StrengthBlendsWithTheSource) {
  LiveRestoration live(picture());
  prepare(live);
  while (!live.complete()) restore(live, *live.nextTile(whole));
  const cv::Mat expected = restorer->restore(live.source().image, 0.3)->pixels;
  EXPECT_LE(test::largestDifference(all(live, 0.3), expected), 1e-5);
  EXPECT_EQ(test::largestDifference(all(live, 0.0), live.source().image.pixels), 0.0);
}

TEST_F(LiveRestorationTest, NearestToTheCentreOfTheViewComesFirst) {
  LiveRestoration live(makePicture(test::photographImage(1200, 900), {}));
  prepare(live);
  const LiveView view{0, {700, 500, 400, 300}};
  const cv::Point centre(900, 650);
  EXPECT_TRUE(live.nextTile(view)->core.contains(centre));
  EXPECT_TRUE(live.nextDraft(view)->core.contains(centre));
  const LiveView elsewhere{0, {0, 0, 100, 100}};
  EXPECT_TRUE(live.nextTile(elsewhere)->core.contains(cv::Point(50, 50)));
}

TEST_F(LiveRestorationTest, DraftsCoverWhatIsVisibleAndNoMore) {
  LiveRestoration live(makePicture(test::photographImage(1200, 900), {}));
  prepare(live);
  const LiveView view{0, {300, 200, 500, 400}};
  cv::Mat covered = cv::Mat::zeros(900, 1200, CV_8U);
  int drafts = 0;
  while (const auto draft = live.nextDraft(view)) {
    EXPECT_FALSE((draft->core & view.visible).empty());
    EXPECT_EQ((draft->crop & draft->core), draft->core);
    const cv::Rect changed = restore(live, *draft);
    covered(changed).setTo(1);
    ASSERT_LT(++drafts, 40);
  }
  EXPECT_EQ(cv::countNonZero(covered(view.visible)), view.visible.area());
  EXPECT_EQ(live.tilesDone(), 0U) << "drafts are no results";
}

TEST_F(LiveRestorationTest, DraftOfACoarseLevelShowsThereAndBelow) {
  LiveRestoration live(picture());
  prepare(live);
  const auto draft = live.nextDraft({1, {0, 0, kWidth, kHeight}});
  ASSERT_TRUE(draft);
  restore(live, *draft);
  EXPECT_GT(test::largestDifference(all(live, 1.0, 1), live.source().levels[1]), 1e-3);
  EXPECT_GT(test::largestDifference(all(live, 1.0, 2), live.source().levels[2]), 1e-3);
  EXPECT_EQ(test::largestDifference(all(live, 1.0, 0), live.source().levels[0]), 0.0);
}

TEST_F(LiveRestorationTest, DraftNeverReplacesATile) {
  LiveRestoration live(picture());
  prepare(live);
  const auto tile = live.nextTile({0, {0, 0, 10, 10}});
  restore(live, *tile);
  const cv::Mat before = live.read(0, tile->core, 1.0);
  const auto draft = live.nextDraft(whole);
  ASSERT_TRUE(draft);
  restore(live, *draft);
  EXPECT_EQ(test::largestDifference(live.read(0, tile->core, 1.0), before), 0.0);
}

TEST_F(LiveRestorationTest, TinyPictureIsOneTile) {
  LiveRestoration live(makePicture(test::photographImage(3, 2), {}));
  prepare(live);
  const LiveView view{0, {0, 0, 3, 2}};
  restore(live, *live.nextDraft(view));
  restore(live, *live.nextTile(view));
  EXPECT_TRUE(live.complete());
  EXPECT_LE(test::largestDifference(all(live), restorer->restore(live.source().image, 1.0)->pixels),
            1e-5);
}

/// A network that enlarges, on a picture of several tiles.
class EnlargedLiveRestoration : public testing::TestWithParam<int> {
 protected:
  EnlargedLiveRestoration() {
    options.precision = Precision::F32;
    options.threads = 2;
    options.tile = 64;
    restorer = std::make_unique<Restorer>(
        Model::fromSafetensors(test::tinyModel(1, GetParam()), "tiny"), options);
  }
  void restore(LiveRestoration& live, const LiveTile& tile) {
    live.put(tile, restorer->restore(live.inputOf(tile), 1.0)->pixels);
  }
  static cv::Mat all(const LiveRestoration& live) {
    return live.read(0, {{0, 0}, live.base()->sizeAt(0)}, 1.0);
  }

  RestorerOptions options;
  std::unique_ptr<Restorer> restorer;
};
INSTANTIATE_TEST_SUITE_P(Scales, EnlargedLiveRestoration, testing::Values(2, 3, 4));

TEST_P(EnlargedLiveRestoration, CompleteEqualsTheRestorer) {
  const int scale = GetParam();
  Image image = test::photographImage(150, 101);
  image.alpha = test::alphaRamp(150, 101);
  LiveRestoration live(makePicture(image, {}), scale);
  EXPECT_EQ(live.base()->sizeAt(0), cv::Size(150 * scale, 101 * scale));
  const cv::Mat before = all(live);
  live.prepare(restorer->gridFor(150, 101), restorer->feather());
  const LiveView view{0, {100 * scale, 50 * scale, 30, 30}};
  while (const auto tile = live.nextTile(view)) restore(live, *tile);
  ASSERT_TRUE(live.complete());
  const Image expected = *restorePicture(*restorer, image, 1.0);
  EXPECT_LE(test::largestDifference(all(live), expected.pixels), 1e-5);
  EXPECT_GT(test::largestDifference(all(live), before), 1e-2);
  const Image blended = live.blended(1.0);
  EXPECT_EQ(test::largestDifference(blended.alpha, expected.alpha), 0.0);
}

TEST_P(EnlargedLiveRestoration, DraftsLieWhereTheTilesWill) {
  const int scale = GetParam();
  const Image image = test::photographImage(600, 430);
  LiveRestoration live(makePicture(image, {}), scale);
  const LiveView view{0, {300 * scale, 200 * scale, 200, 200}};
  int drafts = 0;
  while (const auto tile = live.nextDraft(view)) {
    ASSERT_TRUE(tile->draft);
    restore(live, *tile);
    ASSERT_LT(++drafts, 10);
  }
  EXPECT_GT(drafts, 0);
  const cv::Mat whole = restorer->restore(image, 1.0)->pixels;
  const cv::Mat draft = live.read(0, view.visible, 1.0);
  EXPECT_GT(psnr(draft, whole(view.visible)),
            psnr(live.base()->levels[0](view.visible), whole(view.visible)) + 3.0);
}

TEST_P(EnlargedLiveRestoration, NeedsNoDraftWhereTheScreenIsNoFinerThanTheSource) {
  LiveRestoration live(makePicture(test::photographImage(100, 80), {}), GetParam());
  EXPECT_FALSE(live.nextDraft({2, {0, 0, 100, 80}}));
  EXPECT_TRUE(live.nextDraft({0, {0, 0, 100, 80}}));
}

TEST_P(EnlargedLiveRestoration, RefusesWhatMemoryWouldNotHold) {
  Image image;
  image.pixels = cv::Mat(6000, 6000, CV_32FC3);
  const auto picture = std::make_shared<Picture>();
  picture->image = image;
  picture->levels = {image.pixels};
  EXPECT_THROW(LiveRestoration(picture, GetParam()), Error);
}

}  // namespace
}  // namespace pristine
