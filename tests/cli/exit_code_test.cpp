// Every exit status that the help names, through the program.
#include "cli/exit_code.h"

#include <gmock/gmock.h>
#include <sys/mount.h>

#include <csignal>
#include <set>

#include "tests/cli/command_line.h"

namespace pristine {
namespace {

using cli::ExitCode;
using test::CommandLine;
using test::Process;
using test::ProcessResult;
using testing::HasSubstr;

class Exits : public CommandLine {
 protected:
  ExitCode exit(const std::vector<std::string>& arguments,
                const std::vector<std::string>& variables = {}) {
    return static_cast<ExitCode>(run(arguments, variables).exitCode);
  }

  ExitCode exitAfter(int signal) {
    for (int i = 0; i < 40; ++i) addPicture("many/" + std::to_string(100 + i) + ".png", 200, 200);
    Process process(withProgram({"denoise", path("many"), "-o", path("out")}), environment());
    EXPECT_TRUE(process.waitForError("1/40", std::chrono::seconds(60)));
    process.signal(signal);
    return static_cast<ExitCode>(process.finish().exitCode);
  }
};

TEST_F(Exits, DoneWhenAllIsRestoredOrUpToDate) {
  addPicture("in/a.png");
  EXPECT_EQ(exit({"denoise", path("in"), "-o", path("out")}), ExitCode::Done);
  EXPECT_EQ(exit({"denoise", path("in"), "-o", path("out")}), ExitCode::Done);
}

TEST_F(Exits, SomeFailedWhenOthersAreDone) {
  addPicture("in/a.png");
  test::writeText(folder / "in/b.png", "words");
  EXPECT_EQ(exit({"denoise", path("in"), "-o", path("out")}), ExitCode::SomeFailed);
  EXPECT_EQ(exit({"denoise", path("in"), "-o", path("out")}), ExitCode::SomeFailed);
}

TEST_F(Exits, UsageWhenTheCommandMakesNoSense) {
  EXPECT_EQ(exit({"denoise", "a.png", "-o", "b.png", "--if-exists", "maybe"}), ExitCode::Usage);
  EXPECT_EQ(exit({}), ExitCode::Usage);
}

TEST_F(Exits, NothingFoundInAnEmptyFolder) {
  std::filesystem::create_directories(folder / "in");
  EXPECT_EQ(exit({"denoise", path("in"), "-o", path("out")}), ExitCode::NothingFound);
}

TEST_F(Exits, AllFailedWhenNothingIsDone) {
  test::writeText(folder / "in/a.png", "words");
  test::writeText(folder / "in/b.png", "");
  EXPECT_EQ(exit({"denoise", path("in"), "-o", path("out")}), ExitCode::AllFailed);
}

TEST_F(Exits, EnvironmentWhenTheModelIsMissing) {
  addPicture("a.png");
  EXPECT_EQ(exit({"denoise", path("a.png"), "-o", path("b.png"), "-m", "nowhere"}),
            ExitCode::Environment);
}

TEST_F(Exits, ResourcesWhenAPictureExceedsTheMemory) {
  addPicture("in/a.png", 4000, 3000);
  const ProcessResult result =
      run({"denoise", path("in"), "-o", path("out"), "-f", "webp", "--max-memory", "300M"});
  EXPECT_EQ(static_cast<ExitCode>(result.exitCode), ExitCode::Resources) << result.err;
  EXPECT_THAT(result.err, HasSubstr("memory"));
}

TEST_F(Exits, ResourcesAtOnceWhenTheDiskIsFull) {
  for (int i = 0; i < 6; ++i) addPicture("in/" + std::to_string(i) + ".png", 300, 200);
  std::filesystem::create_directories(folder / "disk");
  if (::mount("tmpfs", path("disk").c_str(), "tmpfs", 0, "size=128k") != 0) {
    GTEST_SKIP() << "mounting a small disk takes privileges";
  }
  const ProcessResult result = run({"denoise", path("in"), "-o", path("disk/out")});
  const auto left = test::filesBelow(folder / "disk/out");
  ::umount(path("disk").c_str());
  EXPECT_EQ(static_cast<ExitCode>(result.exitCode), ExitCode::Resources) << result.err;
  EXPECT_THAT(result.err, HasSubstr("No space left"));
  EXPECT_LT(left.size(), 2U);
  for (const std::string& name : left) EXPECT_FALSE(name.ends_with(".tmp")) << name;
}

TEST_F(Exits, WorkLeftAfterSigtermAndTheTimeLimit) {
  EXPECT_EQ(exitAfter(SIGTERM), ExitCode::WorkLeft);
  EXPECT_EQ(exit({"denoise", path("many"), "-o", path("limited"), "--time-limit", "0"}),
            ExitCode::WorkLeft);
}

TEST_F(Exits, InterruptedAfterSigint) {
  EXPECT_EQ(exitAfter(SIGINT), ExitCode::Interrupted);
}

TEST(ExitCodes, AreNumberedAsDocumented) {
  std::set<int> numbers;
  for (const auto& info : cli::exitCodes()) numbers.insert(static_cast<int>(info.code));
  EXPECT_EQ(numbers, (std::set<int>{0, 1, 2, 3, 4, 5, 6, 75, 130}));
}

}  // namespace
}  // namespace pristine
