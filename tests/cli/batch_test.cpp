// The batch contract through the program: what is taken, what is skipped, what is said.
#include <gmock/gmock.h>

#include <chrono>
#include <regex>

#include "tests/cli/command_line.h"

namespace pristine {
namespace {

namespace fs = std::filesystem;
using test::CommandLine;
using test::ProcessResult;
using testing::ElementsAre;
using testing::HasSubstr;

class Batch : public CommandLine {
 protected:
  ProcessResult denoise(std::vector<std::string> arguments) const {
    arguments.insert(arguments.begin(), "denoise");
    return run(arguments);
  }
  std::vector<std::uint8_t> bytes(const std::string& name) const {
    return test::readBytes(folder / name);
  }
};

TEST_F(Batch, TakesListsPatternsAndStandardInput) {
  for (const char* name : {"in/a.png", "in/b b.png", "in/c.jpg"}) addPicture(name);
  test::writeText(folder / "list", path("in/a.png") + "\n" + path("in/b b.png") + "\n");
  EXPECT_EQ(denoise({"--files-from", path("list"), "-o", path("lines")}).exitCode, 0);
  EXPECT_THAT(test::filesBelow(folder / "lines"), ElementsAre("a.png", "b b.png"));

  const std::string zeros = path("in/a.png") + '\0' + path("in/c.jpg") + '\0';
  const ProcessResult piped =
      test::runProcess(withProgram({"denoise", "--files-from", "-", "-0", "-o", path("zeros/")}),
                       environment(), zeros);
  EXPECT_EQ(piped.exitCode, 0) << piped.err;
  EXPECT_THAT(test::filesBelow(folder / "zeros"), ElementsAre("a.png", "c.jpg"));

  EXPECT_EQ(denoise({path("in/*.png"), "-o", path("patterns")}).exitCode, 0);
  EXPECT_THAT(test::filesBelow(folder / "patterns"), ElementsAre("a.png", "b b.png"));
  EXPECT_EQ(denoise({"--files-from", path("none"), "-o", path("x")}).exitCode, 2);
}

TEST_F(Batch, PatternsThatMatchNothingAreNoFailure) {
  addPicture("in/a.png");
  const ProcessResult nothing = denoise({path("in/*.tif"), "-o", path("out")});
  EXPECT_EQ(nothing.exitCode, 3) << nothing.err;
  EXPECT_FALSE(fs::exists(folder / "out"));
  EXPECT_THAT(nothing.err, HasSubstr("nothing matches '" + path("in/*.tif") + "'"));
  EXPECT_EQ(denoise({path("in/*.tif"), "-o", "-"}).exitCode, 3);
  const ProcessResult some = denoise({path("in/*.tif"), path("in/*.png"), "-o", path("out/")});
  EXPECT_EQ(some.exitCode, 0) << some.err;
  EXPECT_THAT(some.err, HasSubstr("nothing matches"));
  EXPECT_THAT(test::filesBelow(folder / "out"), ElementsAre("a.png"));
  // A name in a list is no pattern.
  test::writeText(folder / "list", path("in/[a].png") + "\n");
  const ProcessResult listed = denoise({"--files-from", path("list"), "-o", path("listed")});
  EXPECT_EQ(listed.exitCode, 4) << listed.err;
  EXPECT_THAT(listed.err, HasSubstr("[a].png: does not exist"));
}

TEST_F(Batch, MakesNoFolderThatIsNamedLikeAPicture) {
  addPicture("a.png");
  addPicture("b.png");
  const ProcessResult result = denoise({path("a.png"), path("b.png"), "-o", path("both.png")});
  EXPECT_EQ(result.exitCode, 2) << result.err;
  EXPECT_THAT(result.err, HasSubstr("named like one picture"));
  EXPECT_FALSE(fs::exists(folder / "both.png"));
}

TEST_F(Batch, SummaryHasNoSpeedOfNothingNorOfTinyPictures) {
  addPicture("in/a.png");
  const ProcessResult tiny = denoise({path("in"), "-o", path("out")});
  EXPECT_THAT(tiny.err, HasSubstr("1 restored (1200 px), 0 failed"));
  EXPECT_THAT(denoise({path("in"), "-o", path("out")}).err,
              HasSubstr("0 restored, 1 up to date, 0 failed"));
  addPicture("large.png", 500, 400);
  EXPECT_THAT(denoise({path("large.png"), "-o", path("larger.png")}).err,
              testing::ContainsRegex("1 restored \\(0\\.2 MP, [0-9.]+ s/MP\\)"));
}

TEST_F(Batch, PipesAPictureThrough) {
  addPicture("a.png");
  ASSERT_EQ(denoise({path("a.png"), "-o", path("b.png")}).exitCode, 0);
  const auto source = bytes("a.png");
  const ProcessResult result =
      test::runProcess(withProgram({"denoise", "-", "-o", "-", "-q"}), environment(),
                       std::string(source.begin(), source.end()));
  EXPECT_EQ(result.exitCode, 0) << result.err;
  EXPECT_EQ(std::vector<std::uint8_t>(result.out.begin(), result.out.end()), bytes("b.png"));
  const ProcessResult jpeg = run({"denoise", path("a.png"), "-o", "-", "-f", "jpg", "-q"});
  EXPECT_TRUE(jpeg.out.starts_with("\xFF\xD8")) << jpeg.err;
  const ProcessResult named =
      test::runProcess(withProgram({"denoise", "-", "-o", path("c.png")}), environment(),
                       std::string(source.begin(), source.end()));
  EXPECT_EQ(named.exitCode, 0) << named.err;
  EXPECT_EQ(bytes("c.png"), bytes("b.png"));
  EXPECT_THAT(named.err, HasSubstr("1/1 standard input"));
  EXPECT_THAT(named.err, testing::Not(HasSubstr("/stdin")));
}

TEST_F(Batch, NamesTheStandardStreamsAsSuch) {
  addPicture("a.png", 100, 80);
  const auto source = bytes("a.png");
  const std::string half(source.begin(), source.begin() + 500);
  for (const std::vector<std::string>& arguments :
       std::vector<std::vector<std::string>>{{"denoise", "-", "-o", "-"},
                                             {"denoise", "-", "-o", "-", "-f", "png"},
                                             {"denoise", "-", "-o", path("b.png")}}) {
    for (const std::string& input : {half, std::string("words")}) {
      const ProcessResult result = test::runProcess(withProgram(arguments), environment(), input);
      EXPECT_NE(result.exitCode, 0);
      EXPECT_THAT(result.err, HasSubstr("standard input"));
      EXPECT_THAT(result.err, testing::Not(HasSubstr("/stdin")));
    }
  }
  const ProcessResult json =
      test::runProcess(withProgram({"denoise", "-", "-o", path("c.png"), "--json"}), environment(),
                       std::string(source.begin(), source.end()));
  EXPECT_EQ(json.exitCode, 0) << json.err;
  EXPECT_THAT(json.out, HasSubstr("\"input\":\"-\""));
  EXPECT_THAT(json.out, testing::Not(HasSubstr("/stdin")));
}

TEST_F(Batch, RefusesPipesThatMakeNoSense) {
  addPicture("a.png");
  addPicture("b.png");
  EXPECT_EQ(denoise({path("a.png"), path("b.png"), "-o", "-"}).exitCode, 2);
  EXPECT_EQ(denoise({"-", "-", "-o", path("out")}).exitCode, 2);
  EXPECT_EQ(denoise({"-", "--files-from", "-", "-o", path("out")}).exitCode, 2);
  EXPECT_EQ(denoise({path("a.png"), "-o", "-", "--json"}).exitCode, 2);
  const ProcessResult empty = denoise({"-", "-o", "-"});
  EXPECT_NE(empty.exitCode, 0);
  EXPECT_EQ(empty.out, "");
  EXPECT_THAT(empty.err, HasSubstr("standard input"));
}

TEST_F(Batch, NamesOutputsByATemplate) {
  addPicture("in/x/a.png");
  addPicture("in/b.png");
  ASSERT_EQ(
      denoise({path("in"), "-r", "-o", path("out"), "--name", "{dir}/{stem}_{verb}{ext}"}).exitCode,
      0);
  EXPECT_THAT(test::filesBelow(folder / "out"), ElementsAre("b_denoise.png", "x/a_denoise.png"));
  const ProcessResult unknown = denoise({path("in"), "-o", path("out"), "--name", "{what}{stem}"});
  EXPECT_EQ(unknown.exitCode, 2);
  EXPECT_THAT(unknown.err, HasSubstr("{what}"));
}

TEST_F(Batch, RefusesCollisionsBeforeAnythingRuns) {
  addPicture("in/a.png");
  addPicture("in/a.jpg");
  const ProcessResult result = denoise({path("in"), "-o", path("out"), "--name", "{stem}.png"});
  EXPECT_EQ(result.exitCode, 2);
  EXPECT_THAT(result.err, HasSubstr("a.jpg"));
  EXPECT_THAT(result.err, HasSubstr("a.png"));
  EXPECT_FALSE(fs::exists(folder / "out"));
  EXPECT_EQ(denoise({path("in"), "-o", path("out"), "-f", "tif"}).exitCode, 2);
}

TEST_F(Batch, SkipsWhatIsUpToDateAndRedoesWhatIsStale) {
  for (const char* name : {"in/a.png", "in/b.png"}) addPicture(name);
  ASSERT_EQ(denoise({path("in"), "-o", path("out")}).exitCode, 0);
  const auto before = fs::last_write_time(folder / "out/a.png");
  const ProcessResult again = denoise({path("in"), "-o", path("out")});
  EXPECT_EQ(again.exitCode, 0);
  EXPECT_THAT(again.err, HasSubstr("0 restored"));
  EXPECT_THAT(again.err, HasSubstr("2 up to date"));
  EXPECT_EQ(fs::last_write_time(folder / "out/a.png"), before);

  addPicture("in/b.png", 50, 50);
  addPicture("in/c.png");
  EXPECT_THAT(denoise({path("in"), "-o", path("out")}).err,
              testing::AllOf(HasSubstr("2 restored"), HasSubstr("1 up to date")));
  EXPECT_THAT(denoise({path("in"), "-o", path("out"), "--strength", "50"}).err,
              HasSubstr("3 restored"));
  test::writeTinyModel(folder / "models/denoise.safetensors", 2);
  EXPECT_THAT(denoise({path("in"), "-o", path("out"), "--strength", "50"}).err,
              HasSubstr("3 restored"));
}

TEST_F(Batch, KnowsSingleOutputsAgain) {
  addPicture("a.png");
  ASSERT_EQ(denoise({path("a.png"), "-o", path("b.png")}).exitCode, 0);
  EXPECT_THAT(denoise({path("a.png"), "-o", path("b.png")}).err, HasSubstr("1 up to date"));
  EXPECT_FALSE(fs::exists(folder / ".pristine"));
  EXPECT_TRUE(fs::exists(folder / "state/pristine"));
}

TEST_F(Batch, NeverOverwritesForeignFilesUnasked) {
  addPicture("in/a.png");
  addPicture("in/b.png");
  test::writeText(folder / "out/a.png", "precious");
  const ProcessResult result = denoise({path("in"), "-o", path("out")});
  EXPECT_EQ(result.exitCode, 1);
  EXPECT_THAT(result.err, HasSubstr("was not made by this program"));
  EXPECT_THAT(result.err, HasSubstr("1 restored"));
  const std::string precious = "precious";
  EXPECT_EQ(bytes("out/a.png"), std::vector<std::uint8_t>(precious.begin(), precious.end()));
  EXPECT_THAT(denoise({path("in"), "-o", path("out"), "--if-exists", "skip"}).err,
              HasSubstr("2 skipped"));
  EXPECT_EQ(denoise({path("in"), "-o", path("out"), "--if-exists", "fail"}).exitCode, 4);
  EXPECT_EQ(denoise({path("in"), "-o", path("out"), "--if-exists", "rename"}).exitCode, 0);
  EXPECT_THAT(test::filesBelow(folder / "out"),
              ElementsAre("a.png", "a_1.png", "b.png", "b_1.png"));
  EXPECT_EQ(denoise({path("in"), "-o", path("out"), "--if-exists", "overwrite"}).exitCode, 0);
  EXPECT_NO_THROW(readImage(folder / "out/a.png"));
}

TEST_F(Batch, RetriesOnlyWhatFailed) {
  addPicture("in/a.png");
  test::writeText(folder / "in/b.png", "words");
  ASSERT_EQ(denoise({path("in"), "-o", path("out")}).exitCode, 1);
  addPicture("in/b.png");
  addPicture("in/c.png");
  const ProcessResult result = denoise({path("in"), "-o", path("out"), "--retry-failed"});
  EXPECT_EQ(result.exitCode, 0) << result.err;
  EXPECT_THAT(result.err, HasSubstr("1 restored"));
  EXPECT_THAT(test::filesBelow(folder / "out"), ElementsAre("a.png", "b.png"));
  EXPECT_EQ(denoise({path("in"), "-o", path("out"), "--retry-failed"}).exitCode, 3);
}

TEST_F(Batch, StopsAtTheFirstFailureIfAsked) {
  test::writeText(folder / "in/a.png", "words");
  for (int i = 0; i < 10; ++i) addPicture("in/b" + std::to_string(i) + ".png", 200, 200);
  const ProcessResult result = denoise({path("in"), "-o", path("out"), "--fail-fast"});
  EXPECT_EQ(result.exitCode, 4) << result.err;
  EXPECT_THAT(result.err, HasSubstr("10 not begun or given up"));
}

TEST_F(Batch, StopsAtTheTimeLimitAndGoesOnLater) {
  for (int i = 0; i < 4; ++i) addPicture("in/" + std::to_string(i) + ".png", 60, 60);
  const ProcessResult limited = denoise({path("in"), "-o", path("out"), "--time-limit", "0"});
  EXPECT_EQ(limited.exitCode, 75) << limited.err;
  EXPECT_THAT(limited.err, HasSubstr("not begun or given up"));
  EXPECT_EQ(denoise({path("in"), "-o", path("out"), "--time-limit", "1h"}).exitCode, 0);
  EXPECT_EQ(test::filesBelow(folder / "out").size(), 4U);
  EXPECT_EQ(denoise({path("in"), "-o", path("out"), "--time-limit", "1d"}).exitCode, 2);
}

TEST_F(Batch, SaysWhatItWouldDoAndDoesNothing) {
  addPicture("in/a.png");
  addPicture("in/b.png");
  ASSERT_EQ(denoise({path("in/a.png"), "-o", path("out/")}).exitCode, 0);
  const ProcessResult dry = denoise({path("in"), "-o", path("out"), "-n"});
  EXPECT_EQ(dry.exitCode, 0) << dry.err;
  EXPECT_EQ(dry.out, path("in/b.png") + " -> " + path("out/b.png") + "\n");
  EXPECT_THAT(test::filesBelow(folder / "out"), ElementsAre("a.png"));
  denoise({path("in"), "-o", path("other"), "-n"});
  EXPECT_FALSE(fs::exists(folder / "other"));
}

TEST_F(Batch, EstimatesFromACachedMeasurement) {
  addPicture("in/a.png", 300, 200);
  addPicture("in/b.png", 100, 80);
  const ProcessResult first = denoise({path("in"), "-o", path("out"), "--estimate"});
  EXPECT_EQ(first.exitCode, 0) << first.err;
  EXPECT_THAT(first.out, testing::ContainsRegex("^2 pictures, 0\\.1 MP, [0-9]+ s\n"));
  EXPECT_FALSE(fs::exists(folder / "out"));
  ASSERT_TRUE(fs::exists(folder / "cache/pristine/speed.json"));
  const auto cached = bytes("cache/pristine/speed.json");
  denoise({path("in"), "-o", path("out"), "--estimate"});
  EXPECT_EQ(bytes("cache/pristine/speed.json"), cached);
  denoise({path("in"), "-o", path("out"), "--estimate", "--threads", "1"});
  EXPECT_NE(bytes("cache/pristine/speed.json"), cached);
}

TEST_F(Batch, PutsTheJournalWhereAsked) {
  addPicture("in/a.png");
  ASSERT_EQ(denoise({path("in"), "-o", path("out"), "--journal", path("log")}).exitCode, 0);
  EXPECT_FALSE(fs::exists(folder / "out/.pristine"));
  EXPECT_THAT(denoise({path("in"), "-o", path("out"), "--journal", path("log")}).err,
              HasSubstr("1 up to date"));
}

}  // namespace
}  // namespace pristine
