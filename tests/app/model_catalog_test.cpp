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
