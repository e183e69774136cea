#include <gmock/gmock.h>

#include "tests/cli/command_line.h"

namespace pristine {
namespace {

using test::CommandLine;
using test::ProcessResult;
using testing::HasSubstr;

class Options : public CommandLine {};

TEST_F(Options, PrintsVersionAndHelpOnStandardOutput) {
  const ProcessResult version = run({"--version"});
  EXPECT_EQ(version.exitCode, 0);
  EXPECT_THAT(version.out, testing::MatchesRegex("pristine [0-9]+\\.[0-9]+\\.[0-9]+\n"));
  const ProcessResult help = run({"--help"});
  EXPECT_EQ(help.exitCode, 0);
  EXPECT_THAT(help.out, HasSubstr("denoise INPUT... -o OUT"));
  EXPECT_THAT(help.out, HasSubstr("exit status"));
  EXPECT_EQ(help.err, "");
  for (const char* verb : {"denoise", "dejpeg", "upscale", "compare", "models"}) {
    const ProcessResult result = run({verb, "--help"});
    EXPECT_EQ(result.exitCode, 0) << verb;
    EXPECT_THAT(result.out, HasSubstr(std::string("pristine ") + verb));
  }
}

TEST_F(Options, NamesTheOptionThatMakesNoSense) {
  struct Case {
    std::vector<std::string> arguments;
    std::string named;
  };
  const std::vector<Case> cases{
      {{}, "verb"},
      {{"polish", "a.png"}, "'polish'"},
      {{"denoise"}, "input"},
      {{"denoise", "a.png"}, "-o"},
      {{"denoise", "a.png", "-o"}, "output"},
      {{"denoise", "a.png", "-o", ""}, "output"},
      {{"denoise", "a.png", "-o", "b.png", "-o", "c.png"}, "output"},
      {{"denoise", "a.png", "-o", "b.png", "--strength", "101"}, "--strength"},
      {{"denoise", "a.png", "-o", "b.png", "--strength", "-1"}, "--strength"},
      {{"denoise", "a.png", "-o", "b.png", "--strength", "nan"}, "--strength"},
      {{"denoise", "a.png", "-o", "b.png", "--strength", "much"}, "--strength"},
      {{"denoise", "a.png", "-o", "b.png", "--threads", "-2"}, "--threads"},
      {{"denoise", "a.png", "-o", "b.png", "--threads", "two"}, "--threads"},
      {{"denoise", "a.png", "-o", "b.png", "--tile", "-1"}, "--tile"},
      {{"denoise", "a.png", "-o", "b.png", "--precision", "f16"}, "--precision"},
      {{"denoise", "a.png", "-o", "b.png", "--quality", "0"}, "--quality"},
      {{"denoise", "a.png", "-o", "b.png", "--stren", "5"}, "--stren"},
      {{"denoise", "a.png", "-o", "b.png", "--frobnicate"}, "--frobnicate"},
      {{"compare", "a.png"}, "1 inputs"},
      {{"compare", "a.png", "b.png", "c.png"}, "3 inputs"},
      {{"compare", "a.png", "b.png", "--border", "-1"}, "--border"},
      {{"dejpeg"}, "dejpeg: no input"},
      {{"dejpeg", "a.png", "-o", "b.png", "-s", "2"}, "-s"},
      {{"upscale", "a.png", "-o", "b.png", "-s", "5"}, "--scale is '5'"},
      {{"upscale", "a.png", "-o", "b.png", "-s", "1"}, "--scale is '1'"},
      {{"upscale", "a.png", "-o", "b.png", "--strength", "50"}, "--strength"},
      {{"denoise", "a.png", "-o", "b.png", "--model", ""}, "model"},
      {{"models", "check", "--measure"}, "models"},
      {{"models", "--threads", "-1"}, "--threads"}};
  for (const Case& c : cases) {
    const ProcessResult result = run(c.arguments);
    EXPECT_EQ(result.exitCode, 2) << c.named;
    EXPECT_THAT(result.err, HasSubstr(c.named));
    EXPECT_EQ(result.out, "");
  }
}

TEST_F(Options, TakeWhatFollowsTwoDashesAsInput) {
  addPicture("-odd.png");
  // Relative, so that the name begins with a dash.
  const ProcessResult result =
      test::runProcess({"/bin/sh", "-c", "cd \"$0\" && exec \"$1\" denoise -q -o out/ -- -odd.png",
                        path(""), PRISTINE_PROGRAM},
                       environment());
  EXPECT_EQ(result.exitCode, 0) << result.err;
  EXPECT_TRUE(std::filesystem::exists(folder / "out/-odd.png"));
}

}  // namespace
}  // namespace pristine
