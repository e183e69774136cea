#include "app/machine_limits.h"

#include <sched.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <limits>
#include <optional>
#include <sstream>
#include <string>
#include <vector>

namespace pristine {

namespace {

namespace fs = std::filesystem;

constexpr std::int64_t kNoLimit = std::numeric_limits<std::int64_t>::max();

/// The number at the start of a file; nullopt for "max" and where there is none.
std::optional<std::int64_t> numberIn(const fs::path& path) {
  std::ifstream file(path);
  std::int64_t value = 0;
  if (!(file >> value)) return std::nullopt;
  return value;
}

/// Bytes of a field of /proc/meminfo or a control group's memory.stat.
std::optional<std::int64_t> fieldIn(const fs::path& path, const std::string& name) {
  std::ifstream file(path);
  std::string line;
  while (std::getline(file, line)) {
    std::istringstream words(line);
    std::string key;
    std::int64_t value = 0;
    std::string unit;
    if (!(words >> key >> value) || key != name) continue;
    words >> unit;
    return unit == "kB" ? value * 1024 : value;
  }
  return std::nullopt;
}

/// The folders of the process's control group with one controller, from its own up to the root.
/// An empty controller: that of version 2.
std::vector<fs::path> groupFolders(const fs::path& root, const std::string& controller) {
  std::ifstream file(root / "proc/self/cgroup");
  std::string line;
  while (std::getline(file, line)) {
    const auto first = line.find(':');
    const auto second = line.find(':', first + 1);
    if (first == std::string::npos || second == std::string::npos) continue;
    const std::string controllers = "," + line.substr(first + 1, second - first - 1) + ",";
    if (controllers.find("," + controller + ",") == std::string::npos) continue;
    const fs::path base = root / "sys/fs/cgroup" / controller;
    std::vector<fs::path> folders;
    fs::path group = fs::path(line.substr(second + 1)).relative_path();
    for (; !group.empty(); group = group.parent_path()) folders.push_back(base / group);
    folders.push_back(base);
    return folders;
  }
  return {};
}

/// What a group leaves. Its cache of files can be given up, so it does not count as used.
std::int64_t roomIn(const fs::path& folder, const char* limit, const char* usage,
                    const char* cache) {
  const auto most = numberIn(folder / limit);
  if (!most) return kNoLimit;
  const std::int64_t used = numberIn(folder / usage).value_or(0);
  const std::int64_t cached = fieldIn(folder / "memory.stat", cache).value_or(0);
  return std::max<std::int64_t>(0, *most - std::max<std::int64_t>(0, used - cached));
}

/// Processors of a quota and its period in microseconds.
double processorsOf(std::int64_t quota, std::int64_t period) {
  const bool limited = quota > 0 && period > 0;
  return limited ? static_cast<double>(quota) / static_cast<double>(period) : 1e9;
}

double quotaIn(const fs::path& folder) {
  std::ifstream file(folder / "cpu.max");
  std::int64_t quota = 0;
  std::int64_t period = 0;
  return file >> quota >> period ? processorsOf(quota, period) : 1e9;
}

double oldQuotaIn(const fs::path& folder) {
  return processorsOf(numberIn(folder / "cpu.cfs_quota_us").value_or(-1),
                      numberIn(folder / "cpu.cfs_period_us").value_or(0));
}

}  // namespace

std::int64_t availableMemory(const fs::path& root) {
  std::int64_t room = fieldIn(root / "proc/meminfo", "MemAvailable:").value_or(kNoLimit);
  for (const fs::path& folder : groupFolders(root, "")) {
    room = std::min(room, roomIn(folder, "memory.max", "memory.current", "file"));
  }
  for (const fs::path& folder : groupFolders(root, "memory")) {
    room = std::min(
        room, roomIn(folder, "memory.limit_in_bytes", "memory.usage_in_bytes", "total_cache"));
  }
  return room == kNoLimit ? 0 : room;
}

int availableThreads(const fs::path& root) {
  cpu_set_t set;
  CPU_ZERO(&set);
  const int processors = ::sched_getaffinity(0, sizeof set, &set) == 0
                             ? CPU_COUNT(&set)
                             : static_cast<int>(::sysconf(_SC_NPROCESSORS_ONLN));
  double quota = 1e9;
  for (const fs::path& folder : groupFolders(root, "")) quota = std::min(quota, quotaIn(folder));
  for (const fs::path& folder : groupFolders(root, "cpu")) {
    quota = std::min(quota, oldQuotaIn(folder));
  }
  const double whole = std::max(1.0, quota + 0.999);
  return std::max(1, std::min(processors, static_cast<int>(std::min(whole, 1e6))));
}

std::int64_t residentMemory() {
  std::ifstream file("/proc/self/statm");
  std::int64_t total = 0;
  std::int64_t resident = 0;
  if (!(file >> total >> resident)) return 0;
  return resident * ::sysconf(_SC_PAGESIZE);
}

std::int64_t standardMemory() {
  // Where the system does not say what is available.
  constexpr std::int64_t kLeast = std::int64_t{1} << 30U;
  return std::max(kLeast, availableMemory() / 2);
}

std::int64_t memoryForPictures(std::int64_t memory, std::int64_t activations) {
  // Decoders, encoders and packed weights come up only when they are used.
  constexpr std::int64_t kReserve = std::int64_t{128} << 20U;
  return std::max<std::int64_t>(1, memory - residentMemory() - activations - kReserve);
}

}  // namespace pristine
