#include <gmock/gmock.h>
#include <unistd.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <opencv2/core.hpp>

#include "core/metrics.h"
#include "tests/cli/command_line.h"

namespace pristine {
namespace {

namespace fs = std::filesystem;
using test::CommandLine;
using test::ProcessResult;
using testing::ElementsAre;
using testing::HasSubstr;

class Denoise : public CommandLine {};

TEST_F(Denoise, RestoresAFileToAFile) {
  addPicture("a.png");
  const ProcessResult result = run({"denoise", path("a.png"), "-o", path("deep/b.png")});
  EXPECT_EQ(result.exitCode, 0) << result.err;
  EXPECT_EQ(result.out, "");
  EXPECT_THAT(result.err, HasSubstr("1/1"));
  EXPECT_THAT(result.err, HasSubstr("1200 px"));
  EXPECT_THAT(result.err, HasSubstr("left"));
  const double quality =
      psnr(readImage(folder / "a.png").pixels, readImage(folder / "deep/b.png").pixels);
  EXPECT_GT(quality, 15.0);
  EXPECT_LT(quality, 60.0);
}

TEST_F(Denoise, KeepsTheTreeOfAFolder) {
  for (const char* name : {"in/a.png", "in/x/b.jpg", "in/x/y/c.tif"}) addPicture(name);
  const ProcessResult flat = run({"denoise", path("in"), "-o", path("flat")});
  EXPECT_EQ(flat.exitCode, 0) << flat.err;
  EXPECT_THAT(flat.err, HasSubstr("-r"));
  EXPECT_THAT(test::filesBelow(folder / "flat"), ElementsAre("a.png"));
  const ProcessResult deep = run({"denoise", path("in"), "-r", "-o", path("deep"), "-q"});
  EXPECT_EQ(deep.exitCode, 0) << deep.err;
  EXPECT_EQ(deep.err, "");
  EXPECT_THAT(test::filesBelow(folder / "deep"), ElementsAre("a.png", "x/b.jpg", "x/y/c.tif"));
}

TEST_F(Denoise, RestoresTheGoodAndNamesTheBad) {
  addPicture("in/good1.png");
  addPicture("in/good2.jpg", 90, 70);
  addPicture("in/tiny.png", 1, 1);
  addPicture("in/truncated.jpg", 200, 200);
  const auto bytes = test::readBytes(folder / "in/truncated.jpg");
  test::writeBytes(folder / "in/truncated.jpg",
                   {bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(bytes.size() / 2)});
  test::writeText(folder / "in/text.png", "these are words and no picture at all");
  test::writeText(folder / "in/empty.png", "");
  fs::create_symlink(folder / "nowhere.png", folder / "in/dangling.png");
  std::vector<std::string> bad{"truncated.jpg", "text.png", "empty.png", "dangling.png"};
  if (::geteuid() != 0) {
    addPicture("in/secret.png");
    fs::permissions(folder / "in/secret.png", fs::perms::none);
    bad.emplace_back("secret.png");
  }
  const ProcessResult result = run({"denoise", path("in"), "-o", path("out")});
  EXPECT_EQ(result.exitCode, 1);
  EXPECT_THAT(test::filesBelow(folder / "out"), ElementsAre("good1.png", "good2.jpg", "tiny.png"));
  for (const std::string& name : bad) {
    EXPECT_THAT(result.err, testing::ContainsRegex("failed: [^\n]*" + name + ": .*[a-z]"));
  }
  EXPECT_THAT(result.err, HasSubstr("3 restored"));
  EXPECT_THAT(result.err, HasSubstr(std::to_string(bad.size()) + " failed"));
  EXPECT_EQ(readImage(folder / "out/tiny.png").width(), 1);
}

TEST_F(Denoise, SaysWhenThereIsNothingToDo) {
  test::writeText(folder / "in/notes.txt", "");
  EXPECT_EQ(run({"denoise", path("in"), "-o", path("out")}).exitCode, 3);
  const ProcessResult missing = run({"denoise", path("no.png"), "-o", path("out.png")});
  EXPECT_EQ(missing.exitCode, 4);
  EXPECT_THAT(missing.err, HasSubstr("no.png"));
  EXPECT_FALSE(fs::exists(folder / "out"));
}

TEST_F(Denoise, LosesNothingWhenOutputsWouldCollide) {
  addPicture("a.png");
  addPicture("sub/a.png");
  const auto before = test::readBytes(folder / "a.png");
  for (const auto& arguments : std::vector<std::vector<std::string>>{
           {"denoise", path("a.png"), "-o", path("a.png")},
           {"denoise", path("a.png"), "-o", path("sub/../")},
           {"denoise", path("a.png"), path("sub/a.png"), "-o", path("out")}}) {
    const ProcessResult result = run(arguments);
    EXPECT_EQ(result.exitCode, 2);
    EXPECT_THAT(result.err, HasSubstr("a.png"));
  }
  EXPECT_EQ(test::readBytes(folder / "a.png"), before);
  EXPECT_FALSE(fs::exists(folder / "out"));
}

TEST_F(Denoise, LeavesPixelsAloneAtStrengthZero) {
  fs::create_directories(folder / "in");
  Image grey = test::greyImage(40, 30, SampleDepth::U16);
  grey.alpha = test::alphaRamp(40, 30);
  writeImage(grey, folder / "in/a.png");
  Image bright = test::photographImage(40, 30, SampleDepth::F32);
  bright.pixels *= 3.0;
  writeImage(bright, folder / "in/b.tif");
  ASSERT_EQ(run({"denoise", path("in"), "-o", path("out"), "--strength", "0"}).exitCode, 0);
  for (const char* name : {"a.png", "b.tif"}) {
    const Image source = readImage(folder / "in" / name);
    const Image result = readImage(folder / "out" / name);
    EXPECT_EQ(test::largestDifference(source.pixels, result.pixels), 0.0) << name;
    EXPECT_EQ(test::largestDifference(source.alpha, result.alpha), 0.0) << name;
    EXPECT_EQ(source.depth, result.depth) << name;
    EXPECT_EQ(source.grey, result.grey) << name;
  }
}

TEST_F(Denoise, TakesNamesOfAllKinds) {
  const std::vector<std::string> names{"with space.png", "\xC3\xBCn\xC3\xAF #100%.png",
                                       "\xE5\x86\x99\xE7\x9C\x9F.jpg",
                                       "bad\xFF"
                                       "byte.png"};
  std::vector<std::string> arguments{"denoise", "-o", path("out/")};
  for (const std::string& name : names) {
    addPicture("in/" + name);
    arguments.push_back(path("in/" + name));
  }
  const ProcessResult result = run(arguments);
  EXPECT_EQ(result.exitCode, 0) << result.err;
  for (const std::string& name : names) EXPECT_TRUE(fs::exists(folder / "out" / name)) << name;
}

TEST_F(Denoise, SaysWhatIsWrongWithAModel) {
  addPicture("a.png");
  const auto with = [&](const std::string& model) {
    return run({"denoise", path("a.png"), "-o", path("b.png"), "--model", model});
  };
  const ProcessResult missing = with("nowhere");
  EXPECT_EQ(missing.exitCode, 5);
  EXPECT_THAT(missing.err, HasSubstr("'nowhere'"));
  auto bytes = test::readBytes(folder / "models/denoise.safetensors");
  bytes.resize(bytes.size() - 100);
  test::writeBytes(folder / "models/broken.safetensors", bytes);
  const ProcessResult broken = with("broken");
  EXPECT_EQ(broken.exitCode, 5);
  EXPECT_THAT(broken.err, HasSubstr("broken.safetensors"));
  EXPECT_THAT(broken.err, HasSubstr("tensor"));
  auto info = test::tinyModelInfo();
  info["task"] = "upscale";
  Safetensors content = test::tinyModel();
  content.metadata["pristine"] = info.dump();
  test::writeBytes(folder / "models/other.safetensors", formatSafetensors(content));
  EXPECT_EQ(with("other").exitCode, 5);
  EXPECT_FALSE(fs::exists(folder / "b.png"));
}

TEST_F(Denoise, FallsBackOnOlderProcessors) {
  addPicture("a.png", 100, 80);
  ASSERT_EQ(run({"denoise", path("a.png"), "-o", path("f32.png"), "--precision", "f32"}).exitCode,
            0);
  for (const std::string isa : {"SSE41", "AVX2"}) {
    const std::string output = path(isa + ".png");
    const ProcessResult automatic =
        run({"denoise", path("a.png"), "-o", output, "-v"}, {"DNNL_MAX_CPU_ISA=" + isa});
    EXPECT_EQ(automatic.exitCode, 0) << automatic.err;
    EXPECT_THAT(automatic.err, HasSubstr("f32,")) << isa;
    EXPECT_GT(psnr(readImage(folder / "f32.png").pixels, readImage(output).pixels), 55.0) << isa;
    const ProcessResult forced =
        run({"denoise", path("a.png"), "-o", path("bf16.png"), "--precision", "bf16"},
            {"DNNL_MAX_CPU_ISA=" + isa});
    EXPECT_EQ(forced.exitCode, 0) << forced.err;
    EXPECT_THAT(forced.err, HasSubstr("no bf16, using f32")) << isa;
    const ProcessResult int8 =
        run({"denoise", path("a.png"), "-o", path("int8.png"), "--precision", "int8"},
            {"DNNL_MAX_CPU_ISA=" + isa});
    EXPECT_EQ(int8.exitCode, 0) << int8.err;
    EXPECT_THAT(int8.err, HasSubstr("no int8 dot products (VNNI), using f32")) << isa;
  }
}

TEST_F(Denoise, ReportsAFullDiskAndLeavesNothingBehind) {
  addPicture("in/large.png", 300, 200);
  addPicture("in/small.png", 8, 8);
  const ProcessResult result =
      test::runProcess({"/bin/sh", "-c", "ulimit -f 16; exec \"$0\" denoise \"$1\" -o \"$2\"",
                        PRISTINE_PROGRAM, path("in"), path("out")},
                       environment());
  EXPECT_EQ(result.exitCode, 1) << result.err;
  EXPECT_THAT(result.err, HasSubstr("large.png"));
  EXPECT_THAT(test::filesBelow(folder / "out"), ElementsAre("small.png"));
}

TEST_F(Denoise, ListsModels) {
  const ProcessResult table = run({"models"});
  EXPECT_EQ(table.exitCode, 0) << table.err;
  EXPECT_THAT(table.out, HasSubstr("random weights"));
  const ProcessResult json = run({"models", "--json"});
  const auto list = nlohmann::json::parse(json.out);
  const auto tiny = std::ranges::find(list, "tiny", [](const auto& m) { return m.at("name"); });
  ASSERT_NE(tiny, list.end());
  EXPECT_EQ(tiny->at("task"), "denoise");
  EXPECT_EQ(tiny->at("scale"), 1);
}

}  // namespace
}  // namespace pristine
