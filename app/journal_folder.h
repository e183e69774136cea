#pragma once

#include <filesystem>
#include <vector>

#include "app/journal_record.h"

namespace pristine {

/// The journal of one run, as far as it can be read.
struct JournalFile {
  std::filesystem::path path;
  std::vector<JournalRecord> records;
};

/// The journals of a folder, oldest first; files that cannot be read are left out.
std::vector<JournalFile> readJournals(const std::filesystem::path& folder);

/// Removes the temporary files of a run that was killed: one whose journal has no end and is not
/// locked by its writer. Outputs are relative to `base`.
void clearLitter(const JournalFile& journal, const std::filesystem::path& base);

/// Replaces journals of runs that are over by one with these records. Leaves everything as it is
/// when one of them is still written, or another process merges.
void mergeJournals(const std::vector<JournalFile>& journals,
                   const std::vector<JournalRecord>& records);

}  // namespace pristine
