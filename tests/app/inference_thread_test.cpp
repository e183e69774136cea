#include "app/inference_thread.h"

#include <gtest/gtest.h>

#include <chrono>
#include <condition_variable>
#include <limits>
#include <memory>
#include <mutex>

#include "app/image_file.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/test_image.h"
#include "tests/support/tiny_model.h"

namespace pristine {
namespace {

using namespace std::chrono_literals;

/// Counts what it hears and lets the test wait for it.
class Recorder : public InferenceObserver {
 public:
  void ready(const InferenceInfo& /*info*/) override { note(&Recorder::readies); }
  void failed(const std::string& /*reason*/) override { note(&Recorder::failures); }
  void pictureChanged(const LiveRestoration& /*live*/, const cv::Rect& /*changed*/) override {
    {
      const std::lock_guard lock(mutex_);
      if (jobsFinished == 0) ++changesBeforeJobs;
    }
    note(&Recorder::changes);
  }
  void pictureProgressed(const LiveRestoration& /*live*/, double /*share*/) override {}
  void pictureCompleted(const LiveRestoration& /*live*/) override { note(&Recorder::completions); }
  void pictureFailed(const LiveRestoration& /*live*/, const std::string& /*reason*/) override {
    note(&Recorder::pictureFailures);
  }
  void jobStarted(std::size_t /*index*/, double /*megapixels*/) override {}
  void jobProgressed(std::size_t /*index*/, double /*share*/) override {
    note(&Recorder::jobProgress);
  }
  void jobFinished(std::size_t /*index*/, const JobResult& /*result*/) override {
    note(&Recorder::jobsFinished);
  }
  void jobsEnded() override {
    {
      const std::lock_guard lock(mutex_);
      completionsBeforeEnd = completions;
    }
    note(&Recorder::ends);
  }

  bool wait(int Recorder::*count, int atLeast = 1) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, 240s, [&] { return this->*count >= atLeast; });
  }
  int get(int Recorder::*count) {
    const std::lock_guard lock(mutex_);
    return this->*count;
  }

  int readies = 0;
  int failures = 0;
  int changes = 0;
  int changesBeforeJobs = 0;
  int completions = 0;
  int pictureFailures = 0;
  int jobProgress = 0;
  int jobsFinished = 0;
  int ends = 0;
  int completionsBeforeEnd = 0;

 private:
  void note(int Recorder::*count) {
    {
      const std::lock_guard lock(mutex_);
      ++(this->*count);
    }
    changed_.notify_all();
  }

  std::mutex mutex_;
  std::condition_variable changed_;
};

class InferenceThreadTest : public testing::Test {
 protected:
  InferenceThreadTest() {
    initializeImageFiles();
    test::writeTinyModel(folder / "tiny.safetensors");
    settings.model.model = (folder / "tiny.safetensors").string();
    settings.nice = 0;  // beside other work it would hardly come to anything
  }
  static std::shared_ptr<LiveRestoration> live(int width, int height) {
    return std::make_shared<LiveRestoration>(makePicture(test::photographImage(width, height), {}));
  }
  std::vector<Job> jobs(int count, int width, int height) {
    const auto input = folder / "in.png";
    writeImage(test::photographImage(width, height), input);
    std::vector<Job> result;
    for (int i = 0; i < count; ++i) {
      result.push_back({input, folder / ("out" + std::to_string(i) + ".png")});
    }
    return result;
  }

  test::TemporaryFolder folder;
  InferenceSettings settings;
  Recorder recorder;
};

TEST_F(InferenceThreadTest, RestoresThePictureThatIsShown) {
  InferenceThread thread(recorder, settings);
  const auto picture = live(200, 150);
  thread.show(picture, {0, {0, 0, 200, 150}}, true);
  ASSERT_TRUE(recorder.wait(&Recorder::completions));
  EXPECT_GE(recorder.get(&Recorder::changes), 2) << "a draft and a tile";
}

TEST_F(InferenceThreadTest, WithoutBackgroundOnlyDraftsAreMade) {
  InferenceThread thread(recorder, settings);
  const auto picture = live(600, 500);
  thread.show(picture, {0, {0, 0, 100, 100}}, false);
  ASSERT_TRUE(recorder.wait(&Recorder::changes));
  thread.setView({0, {450, 400, 100, 100}});
  ASSERT_TRUE(recorder.wait(&Recorder::changes, 2));
  EXPECT_EQ(recorder.get(&Recorder::completions), 0);
  thread.setHurry(true);
  EXPECT_TRUE(recorder.wait(&Recorder::completions));
}

TEST_F(InferenceThreadTest, WhatIsLookedAtInterruptsAJob) {
  InferenceThread thread(recorder, settings);
  thread.startJobs(jobs(1, 700, 500), {});
  ASSERT_TRUE(recorder.wait(&Recorder::jobProgress));
  thread.show(live(300, 200), {0, {0, 0, 300, 200}}, false);
  ASSERT_TRUE(recorder.wait(&Recorder::ends));
  EXPECT_EQ(recorder.get(&Recorder::jobsFinished), 1);
  EXPECT_GE(recorder.get(&Recorder::changesBeforeJobs), 1);
}

