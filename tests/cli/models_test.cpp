#include <gmock/gmock.h>

#include "tests/cli/command_line.h"
#include "tests/support/model_reference.h"

namespace pristine {
namespace {

using nlohmann::json;
using test::CommandLine;
using test::ProcessResult;
using testing::HasSubstr;

class Models : public CommandLine {
 protected:
  Models() {
    auto info = test::tinyModelInfo(2);
    info["name"] = "tiny2";
    info["variant"] = "photo";
    test::writeTinyModel(folder / "models/upscale2_photo.safetensors", info);
  }

  static json entry(const std::string& text, const std::string& file) {
    for (const json& model : json::parse(text)) {
      if (model.at("file") == file) return model;
    }
    return {};
  }
};

TEST_F(Models, ListWhatTheirFilesSay) {
  const ProcessResult table = run({"models"});
  EXPECT_EQ(table.exitCode, 0) << table.err;
  EXPECT_THAT(table.out, HasSubstr("upscale2_photo"));
  const json tiny = entry(run({"models", "--json"}).out, "upscale2_photo");
  EXPECT_EQ(tiny.at("task"), "upscale");
  EXPECT_EQ(tiny.at("variant"), "photo");
  EXPECT_EQ(tiny.at("scale"), 2);
  EXPECT_EQ(tiny.at("bytes"),
            std::filesystem::file_size(folder / "models/upscale2_photo.safetensors"));
  EXPECT_GT(tiny.at("macs_per_pixel"), 1000.0);
  EXPECT_FALSE(tiny.contains("seconds_per_megapixel"));
}

TEST_F(Models, AreMeasured) {
  const ProcessResult result = run({"models", "upscale2_photo", "--measure", "--json"});
  EXPECT_EQ(result.exitCode, 0) << result.err;
  EXPECT_EQ(json::parse(result.out).size(), 1U);
  EXPECT_GT(entry(result.out, "upscale2_photo").at("seconds_per_megapixel"), 0.0);
  EXPECT_THAT(result.err, HasSubstr("measuring upscale2_photo"));
}

TEST_F(Models, AreChecked) {
  const std::string model = path("models/upscale2_photo.safetensors");
  test::writeModelReference(model);
  const ProcessResult good = run({"models", "check", "upscale2_photo"});
  EXPECT_EQ(good.exitCode, 0) << good.err;
  EXPECT_THAT(good.out, HasSubstr("upscale2_photo     good"));
  EXPECT_THAT(good.out, testing::ContainsRegex("f32, .*(is equal|agrees to [0-9.]+ dB)\n"));
  EXPECT_THAT(good.err, HasSubstr("checking upscale2_photo"));
  const json report = entry(run({"models", "check", model, "--json"}).out, "upscale2_photo");
  EXPECT_EQ(report.at("problem"), "");
  auto bytes = test::readBytes(model);
  bytes[bytes.size() / 2] ^= 4U;
  test::writeBytes(model, bytes);
  const ProcessResult bad = run({"models", "check", "upscale2_photo"});
  EXPECT_EQ(bad.exitCode, 5);
  EXPECT_THAT(bad.err, HasSubstr("SHA-256"));
  EXPECT_EQ(run({"models", "check", "denoise"}).exitCode, 5) << "it has no reference";
}

TEST_F(Models, ThatAreMissingAreNamed) {
  const ProcessResult result = run({"models", "nowhere"});
  EXPECT_EQ(result.exitCode, 5);
  EXPECT_THAT(result.err, HasSubstr("nowhere"));
}

}  // namespace
}  // namespace pristine
