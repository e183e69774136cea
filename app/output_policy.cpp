#include "app/output_policy.h"

#include "app/file_state.h"
#include "core/error.h"

namespace pristine {

namespace {

namespace fs = std::filesystem;

/// Whether a file is what a digest was taken of; unreadable files are not.
bool hasContent(const fs::path& path, const std::string& digest) {
  try {
    return fileDigest(path) == digest;
  } catch (const Error&) {
    return false;
  }
}

/// How the file at `output` was made; empty if it is not ours.
std::optional<JournalRecord> originOf(const fs::path& output, const FileState& now,
                                      const OutputHistory& history) {
  // A begin without an end: if the file is another than before, it was moved into place after all.
  if (history.begun && now != history.begun->file &&
      now.modified + 1'000'000'000 > history.begun->time) {
    return history.begun;
  }
  if (!history.done || !history.done->file) return std::nullopt;
  const bool same =
      now.looksLike(*history.done->file) ||
      (now.size == history.done->file->size && hasContent(output, history.done->content));
  return same ? history.done : std::nullopt;
}

bool isUpToDate(const fs::path& input, const JournalRecord& origin, const std::string& settings) {
  if (origin.settings != settings) return false;
  const auto now = fileState(input);
  if (!now) return false;
  return *now == origin.sourceState ||
         (now->size == origin.sourceState.size && hasContent(input, origin.source));
}

/// The first free name with a number before the extension.
fs::path numbered(const fs::path& path) {
  for (int i = 1;; ++i) {
    fs::path candidate = path;
    candidate.replace_filename(path.stem().string() + "_" + std::to_string(i) +
                               path.extension().string());
    if (!fileState(candidate)) return candidate;
  }
}

}  // namespace

std::optional<JobResult> resultOf(const Decision& decision) {
  JobResult result;
  result.job = decision.job;
  result.status = JobStatus::Skipped;
  switch (decision.kind) {
    case Decision::Kind::Run:
      return std::nullopt;
    case Decision::Kind::UpToDate:
      break;
    case Decision::Kind::Skip:
      result.reason = "output exists";
      break;
    case Decision::Kind::Fail:
      result.status = JobStatus::Failed;
      result.code = ErrorCode::Output;
      result.reason = decision.reason;
      break;
  }
  return result;
}

Decision decide(const Job& job, const std::string& settings, IfExists ifExists,
                const Journal& journal) {
  Decision decision{Decision::Kind::Run, job, {}, false};
  const OutputHistory history = journal.find(job.output);
  decision.failedBefore = history.failed;
  const auto now = fileState(job.output);
  if (!now) return decision;
  switch (ifExists) {
    case IfExists::Overwrite:
      return decision;
    case IfExists::Skip:
      decision.kind = Decision::Kind::Skip;
      return decision;
    case IfExists::Rename:
      decision.job.output = numbered(job.output);
      return decision;
    case IfExists::Fail:
      decision.kind = Decision::Kind::Fail;
      decision.reason = "output '" + job.output.string() + "' exists";
      return decision;
    case IfExists::Auto:
      break;
  }
  const auto origin = originOf(job.output, *now, history);
  if (!origin) {
    decision.kind = Decision::Kind::Fail;
    decision.reason = "output '" + job.output.string() +
                      "' exists and was not made by this program, or was changed since";
  } else if (isUpToDate(job.input, *origin, settings)) {
    decision.kind = Decision::Kind::UpToDate;
  }
  return decision;
}

}  // namespace pristine
