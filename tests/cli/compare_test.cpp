#include <gmock/gmock.h>

#include "core/metrics.h"
#include "tests/cli/command_line.h"

namespace pristine {
namespace {

using nlohmann::json;
using test::CommandLine;
using test::ProcessResult;
using testing::HasSubstr;

class Compare : public CommandLine {
 protected:
  void addPicture(const std::string& name, std::uint32_t seed, int width = 40) {
    std::filesystem::create_directories((folder / name).parent_path());
    writeImage(test::photographImage(width, 30, SampleDepth::U8, seed), folder / name);
  }

  Comparison comparison(const std::string& a, const std::string& b) {
    return pristine::compare(readImage(folder / a), readImage(folder / b));
  }
};

TEST_F(Compare, PrintsWhatTheMetricsSay) {
  addPicture("a.png", 1);
  addPicture("b.png", 2);
  const Comparison wanted = comparison("a.png", "b.png");
  const ProcessResult result = run({"compare", path("a.png"), path("b.png"), "--json"});
  EXPECT_EQ(result.exitCode, 0) << result.err;
  const json report = json::parse(result.out);
  EXPECT_EQ(report.at("schema"), 1);
  EXPECT_NEAR(report.at("files")[0].at("psnr"), wanted.psnr, 1e-9);
  EXPECT_NEAR(report.at("files")[0].at("ssim"), wanted.ssim, 1e-9);
  const ProcessResult text = run({"compare", path("a.png"), path("b.png")});
  char line[64];
  std::snprintf(line, sizeof(line), "%8.4f dB  %.6f", wanted.psnr, wanted.ssim);
  EXPECT_THAT(text.out, HasSubstr(line));
}

TEST_F(Compare, SaysThatEqualPicturesAreEqual) {
  addPicture("a.png", 1);
  const ProcessResult result = run({"compare", path("a.png"), path("a.png"), "--json"});
  EXPECT_EQ(json::parse(result.out).at("files")[0].at("psnr"), "inf");
  EXPECT_THAT(run({"compare", path("a.png"), path("a.png")}).out, HasSubstr("inf dB  1.000000"));
}

TEST_F(Compare, PairsFoldersByRelativeNameAndPrintsTheMean) {
  addPicture("a/x.png", 1);
  addPicture("a/sub/y.png", 2);
  addPicture("b/x.png", 3);
  addPicture("b/sub/y.jpg", 4);
  const ProcessResult result = run({"compare", path("a"), path("b"), "--json"});
  EXPECT_EQ(result.exitCode, 0) << result.err;
  const json report = json::parse(result.out);
  const double mean =
      (comparison("a/x.png", "b/x.png").psnr + comparison("a/sub/y.png", "b/sub/y.jpg").psnr) / 2;
  EXPECT_EQ(report.at("mean").at("files"), 2);
  EXPECT_NEAR(report.at("mean").at("psnr"), mean, 1e-9);
  EXPECT_THAT(run({"compare", path("a"), path("b")}).out, HasSubstr("mean of 2"));
}

TEST_F(Compare, ComparesLumaWithoutABorder) {
  addPicture("a.png", 1);
  addPicture("b.png", 2);
  const ProcessResult result =
      run({"compare", path("a.png"), path("b.png"), "--json", "--luma", "--border", "3"});
  EXPECT_EQ(result.exitCode, 0) << result.err;
  const json report = json::parse(result.out);
  const Comparison wanted = pristine::compare(
      readImage(folder / "a.png"), readImage(folder / "b.png"), {.luma = true, .border = 3});
  EXPECT_NEAR(report.at("files")[0].at("psnr"), wanted.psnr, 1e-9);
  EXPECT_NEAR(report.at("files")[0].at("ssim"), wanted.ssim, 1e-9);
  EXPECT_EQ(report.at("luma"), true);
  EXPECT_EQ(report.at("border"), 3);
  EXPECT_NE(wanted.psnr, comparison("a.png", "b.png").psnr);
}

TEST_F(Compare, NamesWhatHasNoPartner) {
  addPicture("a/x.png", 1);
  addPicture("b/x.png", 2);
  addPicture("a/alone.png", 3);
  addPicture("b/other.png", 4);
  const ProcessResult result = run({"compare", path("a"), path("b")});
  EXPECT_EQ(result.exitCode, 1);
  EXPECT_THAT(result.err, HasSubstr("alone.png"));
  EXPECT_THAT(result.err, HasSubstr("other.png"));
}

TEST_F(Compare, RefusesWhatCannotBeCompared) {
  addPicture("a.png", 1, 40);
  addPicture("b.png", 1, 41);
  const ProcessResult sizes = run({"compare", path("a.png"), path("b.png")});
  EXPECT_EQ(sizes.exitCode, 1);
  EXPECT_THAT(sizes.err, HasSubstr("40x30 and 41x30"));
  EXPECT_EQ(run({"compare", path("a.png"), folder.path().string()}).exitCode, 2);
  const ProcessResult missing = run({"compare", path("a.png"), path("no.png")});
  EXPECT_EQ(missing.exitCode, 1);
  EXPECT_THAT(missing.err, HasSubstr("no.png"));
}

TEST_F(Compare, SaysWhenFoldersHoldNoPicture) {
  std::filesystem::create_directories(folder / "a");
  std::filesystem::create_directories(folder / "b");
  EXPECT_EQ(run({"compare", path("a"), path("b")}).exitCode, 3);
}

}  // namespace
}  // namespace pristine
