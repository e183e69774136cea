#include <gmock/gmock.h>

#include <chrono>
#include <csignal>
#include <thread>

#include "tests/cli/command_line.h"

namespace pristine {
namespace {

using test::CommandLine;
using test::Process;
using test::ProcessResult;
using testing::HasSubstr;
using Clock = std::chrono::steady_clock;

#ifdef PRISTINE_SANITIZED
constexpr std::chrono::milliseconds kPatience{10'000};
#else
constexpr std::chrono::milliseconds kPatience{1'000};
#endif

class Interrupted : public CommandLine {
 protected:
  /// Sends the signal, waits for the end and checks how long that took.
  static ProcessResult end(Process& process, int signal) {
    const auto begin = Clock::now();
    process.signal(signal);
    ProcessResult result = process.finish();
    EXPECT_LE(Clock::now() - begin, kPatience);
    return result;
  }

  /// Every file of the folder is a whole picture.
  void expectWholePictures(const std::string& name) {
    if (!std::filesystem::exists(folder / name)) return;
    for (const std::string& file : test::filesBelow(folder / name)) {
      EXPECT_NO_THROW(readImage(folder / name / file)) << file;
    }
  }
};

TEST_F(Interrupted, BatchKeepsWhatIsDoneAndLeavesNoLitter) {
  for (int i = 0; i < 60; ++i) addPicture("in/" + std::to_string(100 + i) + ".png", 200, 200);
  for (const int signal : {SIGINT, SIGTERM, SIGHUP}) {
    const std::string out = "out" + std::to_string(signal);
    Process process(withProgram({"denoise", path("in"), "-o", path(out)}), environment());
    ASSERT_TRUE(process.waitForError("2/60", std::chrono::seconds(60)));
    const ProcessResult result = end(process, signal);
    EXPECT_EQ(result.exitCode, signal == SIGINT ? 130 : 75) << result.err;
    EXPECT_THAT(result.err, HasSubstr("not begun or given up"));
    const auto files = test::filesBelow(folder / out);
    EXPECT_GE(files.size(), 2U);
    EXPECT_LT(files.size(), 60U);
    expectWholePictures(out);
  }
}

TEST_F(Interrupted, NotBySignalsThatItsParentIgnores) {
  for (int i = 0; i < 4; ++i) addPicture("in/" + std::to_string(i) + ".png", 200, 200);
  Process process({"/bin/sh", "-c", "trap '' HUP; exec \"$0\" denoise \"$1\" -o \"$2\"",
                   PRISTINE_PROGRAM, path("in"), path("out")},
                  environment());
  ASSERT_TRUE(process.waitForError("1/4", std::chrono::seconds(60)));
  process.signal(SIGHUP);
  EXPECT_EQ(process.finish().exitCode, 0);
  EXPECT_EQ(test::filesBelow(folder / "out").size(), 4U);
}

TEST_F(Interrupted, LargePictureIsGivenUpWithinASecond) {
  addPicture("in/large.png", 3000, 2000);
  Process process(withProgram({"denoise", path("in"), "-o", path("out"), "-v"}), environment());
  ASSERT_TRUE(process.waitForError("threads", std::chrono::seconds(60)));
  std::this_thread::sleep_for(std::chrono::milliseconds(1500));
  const ProcessResult result = end(process, SIGINT);
  EXPECT_EQ(result.exitCode, 130) << result.err;
  EXPECT_THAT(result.err, HasSubstr("1 not begun or given up"));
  EXPECT_TRUE(!std::filesystem::exists(folder / "out") || test::filesBelow(folder / "out").empty());
}

TEST_F(Interrupted, SecondSignalEndsAtOnceWithoutLitter) {
  addPicture("in/a.png", 3000, 2000);
  addPicture("in/b.png", 3000, 2000);
  Process process(withProgram({"denoise", path("in"), "-o", path("out"), "-v", "--strength", "0"}),
                  environment());
  ASSERT_TRUE(process.waitForError("threads", std::chrono::seconds(60)));
  std::this_thread::sleep_for(std::chrono::milliseconds(300));
  process.signal(SIGINT);
  const ProcessResult result = end(process, SIGINT);
  EXPECT_TRUE(result.exitCode == 130 || result.exitCode == 0) << result.exitCode;
  expectWholePictures("out");
}

}  // namespace
}  // namespace pristine
