#include "app/machine_limits.h"

#include <gtest/gtest.h>

#include "tests/support/files.h"
#include "tests/support/temporary_folder.h"

namespace pristine {
namespace {

class MachineLimits : public testing::Test {
 protected:
  void put(const std::string& name, const std::string& text) const {
    test::writeText(folder / name, text);
  }
  const test::TemporaryFolder folder;
};

TEST_F(MachineLimits, TakesTheMachineWithoutGroups) {
  put("proc/meminfo", "MemTotal:  4000 kB\nMemAvailable:  3000 kB\n");
  EXPECT_EQ(availableMemory(folder.path()), 3000 * 1024);
  EXPECT_GE(availableThreads(folder.path()), 1);
}

TEST_F(MachineLimits, TakesTheTightestGroupAbove) {
  put("proc/meminfo", "MemAvailable:  3000000 kB\n");
  put("proc/self/cgroup", "0::/a/b\n");
  put("sys/fs/cgroup/a/memory.max", "1000000\n");
  put("sys/fs/cgroup/a/memory.current", "600000\n");
  put("sys/fs/cgroup/a/memory.stat", "anon 100000\nfile 500000\n");
  put("sys/fs/cgroup/a/b/memory.max", "max\n");
  put("sys/fs/cgroup/a/b/cpu.max", "50000 100000\n");
  EXPECT_EQ(availableMemory(folder.path()), 900000);
  EXPECT_EQ(availableThreads(folder.path()), 1);
}

TEST_F(MachineLimits, KnowsTheOldGroups) {
  put("proc/meminfo", "MemAvailable:  3000000 kB\n");
  put("proc/self/cgroup", "4:memory:/job\n5:cpu,cpuacct:/job\n");
  put("sys/fs/cgroup/memory/job/memory.limit_in_bytes", "2000000\n");
  put("sys/fs/cgroup/memory/job/memory.usage_in_bytes", "500000\n");
  put("sys/fs/cgroup/cpu/job/cpu.cfs_quota_us", "100000\n");
  put("sys/fs/cgroup/cpu/job/cpu.cfs_period_us", "100000\n");
  EXPECT_EQ(availableMemory(folder.path()), 1500000);
  EXPECT_EQ(availableThreads(folder.path()), 1);
}

TEST_F(MachineLimits, IsUnknownWithoutASystem) {
  EXPECT_EQ(availableMemory(folder.path()), 0);
  EXPECT_GT(residentMemory(), 0);
}

}  // namespace
}  // namespace pristine
