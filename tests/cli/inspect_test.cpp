// 'inspect', and 'auto', which does what it says.
#include <gmock/gmock.h>

#include <cmath>
#include <nlohmann/json.hpp>
#include <random>
#include <sstream>

#include "core/metrics.h"
#include "tests/cli/command_line.h"

namespace pristine {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using test::CommandLine;
using test::ProcessResult;
using testing::HasSubstr;
using testing::Not;

/// Smooth light with noise of a sigma of 255.
Image noisy(double sigma, int width = 120, int height = 90) {
  std::mt19937 random(1);
  std::normal_distribution<double> noise(0, 1);
  Image image;
  image.pixels.create(height, width, CV_32FC3);
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x) {
      for (int c = 0; c < 3; ++c) {
        const double value = 120 + 50 * std::sin(x / 29.0 + c) * std::cos(y / 37.0);
        image.pixels.ptr<float>(y)[3 * x + c] =
            static_cast<float>(std::round(value + sigma * noise(random)) / 255);
      }
    }
  }
  return image;
}

std::vector<json> linesOf(const ProcessResult& result) {
  std::vector<json> lines;
  std::istringstream text(result.out);
  for (std::string line; std::getline(text, line);) lines.push_back(json::parse(line));
  return lines;
}

class Inspect : public CommandLine {
 protected:
  Inspect() {
    auto info = test::tinyModelInfo();
    info["task"] = "dejpeg";
    test::writeTinyModel(folder / "models/dejpeg.safetensors", info);
    fs::create_directories(folder / "in");
    writeImage(noisy(15), folder / "in/noisy.png");
    writeImage(noisy(0), folder / "in/clean.png");
    WriteOptions coarse;
    coarse.quality = 30;
    writeImage(test::photographImage(120, 90), folder / "in/web.jpg", coarse);
  }
};

TEST_F(Inspect, SaysWhatIsThere) {
  const ProcessResult result = run({"inspect", path("in"), "--json"});
  EXPECT_EQ(result.exitCode, 0) << result.err;
  const auto lines = linesOf(result);
  ASSERT_EQ(lines.size(), 3U);
  EXPECT_EQ(lines[0].at("input"), path("in/clean.png"));
  EXPECT_EQ(lines[0].at("verdict"), "clean");
  EXPECT_EQ(lines[1].at("verdict"), "denoise");
  for (const double sigma : lines[1].at("noise").at("sigma")) EXPECT_NEAR(sigma, 15, 2);
  EXPECT_EQ(lines[1].at("noise").at("kind"), "white");
  EXPECT_EQ(lines[1].at("width"), 120);
  EXPECT_EQ(lines[1].at("height"), 90);
  EXPECT_EQ(lines[2].at("verdict"), "dejpeg");
  EXPECT_EQ(lines[2].at("jpeg").at("file").at("quality"), 30);
  EXPECT_EQ(lines[2].at("format"), "jpeg");
  const ProcessResult text = run({"inspect", path("in/noisy.png")});
  EXPECT_EQ(text.exitCode, 0);
  EXPECT_THAT(text.out, HasSubstr("120x90, png, 8 bit, colour"));
  EXPECT_THAT(text.out, HasSubstr("verdict  denoise at 100 %: noise of sigma 1"));
}

TEST_F(Inspect, FindsTheQualityOfAJpegInAnotherFile) {
  writeImage(readImage(folder / "in/web.jpg"), folder / "in/web.png");
  const auto lines = linesOf(run({"inspect", path("in/web.png"), "--json"}));
  ASSERT_EQ(lines.size(), 1U);
  EXPECT_TRUE(lines[0].at("jpeg").at("file").is_null());
  EXPECT_NEAR(lines[0].at("jpeg").at("last").at("quality").get<int>(), 30, 2);
  EXPECT_EQ(lines[0].at("jpeg").at("last").at("grid"), json({0, 0}));
}

TEST_F(Inspect, GoesOnAfterWhatItCannotRead) {
  test::writeText(folder / "in/broken.png", "words");
  const ProcessResult result = run({"inspect", path("in"), path("missing.png"), "--json"});
  EXPECT_EQ(result.exitCode, 1);
  EXPECT_THAT(result.err, HasSubstr("broken.png"));
  EXPECT_THAT(result.err, HasSubstr("missing.png"));
  EXPECT_EQ(linesOf(result).size(), 5U);
  EXPECT_EQ(run({"inspect", path("missing.png")}).exitCode, 4);
  fs::create_directories(folder / "empty");
  EXPECT_EQ(run({"inspect", path("empty")}).exitCode, 3);
  EXPECT_EQ(run({"inspect"}).exitCode, 2);
}

TEST_F(Inspect, TakesPicturesOfEveryKind) {
  fs::create_directories(folder / "odd");
  for (const auto& [width, height] : {std::pair(1, 1), std::pair(7, 5), std::pair(33, 2)}) {
    writeImage(test::photographImage(width, height), folder / "odd/small.png");
    writeImage(test::greyImage(width, height, SampleDepth::U16), folder / "odd/grey.tif");
    Image transparent = test::photographImage(width, height, SampleDepth::F32);
    transparent.alpha = test::alphaRamp(width, height);
    writeImage(transparent, folder / "odd/alpha.tif");
    const ProcessResult result = run({"inspect", path("odd"), "--json"});
    EXPECT_EQ(result.exitCode, 0) << result.err;
    const auto lines = linesOf(result);
    ASSERT_EQ(lines.size(), 3U);
    EXPECT_TRUE(lines[0].at("alpha").get<bool>());
    EXPECT_EQ(lines[0].at("depth"), "f32");
    EXPECT_TRUE(lines[1].at("grey").get<bool>());
    EXPECT_EQ(lines[1].at("depth"), "16");
  }
}

