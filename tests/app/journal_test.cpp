#include "app/journal.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>

#include "app/journal_folder.h"
#include "tests/support/files.h"
#include "tests/support/temporary_folder.h"

namespace pristine {
namespace {

namespace fs = std::filesystem;
using Event = JournalRecord::Event;

JournalRecord recordOf(const fs::path& output) {
  JournalRecord record;
  record.output = output;
  record.input = "/in/a.png";
  record.source = "0123";
  record.sourceState = {1, 2, 3};
  record.settings = "4567";
  return record;
}

class JournalTest : public testing::Test {
 protected:
  std::unique_ptr<Journal> open() {
    return std::make_unique<Journal>(folder / "out/.pristine", folder / "out");
  }

  JournalRecord done(const std::string& name) {
    JournalRecord record = recordOf(folder / "out" / name);
    record.file = FileState{5, 6, 7};
    record.content = "89ab";
    return record;
  }

  std::size_t files() { return readJournals(folder / "out/.pristine").size(); }

  /// A process that opens the journal, acts and is killed.
  template <typename Action>
  pid_t killAfter(const Action& action) {
    const pid_t child = ::fork();
    if (child == 0) {
      auto journal = open();
      action(*journal);
      ::kill(::getpid(), SIGKILL);
    }
    int status = 0;
    ::waitpid(child, &status, 0);
    EXPECT_TRUE(WIFSIGNALED(status));
    return child;
  }

