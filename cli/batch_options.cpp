#include "cli/batch_options.h"

#include <charconv>
#include <map>

#include "cli/option_table.h"

namespace pristine::cli {

namespace {

using Set = std::function<void(Options&, const std::string&)>;

const std::vector<std::pair<std::string, IfExists>> kPolicies{{"auto", IfExists::Auto},
                                                              {"skip", IfExists::Skip},
                                                              {"overwrite", IfExists::Overwrite},
                                                              {"rename", IfExists::Rename},
                                                              {"fail", IfExists::Fail}};

void setPolicy(Options& options, const std::string& argument) {
  for (const auto& [name, policy] : kPolicies) {
    if (name != argument) continue;
    options.batch.ifExists = policy;
    return;
  }
  throw UsageError("auto, skip, overwrite, rename or fail");
}

/// "90", "90s", "55m", "2h".
void setTimeLimit(Options& options, const std::string& argument) {
  static const std::map<std::string, int> kUnits{{"", 1}, {"s", 1}, {"m", 60}, {"h", 3600}};
  int value = 0;
  const char* end = argument.data() + argument.size();
  const auto [rest, error] = std::from_chars(argument.data(), end, value);
  const auto unit = kUnits.find(std::string(rest, end));
  if (error != std::errc() || value < 0 || value > 1'000'000 || unit == kUnits.end()) {
    throw UsageError("a number of seconds, or of minutes or hours as in 55m or 2h");
  }
  options.batch.timeLimit = std::chrono::seconds(value) * unit->second;
}

Set text(std::string BatchOptions::*member) {
  return [=](Options& options, const std::string& argument) {
    if (argument.empty()) throw UsageError("something that is not empty");
    options.batch.*member = argument;
  };
}

Set flag(bool BatchOptions::*member) {
  return [=](Options& options, const std::string&) { options.batch.*member = true; };
}

}  // namespace

void addBatchFileOptions(std::vector<OptionInfo>& table, const std::vector<Verb>& verbs) {
  const OptionGroup group = OptionGroup::Files;
  table.push_back({"files-from", 0, "FILE",
                   "take inputs from a list, one a line; -: standard input", group, verbs, "",
                   text(&BatchOptions::filesFrom)});
  table.push_back({"null", '0', "",
                   "names in that list end in zero bytes, as find -print0 has them", group, verbs,
                   "", flag(&BatchOptions::zeros)});
  table.push_back({"name", 0, "TEMPLATE",
                   "names of outputs in a folder; fields {dir}, {stem}, {ext}, {name}, {verb}, "
                   "{model}, {strength}",
                   group, verbs, "{dir}/{name}", text(&BatchOptions::name)});
  std::vector<std::string> policies;
  for (const auto& [name, policy] : kPolicies) policies.push_back(name);
  table.push_back({"if-exists", 0, "WHAT",
                   "when an output exists; auto skips what this program made from the same input "
                   "with the same settings, redoes what is stale and fails for foreign files",
                   group, verbs, "auto", setPolicy, policies});
}

void addBatchRunOptions(std::vector<OptionInfo>& table, const std::vector<Verb>& verbs) {
  const OptionGroup group = OptionGroup::Batch;
  table.push_back({"dry-run", 'n', "", "say what would be done, write nothing", group, verbs, "",
                   flag(&BatchOptions::dryRun)});
  table.push_back({"estimate", 0, "",
                   "say how long it would take, write nothing; measures the model for a second or "
                   "two the first time",
                   group, verbs, "", flag(&BatchOptions::estimate)});
  table.push_back({"retry-failed", 0, "", "take only inputs that failed the last time", group,
                   verbs, "", flag(&BatchOptions::retryFailed)});
  table.push_back({"fail-fast", 0, "", "stop at the first failure", group, verbs, "",
                   flag(&BatchOptions::failFast)});
  table.push_back(
      {"time-limit", 0, "TIME",
       "stop after so many seconds, or minutes or hours as in 55m or 2h; exit status 75 "
       "if work is left",
       group, verbs, "", setTimeLimit});
  table.push_back({"journal", 0, "FOLDER",
                   "where runs are recorded; default: OUT/.pristine for folders, "
                   "$XDG_STATE_HOME/pristine for single files",
                   group, verbs, "", [](Options& options, const std::string& argument) {
                     if (argument.empty()) throw UsageError("a folder");
                     options.batch.journal = argument;
                   }});
}

}  // namespace pristine::cli
