#include "cli/profile_table.h"

#include <algorithm>
#include <cstdio>
#include <map>

namespace pristine::cli {

namespace {

void print(const char* label, std::uint64_t macs, double seconds, double all, std::size_t count) {
  const double rate = seconds > 0 ? 2.0 * static_cast<double>(macs) / seconds / 1e9 : 0.0;
  std::printf("%-18s %6zu %12.3f %10.3f %7.1f %10.1f\n", label, count,
              static_cast<double>(macs) / 1e9, seconds, all > 0 ? 100.0 * seconds / all : 0.0,
              rate);
}

}  // namespace

void printProfile(const std::vector<OperatorSummary>& operators, bool each) {
  struct Sum {
    std::uint64_t macs = 0;
    double seconds = 0;
    std::size_t count = 0;
  };
  std::map<std::string, Sum> kinds;
  Sum all;
  for (const OperatorSummary& o : operators) {
    for (Sum* sum : {&kinds[o.kind], &all}) {
      sum->macs += o.macs;
      sum->seconds += o.seconds;
      ++sum->count;
    }
  }
  std::printf("%-18s %6s %12s %10s %7s %10s\n", "operator", "count", "GMAC", "seconds", "%",
              "GFLOP/s");
  std::vector<std::pair<std::string, Sum>> sorted(kinds.begin(), kinds.end());
  std::ranges::sort(
      sorted, [](const auto& a, const auto& b) { return a.second.seconds > b.second.seconds; });
  for (const auto& [kind, sum] : sorted) {
    print(kind.c_str(), sum.macs, sum.seconds, all.seconds, sum.count);
  }
  print("all", all.macs, all.seconds, all.seconds, all.count);
  if (!each) return;
  std::printf("\n");
  for (const OperatorSummary& o : operators) {
    std::printf("%-44s %-16s %9.3f ms %10.3f GMAC  %s\n", o.name.c_str(), o.kind.c_str(),
                o.seconds * 1e3, static_cast<double>(o.macs) / 1e9, o.implementation.c_str());
  }
}

}  // namespace pristine::cli