  const test::TemporaryFolder folder;
};

TEST(JournalRecord, ComesBackFromItsLine) {
  JournalRecord record = recordOf("bad\xFF/\n\"name\".png");
  for (const Event event : {Event::Begun, Event::Done, Event::Failed, Event::Run, Event::End}) {
    record.event = event;
    record.time = 42;
    record.file = FileState{1ULL << 63U, 2, -3};
    record.content = "c";
    record.reason = "r";
    record.process = 9;
    record.host = "h";
    const std::string line = formatRecord(record);
    EXPECT_EQ(line.find('\n'), std::string::npos);
    const auto read = parseRecord(line);
    ASSERT_TRUE(read.has_value()) << line;
    EXPECT_EQ(formatRecord(*read), line);
    EXPECT_EQ(read->event, event);
  }
  record.event = Event::Begun;
  record.file.reset();
  EXPECT_FALSE(parseRecord(formatRecord(record))->file.has_value());
}

TEST(JournalRecord, IsEmptyForAnyTornLine) {
  JournalRecord record = recordOf("a.png");
  record.event = Event::Done;
  const std::string line = formatRecord(record);
  for (std::size_t size = 0; size < line.size(); ++size) {
    EXPECT_FALSE(parseRecord(line.substr(0, size)).has_value()) << size;
  }
  for (const char* other : {"[]", "3", "null", "{\"event\":\"done\"}", "{\"event\":7}",
                            "{\"event\":\"dance\",\"time\":1}"}) {
    EXPECT_FALSE(parseRecord(other).has_value()) << other;
  }
}

TEST_F(JournalTest, RemembersAcrossRunsAndWritesNothingWithoutNeed) {
  open();
  EXPECT_FALSE(fs::exists(folder / "out"));
  open()->done(done("a.png"));
  open()->failed(folder / "out/b.png", "/in/b.png", "torn");
  const auto journal = open();
  const OutputHistory a = journal->find(folder / "out/x/../a.png");
  ASSERT_TRUE(a.done.has_value());
  EXPECT_EQ(a.done->content, "89ab");
  EXPECT_EQ(a.done->file, (FileState{5, 6, 7}));
  EXPECT_FALSE(a.failed);
  EXPECT_TRUE(journal->find(folder / "out/b.png").failed);
  EXPECT_FALSE(journal->find(folder / "out/c.png").done.has_value());
  EXPECT_EQ(files(), 2U);
}

TEST_F(JournalTest, MovesWithItsFolder) {
  open()->done(done("x/a.png"));
  fs::rename(folder / "out", folder / "moved");
  const Journal journal(folder / "moved/.pristine", folder / "moved");
  EXPECT_TRUE(journal.find(folder / "moved/x/a.png").done.has_value());
}

TEST_F(JournalTest, KnowsWhatAKilledRunHadBegunAndClearsItsLitter) {
  const pid_t child = killAfter([&](Journal& journal) {
    journal.done(done("a.png"));
    journal.begun(recordOf(folder / "out/sub/b.png"));
    const std::string name = ".pristine-" + std::to_string(::getpid()) + "-3.tmp";
    test::writeText(folder / "out/sub" / name, "half a picture");
  });
  test::writeText(folder / "out/sub/.pristine-1-3.tmp", "of somebody else");
  const auto journal = open();
  EXPECT_FALSE(fs::exists(folder / "out/sub" / (".pristine-" + std::to_string(child) + "-3.tmp")));
  EXPECT_TRUE(fs::exists(folder / "out/sub/.pristine-1-3.tmp"));
  EXPECT_TRUE(journal->find(folder / "out/a.png").done.has_value());
  EXPECT_TRUE(journal->find(folder / "out/sub/b.png").begun.has_value());
}

TEST_F(JournalTest, LeavesTheLitterOfALivingRunAlone) {
  const auto living = open();
  living->begun(recordOf(folder / "out/b.png"));
  const std::string name = ".pristine-" + std::to_string(::getpid()) + "-0.tmp";
  test::writeText(folder / "out" / name, "in work");
  open();
  EXPECT_TRUE(fs::exists(folder / "out" / name));
}

TEST_F(JournalTest, GoesOnAfterATornLine) {
  killAfter([&](Journal& journal) { journal.done(done("a.png")); });
  const fs::path file = readJournals(folder / "out/.pristine").front().path;
  std::ofstream(file, std::ios::app) << formatRecord(recordOf("b.png")).substr(0, 30);
  open();  // appends the end of the killed run
  const auto journal = open();
  EXPECT_TRUE(journal->find(folder / "out/a.png").done.has_value());
  EXPECT_EQ(readJournals(folder / "out/.pristine").front().records.back().event, Event::End);
}

TEST_F(JournalTest, MergesManyJournalsAndLosesNothing) {
  for (int i = 0; i < 40; ++i) {
    const auto journal = open();
    journal->done(done(std::to_string(i % 20) + ".png"));
    journal->failed(folder / "out" / ("f" + std::to_string(i) + ".png"), "/in/f", "no");
  }
  EXPECT_LT(files(), 20U);
  const auto journal = open();
  for (int i = 0; i < 20; ++i) {
    EXPECT_TRUE(journal->find(folder / "out" / (std::to_string(i) + ".png")).done.has_value()) << i;
  }
  for (int i = 0; i < 40; ++i) {
    EXPECT_TRUE(journal->find(folder / "out" / ("f" + std::to_string(i) + ".png")).failed) << i;
  }
}

TEST_F(JournalTest, DoesNotMergeWhatIsStillWritten) {
  const auto living = open();
  living->done(done("living.png"));
  for (int i = 0; i < 20; ++i) open()->done(done(std::to_string(i) + ".png"));
  living->done(done("later.png"));
  EXPECT_EQ(files(), 21U);
  EXPECT_TRUE(open()->find(folder / "out/later.png").done.has_value());
}

TEST_F(JournalTest, SaysWhenItCannotBeWritten) {
  test::writeText(folder / "out/.pristine", "a file in its place");
  const auto journal = open();
  journal->done(done("a.png"));
  EXPECT_THAT(journal->problem(), testing::HasSubstr(".pristine"));
  EXPECT_TRUE(journal->find(folder / "out/a.png").done.has_value());
}

}  // namespace
}  // namespace pristine
