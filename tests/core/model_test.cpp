#include "core/model.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/error.h"
#include "core/safetensors.h"
#include "tests/support/files.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/tiny_model.h"

namespace pristine {
namespace {

using nlohmann::json;
using testing::HasSubstr;

std::string complaint(Safetensors content) {
  try {
    Model::fromSafetensors(std::move(content), "x.safetensors");
    return {};
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::Model);
    EXPECT_THAT(error.what(), HasSubstr("model 'x.safetensors': "));
    return error.what();
  }
}

std::string complaintAbout(const std::function<void(json& info)>& change) {
  Safetensors content = test::tinyModel();
  json info = test::tinyModelInfo();
  change(info);
  content.metadata["pristine"] = info.dump();
  return complaint(std::move(content));
}

TEST(Model, SaysWhatItsFileSays) {
  const test::TemporaryFolder folder;
  test::writeTinyModel(folder / "tiny.safetensors");
  const auto model = Model::load(folder / "tiny.safetensors");
  EXPECT_EQ(model->info().name, "tiny");
  EXPECT_EQ(model->info().title, "random weights");
  EXPECT_EQ(model->info().task, "denoise");
  EXPECT_EQ(model->info().scale, 1);
  EXPECT_EQ(model->info().halo, 16);
  EXPECT_EQ(model->info().window, 16);
  EXPECT_EQ(json::parse(model->info().training)["steps"], 0);
  std::size_t parameters = 0;
  for (const auto& [name, tensor] : test::tinyModel().tensors) parameters += tensor.values.size();
  EXPECT_EQ(model->info().parameters, parameters);
  EXPECT_GT(model->info().macsPerPixel, 1000.0);
}

TEST(Model, CarriesTheScalesOfItsPairs) {
  EXPECT_FALSE(Model::fromSafetensors(test::tinyModel(), "x")->info().int8);
  Safetensors content = test::tinyModel();
  content.metadata["pristine"] = test::calibratedTinyModelInfo().dump();
  const auto model = Model::fromSafetensors(std::move(content), "x");
  EXPECT_TRUE(model->info().int8);
  EXPECT_EQ(model->inputScales().size(), 10U);
  EXPECT_FLOAT_EQ(model->inputScales().at("middle.2.conv0"), 0.05F);
  EXPECT_FLOAT_EQ(model->inputScales().at("middle.2.conv1"), 0.02F);
}

TEST(Model, RefusesScalesThatFitNoPair) {
  const auto about = [](const std::function<void(json & inputs)>& change) {
    return complaintAbout([&](json& info) {
      info["int8"] = test::calibratedTinyModelInfo()["int8"];
      change(info["int8"]["inputs"]);
    });
  };
  EXPECT_EQ(about([](json&) {}), "");
  EXPECT_THAT(about([](json& i) {
                i["tail"] = {{"scale", 1.0}, {"type", "u8"}};
              }),
              HasSubstr("int8 scale of 'tail' belongs to no pair"));
  EXPECT_THAT(about([](json& i) { i.erase("middle.2.conv1"); }),
              HasSubstr("pair 'middle.2': int8 scale of one convolution only"));
  EXPECT_THAT(about([](json& i) { i["middle.2.conv0"]["type"] = "u8"; }),
              HasSubstr("int8 input of 'middle.2.conv0' is of type 'u8', expected 's8'"));
  EXPECT_THAT(about([](json& i) { i["middle.2.conv0"]["scale"] = 0; }),
              HasSubstr("int8 scale of 'middle.2.conv0' is 0.0"));
  EXPECT_THAT(about([](json& i) { i["middle.2.conv0"].erase("scale"); }), HasSubstr("broken"));
  EXPECT_THAT(about([](json& i) { i = 3; }), HasSubstr("broken"));
}

TEST(Model, CountsTheWorkOfAPixelOfTheOutput) {
  const auto same = Model::fromSafetensors(test::tinyModel(), "same");
  const auto twice = Model::fromSafetensors(test::tinyModel(1, 2), "twice");
  EXPECT_EQ(same->info().variant, "best");
  EXPECT_EQ(twice->info().task, "upscale");
  EXPECT_EQ(twice->info().scale, 2);
  // The tails differ: 3 outputs of 8 channels at 3x3 against 12, for four pixels.
  EXPECT_NEAR(twice->info().macsPerPixel, (same->info().macsPerPixel + 9 * 8 * 9) / 4, 1e-9);
}

TEST(Model, TakesItsVariantFromTheFile) {
  Safetensors content = test::tinyModel();
  json info = test::tinyModelInfo();
  info["variant"] = "fast";
  content.metadata["pristine"] = info.dump();
  EXPECT_EQ(Model::fromSafetensors(content, "x").get()->info().variant, "fast");
  info.erase("variant");
  info["architecture"].erase("scale");
  content.metadata["pristine"] = info.dump();
  EXPECT_EQ(Model::fromSafetensors(content, "x").get()->info().variant, "best");
}

TEST(Model, NamesAMissingTensor) {
  Safetensors content = test::tinyModel();
  content.tensors.erase("middle.1.attention.q.weight");
  EXPECT_THAT(complaint(content), HasSubstr("'middle.1.attention.q.weight' is missing"));
}

TEST(Model, NamesAnUnknownTensor) {
  Safetensors content = test::tinyModel();
  content.tensors["middle.9.conv0.weight"] = {{1}, {0}};
  EXPECT_THAT(complaint(content), HasSubstr("'middle.9.conv0.weight'"));
}

TEST(Model, NamesAMisshapenTensorWithBothShapes) {
  Safetensors content = test::tinyModel();
  content.tensors["tail.weight"].shape = {8, 3, 3, 3};
  const std::string said = complaint(content);
  EXPECT_THAT(said, HasSubstr("'tail.weight' is [8, 3, 3, 3], expected [3, 8, 3, 3]"));
}

TEST(Model, RefusesMetadataOfAnotherKind) {
  EXPECT_THAT(complaintAbout([](json& i) { i["format"] = 2; }), HasSubstr("format is 2"));
  EXPECT_THAT(complaintAbout([](json& i) { i["scale"] = 2; }), HasSubstr("scale is 2"));
  EXPECT_THAT(complaintAbout([](json& i) { i["halo"] = -1; }), HasSubstr("halo is -1"));
  EXPECT_THAT(complaintAbout([](json& i) { i["halo"] = 16.5; }), HasSubstr("'halo' is 16.5"));
  EXPECT_THAT(complaintAbout([](json& i) { i["halo"] = 4294967312; }), HasSubstr("'halo'"));
  EXPECT_THAT(complaintAbout([](json& i) { i.erase("title"); }), HasSubstr("title"));
  EXPECT_THAT(complaintAbout([](json& i) { i = json::array(); }), HasSubstr("broken"));
  Safetensors content = test::tinyModel();
  content.metadata["pristine"] = "{";
  EXPECT_THAT(complaint(content), HasSubstr("broken"));
  content.metadata.clear();
  EXPECT_THAT(complaint(content), HasSubstr("no 'pristine' entry"));
}

TEST(Model, RefusesArchitecturesThatMakeNoNetwork) {
  const auto change = [](const char* key, json value) {
    return complaintAbout([&](json& i) { i["architecture"][key] = std::move(value); });
  };
  EXPECT_THAT(change("type", "unet"), HasSubstr("'unet'"));
  EXPECT_THAT(change("gated", true), HasSubstr("unknown field 'gated'"));
  EXPECT_THAT(change("window", 15), HasSubstr("window is 15"));
  EXPECT_THAT(change("window", 4294967312), HasSubstr("'window'"));
  EXPECT_THAT(change("window", 16.0), HasSubstr("'window'"));
  EXPECT_THAT(change("middle", json::array({"lstm"})), HasSubstr("'lstm'"));
  EXPECT_THAT(change("decoder", json::array()), HasSubstr("decoder"));
  EXPECT_THAT(change("heads", 7), HasSubstr("7"));
  EXPECT_NE(change("image_channels", 4), "");
}

TEST(Model, NamesAMissingFile) {
  try {
    Model::load("/nonexistent/x.safetensors");
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::Model);
    EXPECT_THAT(error.what(), HasSubstr("/nonexistent/x.safetensors"));
  }
}

}  // namespace
}  // namespace pristine