TEST_F(InferenceThreadTest, PausedJobsWaitAndCanBeStopped) {
  InferenceThread thread(recorder, settings);
  thread.pauseJobs(true);
  thread.startJobs(jobs(2, 100, 80), {});
  ASSERT_TRUE(recorder.wait(&Recorder::readies));
  thread.show(live(100, 80), {0, {0, 0, 100, 80}}, true);
  ASSERT_TRUE(recorder.wait(&Recorder::completions));
  EXPECT_EQ(recorder.get(&Recorder::jobsFinished), 0);
  thread.stopJobs();
  ASSERT_TRUE(recorder.wait(&Recorder::ends));
  EXPECT_EQ(recorder.get(&Recorder::jobsFinished), 0);
  thread.pauseJobs(false);
  thread.startJobs(jobs(2, 100, 80), {});
  ASSERT_TRUE(recorder.wait(&Recorder::ends, 2));
  EXPECT_EQ(recorder.get(&Recorder::jobsFinished), 2);
}

TEST_F(InferenceThreadTest, StopReachesATileThatHoldsUpPausedJobs) {
  InferenceThread thread(recorder, settings);
  thread.startJobs(jobs(1, 700, 500), {});
  ASSERT_TRUE(recorder.wait(&Recorder::jobProgress));
  thread.pauseJobs(true);
  thread.show(live(2000, 1500), {0, {0, 0, 50, 50}}, true);
  ASSERT_TRUE(recorder.wait(&Recorder::changes));
  thread.stopJobs();
  ASSERT_TRUE(recorder.wait(&Recorder::ends));
  EXPECT_EQ(recorder.get(&Recorder::completionsBeforeEnd), 0) << "the tile was not waited for";
  EXPECT_EQ(recorder.get(&Recorder::jobsFinished), 0);
}

TEST_F(InferenceThreadTest, ModelThatCannotBeUsedRefusesJobs) {
  settings.model.model = "/nowhere/x.safetensors";
  InferenceThread thread(recorder, settings);
  ASSERT_TRUE(recorder.wait(&Recorder::failures));
  thread.startJobs(jobs(1, 20, 20), {});
  ASSERT_TRUE(recorder.wait(&Recorder::ends));
  EXPECT_EQ(recorder.get(&Recorder::jobsFinished), 0);
  settings.model.model = (folder / "tiny.safetensors").string();
  thread.setSettings(settings);
  thread.startJobs(jobs(1, 20, 20), {});
  ASSERT_TRUE(recorder.wait(&Recorder::ends, 2));
  EXPECT_EQ(recorder.get(&Recorder::jobsFinished), 1);
}

TEST_F(InferenceThreadTest, PictureWithValuesThatAreNoNumbersIsNamedAndLetGo) {
  InferenceThread thread(recorder, settings);
  Image image = test::photographImage(100, 80);
  image.pixels.at<cv::Vec3f>(40, 50)[1] = std::numeric_limits<float>::quiet_NaN();
  const auto broken = std::make_shared<LiveRestoration>(makePicture(image, {}));
  thread.show(broken, {0, {0, 0, 100, 80}}, true);
  ASSERT_TRUE(recorder.wait(&Recorder::pictureFailures));
  thread.show(live(100, 80), {0, {0, 0, 100, 80}}, true);
  EXPECT_TRUE(recorder.wait(&Recorder::completions));
}

TEST_F(InferenceThreadTest, EndsWithoutFinishingWhatItDoes) {
  constexpr int kJobs = 20;
  auto thread = std::make_unique<InferenceThread>(recorder, settings);
  thread->startJobs(jobs(kJobs, 700, 500), {});
  thread->show(live(700, 500), {0, {0, 0, 700, 500}}, true);
  ASSERT_TRUE(recorder.wait(&Recorder::jobProgress));
  thread.reset();
  EXPECT_LT(recorder.get(&Recorder::jobsFinished), kJobs);
  EXPECT_EQ(recorder.get(&Recorder::completions), 0);
}

TEST_F(InferenceThreadTest, RestoresThePictureByTwoModelsToCompareThem) {
  test::writeTinyModel(folder / "second.safetensors", 2);
  ModelChoice second;
  second.model = (folder / "second.safetensors").string();
  const auto source = makePicture(test::photographImage(300, 200), {});
  const auto shown = std::make_shared<LiveRestoration>(source);
  const auto compared = std::make_shared<LiveRestoration>(source);
  const LiveView view{0, {0, 0, 100, 80}};
  InferenceThread thread(recorder, settings);
  thread.show(shown, view, true);
  thread.compare(compared, second);
  ASSERT_TRUE(recorder.wait(&Recorder::completions, 2));
  const auto expected = [&](const ModelChoice& model) {
    Restorer restorer(loadModel(model), {});
    return restorer.restore(source->image, 1.0)->pixels;
  };
  const cv::Rect all{0, 0, 300, 200};
  EXPECT_LE(test::largestDifference(shown->read(0, all, 1.0), expected(settings.model)), 1e-5);
  EXPECT_LE(test::largestDifference(compared->read(0, all, 1.0), expected(second)), 1e-5);
}

TEST_F(InferenceThreadTest, ComparisonWithAModelThatCannotBeUsedLeavesThePictureAlone) {
  ModelChoice missing;
  missing.model = "/nowhere/x.safetensors";
  InferenceThread thread(recorder, settings);
  thread.show(live(100, 80), {0, {0, 0, 100, 80}}, true);
  thread.compare(live(100, 80), missing);
  ASSERT_TRUE(recorder.wait(&Recorder::pictureFailures));
  EXPECT_TRUE(recorder.wait(&Recorder::completions));
  EXPECT_EQ(recorder.get(&Recorder::failures), 0);
}

}  // namespace
}  // namespace pristine
