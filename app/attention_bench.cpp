#include "app/attention_bench.h"

#include <cmath>
#include <nlohmann/json.hpp>

namespace pristine {

namespace {

using nlohmann::json;

json costJson(const AttentionCost& cost) {
  return {{"seconds", cost.seconds.median},
          {"seconds_p10", cost.seconds.low},
          {"seconds_p90", cost.seconds.high},
          {"runs", cost.seconds.runs},
          {"macs", cost.macs},
          {"peak_bytes", cost.bytes}};
}

json measurementJson(const AttentionMeasurement& m) {
  json result{
      {"system", m.system},
      {"variant", m.variant},
      {"tokens", m.tokens},
      {"cost", costJson(m.cost)},
      {"baseline", costJson(m.baseline)},
      {"baseline_share", m.baselineShare},
      {"speedup", m.speedup()},
      {"mac_ratio", m.macRatio()},
      {"byte_ratio", static_cast<double>(m.baseline.bytes) / static_cast<double>(m.cost.bytes)}};
  if (m.stateBytes > 0) {
    result["state_bytes"] = m.stateBytes;
    result["baseline_state_bytes"] = m.baselineStateBytes;
  }
  return result;
}

}  // namespace

AttentionStudy benchAttention(const AttentionStudyOptions& options, const std::stop_token& stop,
                              const std::function<void(const std::string&)>& progress) {
  return studyAttention(options, stop, progress);
}

std::string attentionStudyJson(const AttentionStudy& study) {
  json systems = json::array();
  for (const AttentionSystem& s : study.systems) {
    json system{{"name", s.name}, {"title", s.title}};
    for (const AttentionClaim& claim : s.claims) {
      system["claims"].push_back({{"source", claim.source},
                                  {"text", claim.text},
                                  {"verdict", toString(claim.verdict)},
                                  {"figure", claim.figure}});
    }
    system["max_error"] = std::isnan(s.maxError) ? json(nullptr) : json(s.maxError);
    systems.push_back(std::move(system));
  }
  json measurements = json::array();
  for (const AttentionMeasurement& m : study.measurements) {
    measurements.push_back(measurementJson(m));
  }
  json even = json::array();
  for (const BreakEven& b : breakEvens(study)) {
    even.push_back({{"system", b.system}, {"variant", b.variant}, {"tokens", b.tokens}});
  }
  const json report{{"schema", 1},
                    {"isa", study.isa},
                    {"threads", study.threads},
                    {"matmul_gflops", study.matmulGflops},
                    {"attention_gflops", study.attentionGflops},
                    {"stopped", study.stopped},
                    {"systems", systems},
                    {"measurements", measurements},
                    {"break_even", even}};
  return report.dump(2);
}

}  // namespace pristine
