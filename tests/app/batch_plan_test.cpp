#include "app/batch_plan.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/error.h"
#include "tests/support/files.h"
#include "tests/support/temporary_folder.h"

namespace pristine {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

/// Plans over a folder of files that are empty: a plan looks at names alone.
class BatchPlanTest : public testing::Test {
 protected:
  void touch(const std::string& name) { test::writeText(folder / name, ""); }

  BatchPlan plan(const std::vector<std::string>& inputs, const std::string& output,
                 bool recursive = false) {
    std::vector<fs::path> paths;
    for (const std::string& input : inputs) paths.push_back(folder / input);
    return planBatch(paths, folder.path().string() + "/" + output, {recursive});
  }

  /// "input > output" of every job, relative to the folder.
  std::vector<std::string> jobs(const BatchPlan& plan) {
    std::vector<std::string> texts;
    for (const Job& job : plan.jobs) {
      texts.push_back(job.input.lexically_relative(folder.path()).string() + " > " +
                      job.output.lexically_normal().lexically_relative(folder.path()).string());
    }
    return texts;
  }

  std::string refusal(const std::vector<std::string>& inputs, const std::string& output) {
    try {
      plan(inputs, output, true);
      return {};
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::Usage);
      return error.what();
    }
  }

  test::TemporaryFolder folder;
};

TEST_F(BatchPlanTest, TakesOneFileToAFile) {
  touch("a.png");
  EXPECT_THAT(jobs(plan({"a.png"}, "out/b.jpg")), ElementsAre("a.png > out/b.jpg"));
}

TEST_F(BatchPlanTest, TakesOneFileIntoAFolder) {
  touch("a.png");
  fs::create_directory(folder / "there");
  EXPECT_THAT(jobs(plan({"a.png"}, "there")), ElementsAre("a.png > there/a.png"));
  EXPECT_THAT(jobs(plan({"a.png"}, "new/")), ElementsAre("a.png > new/a.png"));
}

TEST_F(BatchPlanTest, TakesSeveralFilesIntoAFolder) {
  touch("a.png");
  touch("sub/b.JPG");
  EXPECT_THAT(jobs(plan({"sub/b.JPG", "a.png"}, "out")),
              ElementsAre("sub/b.JPG > out/b.JPG", "a.png > out/a.png"));
}

TEST_F(BatchPlanTest, TakesThePicturesOfAFolderSorted) {
  for (const char* name : {"in/b.png", "in/a.tiff", "in/c.webp", "in/Thumbs.db", "in/notes.txt",
                           "in/._a.png", "in/.pristine-1-0.tmp", "in/sub/d.png"}) {
    touch(name);
  }
  const BatchPlan result = plan({"in"}, "out");
  EXPECT_THAT(jobs(result), ElementsAre("in/a.tiff > out/a.tiff", "in/b.png > out/b.png",
                                        "in/c.webp > out/c.webp"));
  EXPECT_TRUE(result.skippedFolders);
  EXPECT_THAT(result.failures, IsEmpty());
}

TEST_F(BatchPlanTest, KeepsTheTree) {
  for (const char* name : {"in/b.png", "in/x/b.png", "in/x/y/b.png", "in/album.png/e.png"}) {
    touch(name);
  }
  const BatchPlan result = plan({"in"}, "out", true);
  EXPECT_THAT(jobs(result),
              ElementsAre("in/album.png/e.png > out/album.png/e.png", "in/b.png > out/b.png",
                          "in/x/b.png > out/x/b.png", "in/x/y/b.png > out/x/y/b.png"));
  EXPECT_FALSE(result.skippedFolders);
}

TEST_F(BatchPlanTest, LeavesOutTheOutputFolder) {
  touch("in/a.png");
  touch("in/out/a.png");
  EXPECT_THAT(jobs(plan({"in"}, "in/out", true)), ElementsAre("in/a.png > in/out/a.png"));
}

TEST_F(BatchPlanTest, FollowsNoLinksToFolders) {
  touch("in/a.png");
  fs::create_directory_symlink(folder / "in", folder / "in/loop");
  EXPECT_THAT(jobs(plan({"in"}, "out", true)), ElementsAre("in/a.png > out/a.png"));
}

