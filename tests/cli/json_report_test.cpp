// --json against the tables of cli/README.md.
#include <gmock/gmock.h>

#include <map>
#include <regex>
#include <sstream>

#include "tests/cli/command_line.h"

namespace pristine {
namespace {

using nlohmann::json;
using test::CommandLine;
using test::ProcessResult;

using Fields = std::map<std::string, std::string>;  ///< name, type

/// The tables under "### `start`" and so on: | `field` | type | meaning |.
std::map<std::string, Fields> documentedFields() {
  const auto bytes = test::readBytes(PRISTINE_SOURCE_DIR "/cli/README.md");
  std::istringstream text(std::string(bytes.begin(), bytes.end()));
  std::map<std::string, Fields> tables;
  std::string table;
  std::smatch match;
  for (std::string line; std::getline(text, line);) {
    if (std::regex_match(line, match, std::regex("### `(\\w+)`.*"))) {
      table = match[1];
    } else if (line.starts_with("#")) {
      table.clear();
    } else if (!table.empty() &&
               std::regex_match(line, match, std::regex("\\| `(\\w+)` \\| ([^|]*) \\|.*"))) {
      tables[table][match[1]] = match[2];
    }
  }
  return tables;
}

std::string typeOf(const json& value) {
  if (value.is_number_unsigned() || value.is_number_integer()) return "integer";
  return value.type_name();
}

bool hasType(const json& value, const std::string& documented) {
  std::istringstream types(documented);
  for (std::string type; types >> type;) {
    if (type == typeOf(value)) return true;
    if (type == "number" && value.is_number()) return true;
    if (type == "path" && (value.is_string() || (value.is_object() && value.contains("hex"))))
      return true;
  }
  return false;
}

class JsonReport : public CommandLine {
 protected:
  /// The lines, each checked against the documented fields.
  std::vector<json> lines(const ProcessResult& result) {
    static const auto kTables = documentedFields();
    std::vector<json> all;
    std::istringstream text(result.out);
    for (std::string line; std::getline(text, line);) {
      all.push_back(json::parse(line));
      const std::string type = all.back().at("type");
      const auto table = kTables.find(type);
      EXPECT_NE(table, kTables.end()) << type;
      if (table == kTables.end()) continue;
      for (const auto& [name, value] : all.back().items()) {
        const auto field = table->second.find(name);
        EXPECT_NE(field, table->second.end()) << type << "." << name << " is not documented";
        if (field == table->second.end()) continue;
        EXPECT_TRUE(hasType(value, field->second)) << type << "." << name << " is " << value;
      }
      EXPECT_EQ(all.back().size(), table->second.size()) << line;
    }
    return all;
  }

  static std::map<std::string, int> statuses(const std::vector<json>& lines) {
    std::map<std::string, int> counts;
    for (const json& line : lines) {
      if (line.at("type") == "file") ++counts[line.at("status")];
    }
    return counts;
  }
};

TEST_F(JsonReport, HasAStartALineForEveryFileAndASummary) {
  addPicture("in/a.png");
  addPicture("in/bad\xFFname.png");
  test::writeText(folder / "in/c.png", "words");
  addPicture("in/d.png");
  test::writeText(folder / "out/d.png", "foreign");
  const ProcessResult result =
      run({"denoise", path("in"), path("missing.png"), "-o", path("out"), "--json"});
  EXPECT_EQ(result.exitCode, 1) << result.err;
  const auto all = lines(result);
  ASSERT_EQ(all.size(), 7U) << result.out;
  EXPECT_EQ(all.front().at("type"), "start");
  EXPECT_EQ(all.front().at("schema"), 1);
  EXPECT_EQ(all.front().at("files"), 5);
  EXPECT_EQ(all.back().at("type"), "summary");
  EXPECT_EQ(all.back().at("restored"), 2);
  EXPECT_EQ(all.back().at("failed"), 3);
  EXPECT_EQ(all.back().at("exit_code"), 1);
  EXPECT_EQ(statuses(all), (std::map<std::string, int>{{"restored", 2}, {"failed", 3}}));
  for (const json& line : all) {
    if (line.at("type") == "file" && line.at("status") == "failed") {
      EXPECT_TRUE(line.at("reason").is_string());
    }
  }
  const auto again = lines(run({"denoise", path("in"), "-o", path("out"), "--json"}));
  EXPECT_EQ(statuses(again), (std::map<std::string, int>{{"up_to_date", 2}, {"failed", 2}}));
}

TEST_F(JsonReport, CountsWhatIsLeft) {
  for (int i = 0; i < 5; ++i) addPicture("in/" + std::to_string(i) + ".png");
  const ProcessResult result =
      run({"denoise", path("in"), "-o", path("out"), "--json", "--time-limit", "0"});
  EXPECT_EQ(result.exitCode, 75);
  const auto all = lines(result);
  const auto counts = statuses(all);
  EXPECT_EQ(all.back().at("stopped").get<int>() + all.back().at("restored").get<int>(), 5);
  EXPECT_EQ(counts.at("stopped"), all.back().at("stopped"));
  EXPECT_EQ(all.back().at("exit_code"), 75);
}

TEST_F(JsonReport, SaysWhatIsPlannedAndHowLongItTakes) {
  addPicture("in/a.png");
  const auto dry = lines(run({"denoise", path("in"), "-o", path("out"), "--json", "-n"}));
  EXPECT_EQ(statuses(dry), (std::map<std::string, int>{{"planned", 1}}));
  EXPECT_TRUE(dry.front().at("estimate_seconds").is_null());
  const auto estimated =
      lines(run({"denoise", path("in"), "-o", path("out"), "--json", "--estimate"}));
  EXPECT_GT(estimated.front().at("estimate_seconds").get<double>(), 0.0);
}

TEST_F(JsonReport, HasAnInspectionOrAFailureForEveryPicture) {
  addPicture("in/a.png");
  test::writeText(folder / "in/b.png", "words");
  const auto all = lines(run({"inspect", path("in"), "--json"}));
  ASSERT_EQ(all.size(), 2U);
  EXPECT_EQ(all[0].at("type"), "inspection");
  EXPECT_EQ(all[1].at("type"), "failure");
}

}  // namespace
}  // namespace pristine
