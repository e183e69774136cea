#include "app/model_catalog.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>

#include "core/error.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/tiny_model.h"

namespace pristine {
namespace {

using testing::Contains;
using testing::HasSubstr;

class ModelCatalog : public testing::Test {
 protected:
  ModelCatalog() { ::setenv("PRISTINE_MODELS", folder.path().c_str(), 1); }
  ~ModelCatalog() override { ::unsetenv("PRISTINE_MODELS"); }

  const test::TemporaryFolder folder;
};

TEST_F(ModelCatalog, FindsModelsByNameAndPath) {
  test::writeTinyModel(folder / "mine.safetensors");
  EXPECT_EQ(loadModel("mine")->info().name, "tiny");
  EXPECT_EQ(loadModel((folder / "mine.safetensors").string())->info().name, "tiny");
  EXPECT_THAT(listModels(), Contains(folder / "mine.safetensors"));
}

TEST_F(ModelCatalog, LooksIntoTheFolderOfTheEnvironmentFirst) {
  ASSERT_FALSE(modelFolders().empty());
  EXPECT_EQ(modelFolders().front(), folder.path());
}

std::string complaint(const ModelChoice& choice) {
  try {
    loadModel(choice);
    return {};
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::Model);
    return error.what();
  }
}

TEST_F(ModelCatalog, NamesFilesByTaskScaleAndVariant) {
  EXPECT_EQ(modelName("denoise", 1, "best"), "denoise");
  EXPECT_EQ(modelName("denoise", 1, "camera"), "denoise_camera");
  EXPECT_EQ(modelName("upscale", 3, "best"), "upscale3");
  EXPECT_EQ(modelName("upscale", 2, "photo"), "upscale2_photo");
}

TEST_F(ModelCatalog, FindsVariantsOfATask) {
  auto info = test::tinyModelInfo(2);
  info["name"] = "fast one";
  info["variant"] = "fast";
  test::writeTinyModel(folder / "upscale2_fast.safetensors", info);
  test::writeTinyModel(folder / "upscale2.safetensors", 1, 2);
  test::writeTinyModel(folder / "upscale4.safetensors", 1, 4);
  EXPECT_EQ(loadModel(ModelChoice{"upscale", 2, "best"})->info().scale, 2);
  EXPECT_EQ(loadModel(ModelChoice{"upscale", 2, "fast"})->info().name, "fast one");
  EXPECT_EQ(loadModel(ModelChoice{"upscale", 2, "upscale2_fast"})->info().name, "fast one");
  EXPECT_EQ(loadModel(ModelChoice{"upscale", 4, "best"})->info().scale, 4);
  const std::string path = (folder / "upscale2.safetensors").string();
  EXPECT_EQ(loadModel(ModelChoice{"upscale", 2, path})->info().scale, 2);
  const auto variants = variantsOf("upscale", 2);
  ASSERT_GE(variants.size(), 2U);
  EXPECT_EQ(variants.front(), "best");
  EXPECT_THAT(variants, Contains("fast"));
  EXPECT_THAT(variantsOf("upscale", 4), testing::Not(Contains("fast")));
}

TEST_F(ModelCatalog, NamesTheVariantsThatThereAre) {
  test::writeTinyModel(folder / "upscale2.safetensors", 1, 2);
  test::writeTinyModel(folder / "upscale2_slow.safetensors", 1, 2);
  const std::string said = complaint({"upscale", 2, "magic"});
  EXPECT_THAT(said, HasSubstr("'magic'"));
  EXPECT_THAT(said, HasSubstr("'upscale' by 2"));
  EXPECT_THAT(said, HasSubstr("best"));
  EXPECT_THAT(said, HasSubstr("slow"));
  EXPECT_THAT(complaint({"colour", 1, "best"}), HasSubstr(folder.path().string()));
}

TEST_F(ModelCatalog, RefusesAModelForAnotherTaskOrScale) {
  test::writeTinyModel(folder / "mine.safetensors", 1, 2);
  EXPECT_EQ(complaint({"upscale", 2, "mine"}), "");
  EXPECT_THAT(complaint({"upscale", 3, "mine"}),
              HasSubstr("'upscale' by 2, expected 'upscale' by 3"));
  EXPECT_THAT(complaint({"denoise", 1, "mine"}), HasSubstr("'upscale' by 2, expected 'denoise'"));
}

TEST_F(ModelCatalog, SaysWhereItLooked) {
  try {
    loadModel("nowhere");
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::Model);
    EXPECT_THAT(error.what(), HasSubstr("'nowhere'"));
    EXPECT_THAT(error.what(), HasSubstr(folder.path().string()));
  }
}

}  // namespace
}  // namespace pristine