TEST_F(BatchPlanTest, NamesWhatIsMissing) {
  touch("a.png");
  const BatchPlan result = plan({"a.png", "b.png"}, "out");
  EXPECT_EQ(result.jobs.size(), 1U);
  ASSERT_EQ(result.failures.size(), 1U);
  EXPECT_EQ(result.failures[0].input, folder / "b.png");
  EXPECT_EQ(result.failures[0].reason, "does not exist");
}

TEST_F(BatchPlanTest, NamesOutputsOfUnknownFormat) {
  touch("a.png");
  const BatchPlan result = plan({"a.png"}, "b.gif");
  EXPECT_THAT(result.jobs, IsEmpty());
  ASSERT_EQ(result.failures.size(), 1U);
  EXPECT_THAT(result.failures[0].reason, HasSubstr("b.gif"));
  EXPECT_THAT(plan({"a.png"}, "out").failures.at(0).reason, HasSubstr("a folder with a '/'"));
}

TEST_F(BatchPlanTest, RefusesTwoWritersOfOneFile) {
  touch("x/a.png");
  touch("y/a.png");
  const std::string said = refusal({"x", "y"}, "out");
  EXPECT_THAT(said, HasSubstr("x/a.png"));
  EXPECT_THAT(said, HasSubstr("y/a.png"));
  EXPECT_THAT(said, HasSubstr("out/a.png"));
}

TEST_F(BatchPlanTest, RefusesToOverwriteAnInput) {
  touch("in/a.png");
  touch("in/b.png");
  EXPECT_THAT(refusal({"in/a.png"}, "in/a.png"), HasSubstr("is one of the inputs"));
  EXPECT_THAT(refusal({"in"}, "in"), HasSubstr("is one of the inputs"));
  EXPECT_THAT(refusal({"in/a.png"}, "in/../in/./a.png"), HasSubstr("is one of the inputs"));
  fs::create_directory_symlink(folder / "in", folder / "link");
  EXPECT_THAT(refusal({"in/a.png", "in/b.png"}, "link"), HasSubstr("is one of the inputs"));
  fs::create_symlink(folder / "in/a.png", folder / "a.png");
  EXPECT_THAT(refusal({"in/a.png"}, "a.png"), HasSubstr("is one of the inputs"));
}

TEST_F(BatchPlanTest, RefusesAFileWhereAFolderIsNeeded) {
  touch("a.png");
  touch("b.png");
  touch("out.png");
  EXPECT_THAT(refusal({"a.png", "b.png"}, "out.png"), HasSubstr("expected a folder"));
}

TEST_F(BatchPlanTest, MakesNoFolderThatIsNamedLikeAPicture) {
  touch("in/a.png");
  touch("in/b.png");
  EXPECT_THAT(refusal({"in/a.png", "in/b.png"}, "both.png"), HasSubstr("named like one picture"));
  EXPECT_THAT(refusal({"in"}, "out.JPEG"), HasSubstr("out.JPEG"));
  EXPECT_THAT(jobs(plan({"in/a.png", "in/b.png"}, "both.png/")),
              ElementsAre("in/a.png > both.png/a.png", "in/b.png > both.png/b.png"));
  fs::create_directory(folder / "there.png");
  EXPECT_THAT(jobs(plan({"in"}, "there.png")),
              ElementsAre("in/a.png > there.png/a.png", "in/b.png > there.png/b.png"));
}

TEST_F(BatchPlanTest, TakesARepeatedInputOnce) {
  touch("a.png");
  EXPECT_THAT(jobs(plan({"a.png", "a.png", "./a.png"}, "out")), ElementsAre("a.png > out/a.png"));
}

TEST_F(BatchPlanTest, KeepsBytesOfNames) {
  const std::string strange = "\xC3\xBCn\xC3\xAF #100% \xFF\n.png";
  touch("in/" + strange);
  EXPECT_THAT(jobs(plan({"in"}, "out")), ElementsAre("in/" + strange + " > out/" + strange));
}

}  // namespace
}  // namespace pristine
