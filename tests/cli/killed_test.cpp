// Batches that are killed again and again.
#include <gmock/gmock.h>

#include <chrono>
#include <csignal>
#include <cstdlib>
#include <random>
#include <thread>

#include "tests/cli/command_line.h"

namespace pristine {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using test::CommandLine;
using test::Process;
using test::ProcessResult;
using Clock = std::chrono::steady_clock;

/// PRISTINE_KILLED_PICTURES: how many pictures; the suite takes a few, the script all of them.
int pictureCount() {
  const char* count = std::getenv("PRISTINE_KILLED_PICTURES");
  return count == nullptr ? 200 : std::atoi(count);
}

class Killed : public CommandLine {
 protected:
  /// Pictures of all kinds in a tree; every twentieth is broken. Returns how many are good.
  int makePictures(int count) {
    int good = 0;
    for (int i = 0; i < count; ++i) {
      constexpr std::array<const char*, 5> kExtensions{".png", ".jpg", ".tif", ".webp", ".png"};
      const auto kind = static_cast<std::size_t>(i) % kExtensions.size();
      const fs::path name = folder / ("in/" + std::to_string(i % 7) + "/picture " +
                                      std::to_string(1000 + i) + kExtensions[kind]);
      fs::create_directories(name.parent_path());
      const SampleDepth depth = kind == 2 || kind == 4 ? SampleDepth::U16 : SampleDepth::U8;
      Image image = test::photographImage(16 + i % 3 * 16, 16 + i % 2 * 32, depth,
                                          static_cast<std::uint32_t>(i));
      if (kind == 0) image.alpha = test::alphaRamp(image.width(), image.height());
      writeImage(image, name);
      if (i % 20 != 10) {
        ++good;
        continue;
      }
      auto bytes = test::readBytes(name);
      bytes.resize(i % 40 == 10 ? bytes.size() / 2 : 0);
      test::writeBytes(name, bytes);
    }
    return good;
  }

  std::vector<std::string> command(const std::string& out) const {
    return {"denoise", path("in"), "-r", "-o", path(out), "--json", "-q"};
  }

  static json summaryOf(const ProcessResult& result) {
    return json::parse(result.out.substr(result.out.rfind("{\"exit_code\"")));
  }
};

TEST_F(Killed, TenTimesAndRestoredAsIfNothingHadHappened) {
  const int count = pictureCount();
  const int good = makePictures(count);
  const ProcessResult undisturbed = run(command("undisturbed"));
  ASSERT_EQ(undisturbed.exitCode, 1) << undisturbed.err;
  ASSERT_EQ(summaryOf(undisturbed).at("restored"), good);

  // At moments that depend on what is done, not on how fast the machine is: ten runs do at most
  // three quarters of the work.
  const auto done = [&] {
    return fs::exists(folder / "out") ? test::filesBelow(folder / "out").size() : std::size_t{0};
  };
  std::mt19937 random(7);  // NOLINT: the same pauses every time
  std::uniform_int_distribution<int> pause(0, 20'000);
  int killed = 0;
  for (int i = 0; i < 10; ++i) {
    const std::size_t enough = done() + static_cast<std::size_t>(good) / 16;
    const Clock::time_point deadline = Clock::now() + std::chrono::seconds(60);
    Process process(withProgram(command("out")), environment());
    while (done() < enough && Clock::now() < deadline) {
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    std::this_thread::sleep_for(std::chrono::microseconds(pause(random)));
    process.signal(SIGKILL);
    if (process.finish().signal == SIGKILL) ++killed;
  }
  EXPECT_EQ(killed, 10);
  const auto before = test::filesBelow(folder / "out");
  const ProcessResult last = run(command("out"));
  EXPECT_EQ(last.exitCode, 1) << last.err;
  const json totals = summaryOf(last);
  EXPECT_EQ(totals.at("restored").get<int>() + totals.at("up_to_date").get<int>(), good);
  EXPECT_EQ(totals.at("failed"), count - good);
  EXPECT_EQ(totals.at("stopped"), 0);
  // Whatever was in place before the last run was not made again.
  const auto whollyThere = std::ranges::count_if(
      before, [](const std::string& name) { return !name.ends_with(".tmp"); });
  EXPECT_EQ(totals.at("up_to_date"), whollyThere);

  const auto names = test::filesBelow(folder / "out");
  EXPECT_EQ(names, test::filesBelow(folder / "undisturbed"));
  EXPECT_EQ(names.size(), static_cast<std::size_t>(good));
  for (const std::string& name : names) {
    EXPECT_EQ(test::readBytes(folder / "out" / name),
              test::readBytes(folder / "undisturbed" / name))
        << name;
  }

  [[maybe_unused]] const Clock::time_point again = Clock::now();
  const ProcessResult further = run(command("out"));
#ifndef PRISTINE_SANITIZED
  EXPECT_LT(Clock::now() - again, std::chrono::seconds(3));
#endif
  EXPECT_EQ(further.exitCode, 1);
  EXPECT_EQ(summaryOf(further).at("restored"), 0);
  EXPECT_EQ(summaryOf(further).at("up_to_date"), good);
}

}  // namespace
}  // namespace pristine
