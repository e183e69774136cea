#include "app/journal_folder.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <memory>
#include <set>
#include <string>

namespace pristine {

namespace {

namespace fs = std::filesystem;
using Event = JournalRecord::Event;

/// A journal that nobody writes any more, kept from others that would clear up as well.
class DeadJournal {
 public:
  explicit DeadJournal(const fs::path& path)
      : file_(::open(path.c_str(), O_WRONLY | O_APPEND | O_CLOEXEC)),
        locked_(file_ >= 0 && ::flock(file_, LOCK_EX | LOCK_NB) == 0) {}
  ~DeadJournal() {
    if (file_ >= 0) ::close(file_);
  }
  DeadJournal(const DeadJournal&) = delete;
  DeadJournal& operator=(const DeadJournal&) = delete;

  explicit operator bool() const { return locked_; }
  bool append(const std::string& text) {
    return ::write(file_, text.data(), text.size()) == static_cast<ssize_t>(text.size());
  }

 private:
  int file_;
  bool locked_;
};

std::vector<fs::path> journalPaths(const fs::path& folder) {
  std::vector<fs::path> paths;
  std::error_code error;
  for (fs::directory_iterator entry(folder, error), end; !error && entry != end;
       entry.increment(error)) {
    const std::string name = entry->path().filename().string();
    if (name.starts_with("journal-") && name.ends_with(".jsonl")) paths.push_back(entry->path());
  }
  std::ranges::sort(paths);
  return paths;
}

std::vector<JournalRecord> recordsOf(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  std::vector<JournalRecord> records;
  for (std::string line; std::getline(in, line);) {
    if (auto record = parseRecord(line)) records.push_back(std::move(*record));
  }
  return records;
}

}  // namespace

std::vector<JournalFile> readJournals(const fs::path& folder) {
  std::vector<JournalFile> files;
  // Another run may merge journals meanwhile; then the list changes and everything is read again.
  for (int attempt = 0; attempt < 5; ++attempt) {
    const std::vector<fs::path> paths = journalPaths(folder);
    files.clear();
    for (const fs::path& path : paths) files.push_back({path, recordsOf(path)});
    if (journalPaths(folder) == paths) break;
  }
  return files;
}

void clearLitter(const JournalFile& journal, const fs::path& base) {
  if (journal.records.empty() || journal.records.front().event != Event::Run ||
      journal.records.back().event == Event::End) {
    return;
  }
  DeadJournal dead(journal.path);
  if (!dead) return;
  std::set<fs::path> folders;
  for (const JournalRecord& record : journal.records) {
    if (record.event == Event::Begun) folders.insert((base / record.output).parent_path());
  }
  const std::string prefix = ".pristine-" + std::to_string(journal.records.front().process) + "-";
  for (const fs::path& folder : folders) {
    std::error_code error;
    for (fs::directory_iterator entry(folder, error), end; !error && entry != end;
         entry.increment(error)) {
      const std::string name = entry->path().filename().string();
      std::error_code ignored;
      if (name.starts_with(prefix) && name.ends_with(".tmp")) fs::remove(entry->path(), ignored);
    }
  }
  JournalRecord end;
  end.event = Event::End;
  end.time = nowNanoseconds();
  // On a line of its own even if the last one is torn.
  dead.append("\n" + formatRecord(end) + "\n");
}

void mergeJournals(const std::vector<JournalFile>& journals,
                   const std::vector<JournalRecord>& records) {
  std::vector<std::unique_ptr<DeadJournal>> locks;
  for (const JournalFile& journal : journals) {
    locks.push_back(std::make_unique<DeadJournal>(journal.path));
    if (!*locks.back()) return;
  }
  // In place of the newest, so that a reader at any moment finds every record.
  const fs::path target = journals.back().path;
  const fs::path temporary = fs::path(target).replace_extension(".tmp");
  {
    std::ofstream out(temporary, std::ios::binary);
    for (const JournalRecord& record : records) out << formatRecord(record) << '\n';
    if (!out.flush()) return;
  }
  const int file = ::open(temporary.c_str(), O_RDONLY | O_CLOEXEC);
  const bool synced = file >= 0 && ::fsync(file) == 0;
  if (file >= 0) ::close(file);
  std::error_code error;
  if (synced) fs::rename(temporary, target, error);
  if (!synced || error) {
    fs::remove(temporary, error);
    return;
  }
  for (const JournalFile& journal : journals) {
    if (journal.path != target) fs::remove(journal.path, error);
  }
}

}  // namespace pristine
