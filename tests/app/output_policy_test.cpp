#include "app/output_policy.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "app/file_state.h"
#include "tests/support/files.h"
#include "tests/support/temporary_folder.h"

namespace pristine {
namespace {

namespace fs = std::filesystem;
using Kind = Decision::Kind;

class OutputPolicy : public testing::Test {
 protected:
  OutputPolicy() : journal(folder / ".pristine", folder.path()) {
    test::writeText(job.input, "input");
  }

  JournalRecord origin() {
    JournalRecord record;
    record.output = job.output;
    record.input = job.input;
    record.settings = "s";
    record.source = fileDigest(job.input);
    record.sourceState = *fileState(job.input);
    record.file = fileState(job.output);
    return record;
  }

  /// As a run does it, up to the point where it may be killed.
  void make(const std::string& content, bool recordEnd = true) {
    JournalRecord record = origin();
    journal.begun(record);
    replace(job.output, content);
    if (!recordEnd) return;
    record.file = fileState(job.output);
    record.content = fileDigest(job.output);
    journal.done(record);
  }

  static void replace(const fs::path& path, const std::string& content) {
    const fs::path temporary = path.string() + ".new";
    test::writeText(temporary, content);
    fs::rename(temporary, path);
  }

  Kind kind(IfExists policy = IfExists::Auto, const std::string& settings = "s") {
    return decide(job, settings, policy, journal).kind;
  }

  const test::TemporaryFolder folder;
  const Job job{folder / "in.png", folder / "out.png"};
  Journal journal;
};

TEST_F(OutputPolicy, RunsWhatIsNotThere) {
  for (const IfExists policy :
       {IfExists::Auto, IfExists::Skip, IfExists::Overwrite, IfExists::Rename, IfExists::Fail}) {
    EXPECT_EQ(kind(policy), Kind::Run);
  }
}

TEST_F(OutputPolicy, LeavesForeignFilesAlone) {
  test::writeText(job.output, "foreign");
  EXPECT_EQ(kind(), Kind::Fail);
  EXPECT_THAT(decide(job, "s", IfExists::Auto, journal).reason, testing::HasSubstr("out.png"));
  EXPECT_EQ(kind(IfExists::Skip), Kind::Skip);
  EXPECT_EQ(kind(IfExists::Overwrite), Kind::Run);
  EXPECT_EQ(kind(IfExists::Fail), Kind::Fail);
  test::writeText(folder / "out_1.png", "");
  EXPECT_EQ(decide(job, "s", IfExists::Rename, journal).job.output, folder / "out_2.png");
}

TEST_F(OutputPolicy, SkipsWhatIsUpToDateAndRedoesWhatIsStale) {
  make("made");
  EXPECT_EQ(kind(), Kind::UpToDate);
  EXPECT_EQ(kind(IfExists::Auto, "other settings"), Kind::Run);
  test::writeText(job.input, "INPUT");
  EXPECT_EQ(kind(), Kind::Run);
  fs::remove(job.output);
  EXPECT_EQ(kind(), Kind::Run);
}

TEST_F(OutputPolicy, GoesByContentWhereTimesDiffer) {
  make("made");
  const auto later = fs::file_time_type::clock::now() + std::chrono::hours(1);
  fs::last_write_time(job.input, later);
  fs::last_write_time(job.output, later);
  EXPECT_EQ(kind(), Kind::UpToDate);
}

TEST_F(OutputPolicy, TakesAnEditedOutputForForeign) {
  make("made");
  test::writeText(job.output, "edited");
  EXPECT_EQ(kind(), Kind::Fail);
  test::writeText(job.output, "MADE");
  EXPECT_EQ(kind(), Kind::Fail);
}

TEST_F(OutputPolicy, KnowsAnOutputWhoseRunWasKilledBeforeItCouldSaySo) {
  make("made", false);
  EXPECT_EQ(kind(), Kind::UpToDate);
}

TEST_F(OutputPolicy, KnowsAnOutputWhoseRunWasKilledBeforeItWasReplaced) {
  make("made");
  test::writeText(job.input, "other input");
  journal.begun(origin());
  EXPECT_EQ(kind(), Kind::Run) << "ours, stale";
}

TEST_F(OutputPolicy, DoesNotClaimAForeignFileThatAKilledRunWasAboutToReplace) {
  test::writeText(job.output, "foreign");
  journal.begun(origin());
  EXPECT_EQ(kind(), Kind::Fail);
}

}  // namespace
}  // namespace pristine
