#include "app/job_runner.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <opencv2/core.hpp>
#include <stdexcept>

#include "core/metrics.h"
#include "core/safetensors.h"
#include "tests/app/image_files_environment.h"
#include "tests/support/files.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/test_image.h"
#include "tests/support/tiny_model.h"

namespace pristine {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::HasSubstr;

/// Remembers what it is told.
class Recorder : public JobObserver {
 public:
  void started(std::size_t index, const Job& /*job*/, double /*megapixels*/) override {
    begun.push_back(index);
    if (onStarted) onStarted(index);
  }
  void progressed(std::size_t index, double share) override {
    EXPECT_EQ(index, begun.back());
    EXPECT_LE(share, 1.0);
    if (onProgress) onProgress(index);
  }
  void finished(std::size_t index, const JobResult& result) override {
    ended.push_back(index);
    EXPECT_NE(result.status, JobStatus::Stopped);
  }

  std::vector<std::size_t> begun;
  std::vector<std::size_t> ended;
  std::function<void(std::size_t)> onStarted;
  std::function<void(std::size_t)> onProgress;
};

class JobRunner : public testing::Test {
 protected:
  JobRunner() {
    RestorerOptions options;
    options.precision = Precision::F32;
    options.threads = 1;
    restorer =
        std::make_unique<Restorer>(Model::fromSafetensors(test::tinyModel(), "tiny"), options);
  }

  void addPicture(const std::string& name, int side = 40) {
    fs::create_directories((folder / "in" / name).parent_path());
    writeImage(test::photographImage(side, side, SampleDepth::U8, ++seed), folder / "in" / name);
    addJob(name);
  }
  void addJob(const std::string& name) {
    jobs.push_back({folder / "in" / name, folder / "out" / name});
  }

  std::vector<JobResult> run(const RunOptions& options = {}) {
    return runJobs(jobs, *restorer, options, stop.get_token(), recorder);
  }

  std::vector<JobStatus> statuses(const std::vector<JobResult>& results) {
    std::vector<JobStatus> all;
    for (const JobResult& result : results) all.push_back(result.status);
    return all;
  }

  const test::ImageFiles started;
  const test::TemporaryFolder folder;
  std::unique_ptr<Restorer> restorer;
  std::vector<Job> jobs;
  Recorder recorder;
  std::stop_source stop;
  std::uint32_t seed = 0;
};

TEST_F(JobRunner, RestoresEveryPicture) {
  for (const char* name : {"a.png", "sub/b.jpg", "c.tif"}) addPicture(name);
  const auto results = run();
  EXPECT_THAT(statuses(results), ElementsAre(JobStatus::Done, JobStatus::Done, JobStatus::Done));
  EXPECT_THAT(recorder.begun, ElementsAre(0, 1, 2));
  EXPECT_THAT(recorder.ended, ElementsAre(0, 1, 2));
  EXPECT_THAT(test::filesBelow(folder / "out"), ElementsAre("a.png", "c.tif", "sub/b.jpg"));
  EXPECT_NEAR(results[1].megapixels, 1600e-6, 1e-9);
  const Image source = readImage(jobs[0].input);
  const auto restored = restorer->restore(source, 1.0);
  EXPECT_EQ(
      test::largestDifference(readImage(jobs[0].output).pixels, toEightBits(restored->pixels)),
      0.0);
}

TEST_F(JobRunner, DoesNothingWithoutJobs) {
  EXPECT_TRUE(run().empty());
}

TEST_F(JobRunner, AppliesTheStrength) {
  addPicture("a.png");
  RunOptions options;
  options.strength = 0;
  run(options);
  EXPECT_EQ(
      test::largestDifference(readImage(jobs[0].input).pixels, readImage(jobs[0].output).pixels),
      0.0);
}

TEST_F(JobRunner, GoesOnAfterBadFiles) {
  addPicture("a.png");
  test::writeText(folder / "in/b.png", "no picture");
  addJob("b.png");
  addJob("missing.png");
  addPicture("c.png");
  const auto results = run();
  EXPECT_THAT(statuses(results),
              ElementsAre(JobStatus::Done, JobStatus::Failed, JobStatus::Failed, JobStatus::Done));
  EXPECT_THAT(results[1].reason, HasSubstr("not a picture"));
  EXPECT_THAT(results[2].reason, HasSubstr("does not exist"));
  EXPECT_THAT(recorder.ended, testing::UnorderedElementsAre(0, 1, 2, 3));
  EXPECT_THAT(test::filesBelow(folder / "out"), ElementsAre("a.png", "c.png"));
}

TEST_F(JobRunner, FindsOutBeforeRestoringThatAFolderTakesNoFiles) {
  addPicture("a.png");
  addPicture("b.png");
  test::writeText(folder / "file", "");
  jobs[0].output = folder / "file/a.png";
  const auto results = run();
  EXPECT_THAT(statuses(results), ElementsAre(JobStatus::Failed, JobStatus::Done));
  EXPECT_THAT(results[0].reason, HasSubstr("file"));
  EXPECT_THAT(recorder.begun, ElementsAre(1));
}

TEST_F(JobRunner, ReportsOutputsThatCannotBeWritten) {
  addPicture("a.png");
  addPicture("b.png");
  fs::create_directories(folder / "out/a.png");
  const auto results = run();
  EXPECT_THAT(statuses(results), ElementsAre(JobStatus::Failed, JobStatus::Done));
  EXPECT_THAT(results[0].reason, HasSubstr("cannot be written"));
}

TEST_F(JobRunner, GivesUpThePictureAtHandWhenStopped) {
  for (const char* name : {"a.png", "b.png", "c.png", "d.png"}) addPicture(name, 100);
  recorder.onProgress = [this](std::size_t index) {
    if (index == 1) stop.request_stop();
  };
  const auto results = run();
  EXPECT_NE(results[0].status, JobStatus::Failed);
  for (std::size_t i = 1; i < 4; ++i) EXPECT_EQ(results[i].status, JobStatus::Stopped) << i;
  for (const std::string& name : test::filesBelow(folder / "out")) EXPECT_EQ(name, "a.png");
}

TEST_F(JobRunner, StopsBeforeTheFirstPicture) {
  addPicture("a.png");
  stop.request_stop();
  EXPECT_THAT(statuses(run()), ElementsAre(JobStatus::Stopped));
  EXPECT_FALSE(fs::exists(folder / "out"));
}

TEST_F(JobRunner, EndsItsThreadsWhenTheObserverThrows) {
  for (int i = 0; i < 6; ++i) addPicture(std::to_string(i) + ".png");
  recorder.onStarted = [](std::size_t index) {
    if (index == 1) throw std::runtime_error("observer");
  };
  EXPECT_THROW(run(), std::runtime_error);
}

TEST_F(JobRunner, TakesPicturesLargerThanItsPixelsInFlightAlone) {
  addPicture("a.png");
  Image large;
  large.pixels = cv::Mat(5000, 5000, CV_32FC3, cv::Scalar::all(0.5));
  writeImage(large, folder / "in/large.png");
  addJob("large.png");
  addPicture("b.png");
  RunOptions options;
  options.strength = 0;
  EXPECT_THAT(statuses(run(options)),
              ElementsAre(JobStatus::Done, JobStatus::Done, JobStatus::Done));
}

}  // namespace
}  // namespace pristine
