#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "app/journal_record.h"

namespace pristine {

/// What is known of an output from all runs so far.
struct OutputHistory {
  std::optional<JournalRecord> done;   ///< the last completion
  std::optional<JournalRecord> begun;  ///< a later begin whose end no run has recorded
  bool failed = false;                 ///< the last thing that happened was a failure
};

/// The memory of a folder of outputs: what was made, from what and how. Every run appends to a file
/// of its own, so runs on several machines share a folder without locks between them. A line is
/// written whole by one write(2); a torn last line is what a crash may leave, and is skipped.
///
/// begun() syncs to the disk before the output may be moved into place: after a crash an output is
/// known as ours whether or not done() was reached. Other lines are synced at the end of the run.
///
/// All functions may be called from any thread. Not being able to write is no error: problem()
/// says so, and the next run knows less.
class Journal {
 public:
  /// Reads the journals in `folder`, clears away the temporary files of runs that were killed, and
  /// merges journals when there are many. Outputs are known by their path relative to `base`.
  Journal(std::filesystem::path folder, std::filesystem::path base);
  /// Marks the run as ended.
  ~Journal();
  Journal(const Journal&) = delete;
  Journal& operator=(const Journal&) = delete;

  OutputHistory find(const std::filesystem::path& output) const;

  /// `record.output` is the output's path; the other members as JournalRecord has them.
  void begun(JournalRecord record);
  void done(JournalRecord record);
  void failed(const std::filesystem::path& output, const std::filesystem::path& input,
              const std::string& reason);

  /// Why the journal cannot be written; empty if it can.
  std::string problem() const;

 private:
  void read();
  void append(JournalRecord record, bool sync);
  bool create();

  std::filesystem::path folder_;
  std::filesystem::path base_;
  mutable std::mutex mutex_;
  std::map<std::string, OutputHistory> outputs_;
  int file_ = -1;  ///< of this run, made by its first line
  std::string problem_;
};

/// Where journals of a folder of outputs are: `folder`/.pristine.
std::filesystem::path journalFolderIn(const std::filesystem::path& folder);
/// Where journals of single files are: $XDG_STATE_HOME/pristine; empty without a home.
std::filesystem::path journalFolderOfUser();

}  // namespace pristine
