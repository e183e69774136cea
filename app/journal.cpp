#include "app/journal.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <vector>

#include "app/journal_folder.h"

namespace pristine {

namespace {

namespace fs = std::filesystem;
using Event = JournalRecord::Event;

/// Journals in a folder beyond which they are merged.
constexpr std::size_t kMergeAt = 16;

fs::path absoluteOf(const fs::path& path) {
  std::error_code error;
  const fs::path absolute = fs::absolute(path, error);
  return (error ? path : absolute).lexically_normal();
}

void fold(std::map<std::string, OutputHistory>& outputs, const JournalRecord& record) {
  OutputHistory& history = outputs[record.output.native()];
  history.failed = record.event == Event::Failed;
  if (record.event == Event::Begun) history.begun = record;
  if (record.event == Event::Done) {
    history.done = record;
    history.begun.reset();
  }
}

std::string hostName() {
  std::array<char, 256> name{};
  if (::gethostname(name.data(), name.size() - 1) != 0) return "unknown";
  return name.data();
}

}  // namespace

Journal::Journal(fs::path folder, fs::path base)
    : folder_(std::move(folder)), base_(absoluteOf(base)) {
  if (!folder_.empty()) read();
}

Journal::~Journal() {
  if (file_ < 0) return;
  JournalRecord end;
  end.event = Event::End;
  append(std::move(end), true);
  ::close(file_);
}

void Journal::read() {
  std::vector<JournalFile> files = readJournals(folder_);
  std::vector<JournalRecord> records;
  for (JournalFile& file : files) {
    clearLitter(file, base_);
    std::ranges::move(file.records, std::back_inserter(records));
    file.records.clear();
  }
  std::ranges::stable_sort(records, {}, &JournalRecord::time);
  for (const JournalRecord& record : records) {
    if (record.event != Event::Run && record.event != Event::End) fold(outputs_, record);
  }
  if (files.size() >= kMergeAt) {
    std::vector<JournalRecord> last;
    for (const auto& [output, history] : outputs_) {
      if (history.done) last.push_back(*history.done);
      if (history.begun) last.push_back(*history.begun);
      if (!history.failed) continue;
      const auto failure = std::find_if(records.rbegin(), records.rend(), [&](const auto& record) {
        return record.event == Event::Failed && record.output.native() == output;
      });
      if (failure != records.rend()) last.push_back(*failure);
    }
    mergeJournals(files, last);
  }
}

OutputHistory Journal::find(const fs::path& output) const {
  const std::string key = absoluteOf(output).lexically_relative(base_).native();
  const std::lock_guard lock(mutex_);
  const auto found = outputs_.find(key);
  return found == outputs_.end() ? OutputHistory() : found->second;
}

void Journal::begun(JournalRecord record) {
  record.event = Event::Begun;
  append(std::move(record), true);
}

void Journal::done(JournalRecord record) {
  record.event = Event::Done;
  append(std::move(record), false);
}

void Journal::failed(const fs::path& output, const fs::path& input, const std::string& reason) {
  JournalRecord record;
  record.event = Event::Failed;
  record.output = output;
  record.input = input;
  record.reason = reason;
  append(std::move(record), false);
}

std::string Journal::problem() const {
  const std::lock_guard lock(mutex_);
  return problem_;
}

/// mutex_ is held.
bool Journal::create() {
  if (file_ >= 0) return true;
  if (folder_.empty() || !problem_.empty()) return false;
  std::error_code error;
  fs::create_directories(folder_, error);
  const std::string host = hostName();
  fs::path path;
  int file = -1;
  // One process may begin several runs within one tick of the clock.
  for (std::int64_t time = nowNanoseconds(); !error && file < 0; ++time) {
    path = folder_ / ("journal-" + std::to_string(time) + "-" + host + "-" +
                      std::to_string(::getpid()) + ".jsonl");
    file = ::open(path.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
    if (file < 0 && errno != EEXIST) break;
  }
  if (file < 0) {
    problem_ = "journal '" + (path.empty() ? folder_ : path).string() +
               "': " + (error ? error.message() : std::string(std::strerror(errno)));
    return false;
  }
  ::flock(file, LOCK_EX | LOCK_NB);  // held to the end of the process: the run is alive
  file_ = file;
  JournalRecord first;
  first.time = nowNanoseconds();
  first.process = ::getpid();
  first.host = host;
  const std::string line = formatRecord(first) + "\n";
  if (::write(file_, line.data(), line.size()) != static_cast<ssize_t>(line.size())) {
    problem_ = "journal '" + path.string() + "': " + std::strerror(errno);
  }
  return true;
}

void Journal::append(JournalRecord record, bool sync) {
  record.time = nowNanoseconds();
  if (!record.output.empty()) record.output = absoluteOf(record.output).lexically_relative(base_);
  if (!record.input.empty()) record.input = absoluteOf(record.input);
  const std::lock_guard lock(mutex_);
  if (record.event != Event::End) fold(outputs_, record);
  if (!create()) return;
  const std::string line = formatRecord(record) + "\n";
  const ssize_t written = ::write(file_, line.data(), line.size());
  if (written == static_cast<ssize_t>(line.size())) {
    if (sync) ::fdatasync(file_);
    return;
  }
  if (problem_.empty()) {
    problem_ = "journal in '" + folder_.string() +
               "': " + (written < 0 ? std::strerror(errno) : "no space left for a line");
  }
  // Half a line would swallow the next one.
  if (written > 0) static_cast<void>(::write(file_, "\n", 1) == 1);
}

fs::path journalFolderIn(const fs::path& folder) {
  return folder / ".pristine";
}

fs::path journalFolderOfUser() {
  if (const char* state = std::getenv("XDG_STATE_HOME"); state != nullptr && *state == '/') {
    return fs::path(state) / "pristine";
  }
  if (const char* home = std::getenv("HOME"); home != nullptr && *home == '/') {
    return fs::path(home) / ".local/state/pristine";
  }
  return {};
}

}  // namespace pristine
