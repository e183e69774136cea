#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

#include "app/file_state.h"

namespace pristine {

/// One line of a journal. `cli/README.md` describes the format for other programs.
struct JournalRecord {
  enum class Event {
    Run,     ///< first line: who writes
    Begun,   ///< the output is about to be moved into place
    Done,    ///< the output is in place
    Failed,  ///< the input gave no output
    End      ///< the run ended by itself, or its litter has been cleared away
  };
  Event event = Event::Run;
  std::int64_t time = 0;         ///< nanoseconds since 1970
  std::filesystem::path output;  ///< relative to the journal's base
  std::filesystem::path input;
  std::string source;             ///< digest of the input's content
  FileState sourceState;          ///< of the input
  std::string settings;           ///< digest of model and parameters
  std::optional<FileState> file;  ///< of the output: before (Begun) or after (Done)
  std::string content;            ///< Done: digest of the output
  std::string reason;             ///< Failed
  long process = 0;               ///< Run
  std::string host;               ///< Run
};

/// The record as a line of JSON without its end of line. Paths are strings where they are UTF-8,
/// else {"hex": "..."} of their bytes.
std::string formatRecord(const JournalRecord& record);

/// Empty for a line that is torn, damaged or of a kind unknown to this version.
std::optional<JournalRecord> parseRecord(std::string_view line);

}  // namespace pristine
