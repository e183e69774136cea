#include "cli/batch_report.h"

#include <cstdio>
#include <nlohmann/json.hpp>

#include "app/path_json.h"
#include "cli/console_observer.h"

namespace pristine::cli {

namespace {

using nlohmann::json;

constexpr int kSchema = 1;

/// One line, at once: a reader follows the run.
void print(const json& line) {
  std::printf("%s\n", line.dump(-1, ' ', false, json::error_handler_t::replace).c_str());
  std::fflush(stdout);
}

}  // namespace

void JsonReport::start(const BatchStart& start) const {
  if (!enabled_) return;
  print({{"type", "start"},
         {"schema", kSchema},
         {"program", "pristine " PRISTINE_VERSION},
         {"verb", start.verb},
         {"model", start.model},
         {"model_digest", start.modelDigest},
         {"precision", start.precision},
         {"threads", start.threads},
         {"files", start.files},
         {"estimate_seconds", start.estimate ? json(*start.estimate) : json()}});
}

void JsonReport::file(const JobResult& result, const std::string& status) const {
  if (!enabled_) return;
  print({{"type", "file"},
         {"input", jsonOfPath(result.job.input)},
         {"output", result.job.output.empty() ? json() : jsonOfPath(result.job.output)},
         {"status", status},
         {"reason", result.reason.empty() ? json() : json(result.reason)},
         {"task", result.task.empty() ? json() : json(result.task)},
         {"finding", result.finding.empty() ? json() : json(result.finding)},
         {"notes", result.notes},
         {"megapixels", result.megapixels},
         {"seconds", result.seconds}});
}

void JsonReport::summary(const BatchTotals& totals, int exitCode) const {
  if (!enabled_) return;
  print({{"type", "summary"},
         {"restored", totals.restored},
         {"up_to_date", totals.upToDate},
         {"skipped", totals.skipped},
         {"failed", totals.failed},
         {"stopped", totals.stopped},
         {"megapixels", totals.megapixels},
         {"network_seconds", totals.networkSeconds},
         {"seconds", totals.seconds},
         {"exit_code", exitCode}});
}

std::string summaryOf(const BatchTotals& totals) {
  std::string summary = std::to_string(totals.restored) + " restored";
  if (totals.restored > 0) {
    summary += " (" + megapixelsText(totals.megapixels);
    // Of pictures smaller than a tile it would be the speed of their margins.
    constexpr double kLeast = 0.1;
    if (totals.megapixels >= kLeast * static_cast<double>(totals.restored)) {
      char speed[32];
      std::snprintf(speed, sizeof(speed), ", %.2f s/MP", totals.networkSeconds / totals.megapixels);
      summary += speed;
    }
    summary += ")";
  }
  if (totals.upToDate > 0) summary += ", " + std::to_string(totals.upToDate) + " up to date";
  if (totals.skipped > 0) summary += ", " + std::to_string(totals.skipped) + " skipped";
  summary += ", " + std::to_string(totals.failed) + " failed";
  if (totals.stopped > 0) {
    summary += ", " + std::to_string(totals.stopped) + " not begun or given up";
  }
  return summary;
}

}  // namespace pristine::cli