TEST_F(Inspect, AutoDoesWhatEachPictureNeeds) {
  const ProcessResult result = run({"auto", path("in"), "-o", path("out"), "--json"});
  EXPECT_EQ(result.exitCode, 0) << result.err;
  EXPECT_EQ(test::filesBelow(folder / "out"), (std::vector<std::string>{"noisy.png", "web.jpg"}));
  const auto lines = linesOf(result);
  ASSERT_EQ(lines.size(), 5U);
  EXPECT_EQ(lines.front().at("verb"), "auto");
  EXPECT_EQ(lines.front().at("model"), "tiny tiny");  // as the tiny models call themselves
  std::map<std::string, json> files;
  for (const json& line : lines) {
    if (line.at("type") == "file")
      files[fs::path(line.at("input").get<std::string>()).filename()] = line;
  }
  EXPECT_EQ(files["noisy.png"].at("task"), "denoise");
  EXPECT_EQ(files["noisy.png"].at("status"), "restored");
  EXPECT_EQ(files["web.jpg"].at("task"), "dejpeg");
  EXPECT_EQ(files["clean.png"].at("status"), "skipped");
  EXPECT_THAT(files["clean.png"].at("reason").get<std::string>(), HasSubstr("clean"));
  EXPECT_EQ(lines.back().at("restored"), 2);
  EXPECT_EQ(lines.back().at("skipped"), 1);
  // The same pixels as the verb itself.
  run({"denoise", path("in/noisy.png"), "-o", path("single.png")});
  EXPECT_EQ(test::readBytes(folder / "single.png"), test::readBytes(folder / "out/noisy.png"));
  const auto again = linesOf(run({"auto", path("in"), "-o", path("out"), "--json"}));
  EXPECT_EQ(again.back().at("up_to_date"), 2);
  EXPECT_EQ(again.back().at("skipped"), 1);
}

TEST_F(Inspect, AutoIsTheVerbOfALineWithoutOne) {
  const ProcessResult result = run({path("in/noisy.png"), "-o", path("out.png")});
  EXPECT_EQ(result.exitCode, 0) << result.err;
  EXPECT_THAT(result.err, HasSubstr("denoise: "));
  EXPECT_TRUE(fs::exists(folder / "out.png"));
  EXPECT_EQ(run({"-r", path("in"), "-o", path("out")}).exitCode, 0);
  // A mistyped verb is no picture.
  EXPECT_THAT(run({"denosie", path("in"), "-o", path("out")}).err, HasSubstr("unknown verb"));
  EXPECT_EQ(run({"missing.png", "-o", path("out.png")}).exitCode, 4);
}

TEST_F(Inspect, CleanPicturesAreCopiedByteByByteWhereAskedFor) {
  const ProcessResult result = run({"auto", path("in"), "-o", path("out"), "--copy-clean"});
  EXPECT_EQ(result.exitCode, 0) << result.err;
  EXPECT_THAT(result.err, HasSubstr("skipped: " + path("in/clean.png")));
  EXPECT_EQ(test::readBytes(folder / "in/clean.png"), test::readBytes(folder / "out/clean.png"));
  const auto again =
      linesOf(run({"auto", path("in"), "-o", path("out"), "--copy-clean", "--json"}));
  EXPECT_EQ(again.back().at("up_to_date"), 3);
  // Into another format it is written anew, without loss.
  EXPECT_EQ(run({"auto", path("in/clean.png"), "-o", path("clean.tif"), "--copy-clean"}).exitCode,
            0);
  EXPECT_TRUE(std::isinf(
      psnr(readImage(folder / "clean.tif").pixels, readImage(folder / "in/clean.png").pixels)));
}

TEST_F(Inspect, APipeIsNeverEmpty) {
  const ProcessResult clean = run({"auto", path("in/clean.png"), "-o", "-"});
  EXPECT_EQ(clean.exitCode, 0) << clean.err;
  const auto bytes = test::readBytes(folder / "in/clean.png");
  EXPECT_EQ(clean.out, std::string(bytes.begin(), bytes.end()));
}

TEST_F(Inspect, SelfCheckLooksAtTheOutput) {
  const ProcessResult result =
      run({"auto", path("in/noisy.png"), "-o", path("out.png"), "--self-check"});
  EXPECT_EQ(result.exitCode, 0);
  EXPECT_THAT(result.err, HasSubstr("self-check: "));
  // As 'inspect' says of the output.
  const auto lines = linesOf(run({"inspect", path("out.png"), "--json"}));
  ASSERT_EQ(lines.size(), 1U);
  EXPECT_THAT(result.err, HasSubstr("self-check: " + lines[0].at("reason").get<std::string>()));
  EXPECT_THAT(run({"denoise", path("in/noisy.png"), "-o", path("b.png")}).err,
              Not(HasSubstr("self-check")));
}

TEST_F(Inspect, AutoNeedsBothModels) {
  test::writeText(folder / "models/dejpeg.safetensors", "words");
  const ProcessResult result = run({"auto", path("in"), "-o", path("out")});
  EXPECT_EQ(result.exitCode, 5);
  EXPECT_THAT(result.err, HasSubstr("dejpeg"));
}

}  // namespace
}  // namespace pristine
