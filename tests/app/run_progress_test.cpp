#include "app/run_progress.h"

#include <gtest/gtest.h>

namespace pristine {
namespace {

TEST(RunProgress, CountsWhatTheNetworkHasPassedAndItsShareOfTheNext) {
  RunProgress progress({1.0, 3.0, 4.0, 2.0}, std::nullopt);
  EXPECT_EQ(progress.shareDone(), 0.0);
  progress.started(0);
  progress.progressed(0.5);
  EXPECT_DOUBLE_EQ(progress.shareDone(), 0.05);
  // The first is still being written.
  progress.started(1);
  EXPECT_DOUBLE_EQ(progress.shareDone(), 0.1);
  progress.finished(0);
  EXPECT_DOUBLE_EQ(progress.shareDone(), 0.1);
  progress.progressed(1.0);
  EXPECT_DOUBLE_EQ(progress.shareDone(), 0.4);
  // The third never came to the network.
  progress.finished(2);
  EXPECT_DOUBLE_EQ(progress.shareDone(), 0.8);
  progress.finished(1);
  progress.started(3);
  EXPECT_DOUBLE_EQ(progress.shareDone(), 0.8);
  progress.finished(3);
  EXPECT_DOUBLE_EQ(progress.shareDone(), 1.0);
}

TEST(RunProgress, GoesOnAtThePaceSoFar) {
  RunProgress progress({1.0, 1.0}, std::nullopt);
  EXPECT_FALSE(progress.secondsLeft(0.0).has_value());
  progress.started(0);
  progress.progressed(0.5);
  EXPECT_DOUBLE_EQ(progress.secondsLeft(10.0).value(), 30.0);
}

TEST(RunProgress, LeansOnWhatIsExpectedAtTheBeginningAlone) {
  RunProgress progress({1.0, 1.0}, 100.0);
  EXPECT_DOUBLE_EQ(progress.secondsLeft(0.0).value(), 100.0);
  progress.started(0);
  // Twice as slow as expected.
  progress.progressed(0.02);
  const double early = progress.secondsLeft(2.0).value();
  EXPECT_GT(early, 100.0);
  EXPECT_LT(early, 198.0);
  progress.progressed(0.8);
  EXPECT_NEAR(progress.secondsLeft(80.0).value(), 120.0, 6.0);
}

TEST(RunProgress, OfNothingIsDone) {
  EXPECT_EQ(RunProgress({}, std::nullopt).shareDone(), 1.0);
  EXPECT_EQ(RunProgress({0.0}, 0.0).secondsLeft(1.0).value(), 0.0);
}

}  // namespace
}  // namespace pristine
