#include "app/journal_record.h"

#include <array>
#include <nlohmann/json.hpp>

#include "app/path_json.h"

namespace pristine {

namespace {

using nlohmann::json;
using Event = JournalRecord::Event;

constexpr int kVersion = 1;
constexpr std::array<std::pair<Event, const char*>, 5> kEvents{{{Event::Run, "run"},
                                                                {Event::Begun, "begun"},
                                                                {Event::Done, "done"},
                                                                {Event::Failed, "failed"},
                                                                {Event::End, "end"}}};

json jsonOf(const FileState& state) {
  return {{"inode", state.inode}, {"size", state.size}, {"modified", state.modified}};
}

FileState stateOf(const json& value) {
  return {value.at("inode").get<std::uint64_t>(), value.at("size").get<std::uint64_t>(),
          value.at("modified").get<std::int64_t>()};
}

}  // namespace

std::string formatRecord(const JournalRecord& record) {
  json line;
  for (const auto& [event, name] : kEvents) {
    if (event == record.event) line["event"] = name;
  }
  line["time"] = record.time;
  switch (record.event) {
    case Event::Run:
      line["journal"] = kVersion;
      line["process"] = record.process;
      line["host"] = record.host;
      break;
    case Event::Begun:
    case Event::Done:
      line["output"] = jsonOfPath(record.output);
      line["input"] = jsonOfPath(record.input);
      line["source"] = record.source;
      line["source_file"] = jsonOf(record.sourceState);
      line["settings"] = record.settings;
      line["output_file"] = record.file ? jsonOf(*record.file) : json();
      if (record.event == Event::Done) line["content"] = record.content;
      break;
    case Event::Failed:
      line["output"] = jsonOfPath(record.output);
      line["input"] = jsonOfPath(record.input);
      line["reason"] = record.reason;
      break;
    case Event::End:
      break;
  }
  return line.dump(-1, ' ', false, json::error_handler_t::replace);
}

std::optional<JournalRecord> parseRecord(std::string_view text) {
  try {
    const json line = json::parse(text);
    JournalRecord record;
    const auto name = line.at("event").get<std::string>();
    bool known = false;
    for (const auto& [event, eventName] : kEvents) {
      if (name != eventName) continue;
      record.event = event;
      known = true;
    }
    if (!known) return std::nullopt;
    record.time = line.at("time").get<std::int64_t>();
    if (record.event == Event::Run) {
      if (line.at("journal").get<int>() != kVersion) return std::nullopt;
      record.process = line.at("process").get<long>();
      record.host = line.at("host").get<std::string>();
    } else if (record.event != Event::End) {
      record.output = pathOfJson(line.at("output"));
      record.input = pathOfJson(line.at("input"));
      if (record.event == Event::Failed) {
        record.reason = line.at("reason").get<std::string>();
      } else {
        record.source = line.at("source").get<std::string>();
        record.sourceState = stateOf(line.at("source_file"));
        record.settings = line.at("settings").get<std::string>();
        if (!line.at("output_file").is_null()) record.file = stateOf(line.at("output_file"));
        if (record.event == Event::Done) record.content = line.at("content").get<std::string>();
      }
    }
    return record;
  } catch (const std::exception&) {
    return std::nullopt;
  }
}

}  // namespace pristine
