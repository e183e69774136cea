#include "app/live_restoration.h"

#include <gtest/gtest.h>

#include <opencv2/core.hpp>
#include <random>

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

}  // namespace
}  // namespace pristine
