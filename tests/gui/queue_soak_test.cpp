#include <gtest/gtest.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <string>

#include "app/machine_limits.h"
#include "tests/gui/gui_test_support.h"

namespace pristine::gui {
namespace {

namespace fs = std::filesystem;

/// Jobs of the run; PRISTINE_SOAK_JOBS asks for more than the suite has time for.
int jobsOfRun() {
  const char* jobs = std::getenv("PRISTINE_SOAK_JOBS");
  return jobs != nullptr ? std::max(40, std::atoi(jobs)) : 60;
}

TEST(QueueSoak, MemoryDoesNotGrowWithTheJobs) {
#ifdef PRISTINE_SANITIZED
  GTEST_SKIP() << "sanitizers keep what is freed";
#endif
  constexpr std::int64_t kPicture =
      std::int64_t{320} * 240 * 3 * 4;  // bytes: a leak of one a job would show
  const int jobs = jobsOfRun();
  WindowFixture fixture;
  const fs::path folder = fixture.picture("p/0000.png", 320, 240).parent_path();
  for (int i = 1; i < jobs; ++i) {
    const std::string name = std::to_string(10000 + i).substr(1) + ".png";
    fs::copy_file(folder / "0000.png", folder / name);
  }
  MainWindow& window = fixture.window();
  window.openPaths({folder});
  ASSERT_TRUE(waitFor([&] { return window.queueModel().rowCount() == jobs; }));
  window.action(QStringLiteral("start"))->trigger();
  const auto done = [&](int count) {
    return waitFor([&] { return window.queueModel().counts().done >= count; }, 1'500'000);
  };
  // Thumbnails, caches and the network are there by then.
  ASSERT_TRUE(done(20));
  const std::int64_t before = residentMemory();
  ASSERT_TRUE(done(jobs));
  const std::int64_t after = residentMemory();
  std::printf("resident: %lld MB after 20 jobs, %lld MB after %d\n",
              static_cast<long long>(before >> 20), static_cast<long long>(after >> 20), jobs);
  EXPECT_LT(after - before, (jobs - 20) * kPicture / 16 + (std::int64_t{24} << 20));
  EXPECT_EQ(window.queueModel().counts().failed, 0);
}

}  // namespace
}  // namespace pristine::gui
