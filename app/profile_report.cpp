#include "app/profile_report.h"

#include <algorithm>
#include <cstdio>
#include <map>
#include <nlohmann/json.hpp>

namespace pristine {

namespace {

struct Sum {
  std::uint64_t macs = 0;
  std::uint64_t bytes = 0;
  double seconds = 0;
  double atLimit = 0;  ///< seconds that the multiply-adds take at the limit
  std::size_t count = 0;

  void add(const OperatorSummary& o, const ArithmeticLimits& limits) {
    macs += o.macs;
    bytes += o.bytes;
    seconds += o.seconds;
    atLimit += limits.seconds(o.arithmetic, o.macs);
    ++count;
  }
};

double per(double amount, double seconds) {
  return seconds > 0 ? amount / seconds : 0.0;
}

template <typename... Values>
std::string formatted(const char* format, Values... values) {
  char line[256];
  std::snprintf(line, sizeof(line), format, values...);
  return line;
}

std::string row(const std::string& label, const Sum& sum, double all) {
  return formatted("%-18s %6zu %10.3f %9.3f %6.1f %9.1f %9.2f %8.1f\n", label.c_str(), sum.count,
                   1e-9 * static_cast<double>(sum.macs), sum.seconds, 100 * per(sum.seconds, all),
                   per(2e-9 * static_cast<double>(sum.macs), sum.seconds),
                   per(1e-9 * static_cast<double>(sum.bytes), sum.seconds),
                   100 * per(sum.atLimit, sum.seconds));
}

}  // namespace

std::string profileTable(const std::vector<OperatorSummary>& operators,
                         const ArithmeticLimits& limits, bool each) {
  std::map<std::string, Sum> kinds;
  Sum all;
  for (const OperatorSummary& o : operators) {
    kinds[o.kind].add(o, limits);
    all.add(o, limits);
  }
  std::vector<std::pair<std::string, Sum>> sorted(kinds.begin(), kinds.end());
  std::ranges::stable_sort(
      sorted, [](const auto& a, const auto& b) { return a.second.seconds > b.second.seconds; });
  std::string table = formatted("%-18s %6s %10s %9s %6s %9s %9s %8s\n", "operator", "count", "GMAC",
                                "seconds", "%", "GFLOP/s", "GB/s", "% limit");
  for (const auto& [kind, sum] : sorted) table += row(kind, sum, all.seconds);
  table += row("all", all, all.seconds);
  table += formatted("limit on %d threads, GFLOP/s:", limits.threads);
  const auto limit = [&](const char* name, double rate) {
    if (rate > 0) table += formatted(" %s %.1f", name, rate);
  };
  limit("f32", limits.f32);
  limit("bf16", limits.bf16);
  limit("int8", limits.int8);
  table += "\n";
  if (!each) return table;
  table += "\n";
  for (const OperatorSummary& o : operators) {
    table += formatted("%-44s %-16s %9.3f ms %10.3f GMAC  ", o.name.c_str(), o.kind.c_str(),
                       o.seconds * 1e3, 1e-9 * static_cast<double>(o.macs)) +
             o.implementation + "\n";
  }
  return table;
}

std::string chromeTrace(const std::vector<OperatorSummary>& operators,
                        const std::vector<OperatorRun>& runs) {
  using nlohmann::json;
  const double begin = runs.empty() ? 0.0 : runs.front().start;
  json events = json::array();
  for (const OperatorRun& run : runs) {
    const OperatorSummary& o = operators.at(run.index);
    events.push_back(
        {{"name", o.name},
         {"cat", o.kind},
         {"ph", "X"},
         {"ts", 1e6 * (run.start - begin)},
         {"dur", 1e6 * run.seconds},
         {"pid", 1},
         {"tid", 1},
         {"args",
          {{"kind", o.kind}, {"arithmetic", o.arithmetic}, {"implementation", o.implementation}}}});
  }
  return json{{"displayTimeUnit", "ms"}, {"traceEvents", events}}.dump(
      -1, ' ', false, json::error_handler_t::replace);
}

}  // namespace pristine
