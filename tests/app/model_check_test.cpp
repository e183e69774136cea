#include "app/model_check.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <opencv2/core.hpp>

#include "core/safetensors.h"
#include "tests/support/files.h"
#include "tests/support/model_reference.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/tiny_model.h"

namespace pristine {
namespace {

using testing::HasSubstr;

class ModelCheckTest : public testing::TestWithParam<int> {
 protected:
  ModelCheckTest() {
    test::writeTinyModel(model, 1, GetParam());
    test::writeModelReference(model);
  }

  const test::TemporaryFolder folder;
  const std::filesystem::path model = folder / "tiny.safetensors";
  const std::filesystem::path reference = folder / "reference/tiny.safetensors";
};
INSTANTIATE_TEST_SUITE_P(Scales, ModelCheckTest, testing::Values(1, 3));

TEST_P(ModelCheckTest, AcceptsWhatWasReleased) {
  const ModelCheck result = checkModel(model, 1);
  EXPECT_EQ(result.problem, "");
  EXPECT_LE(result.largestError, 1e-4);
  EXPECT_GE(result.precisionPsnr, 40.0);
}

TEST_P(ModelCheckTest, FailsOnOneFlippedBitAnywhere) {
  const auto good = test::readBytes(model);
  for (std::size_t i = 0; i < good.size(); i += good.size() / 40) {
    auto bytes = good;
    bytes[i] ^= 1U;
    test::writeBytes(model, bytes);
    EXPECT_THAT(checkModel(model, 1).problem, HasSubstr("SHA-256")) << i;
  }
  auto bytes = good;
  bytes.back() ^= 0x80U;
  test::writeBytes(model, bytes);
  EXPECT_THAT(checkModel(model, 1).problem, HasSubstr("SHA-256"));
  test::writeBytes(model, good);
  EXPECT_EQ(checkModel(model, 1).problem, "");
}

TEST_P(ModelCheckTest, FailsOnAnotherResult) {
  Safetensors content = readSafetensors(reference);
  content.tensors["output"].values[1000] += 0.002F;
  test::writeBytes(reference, formatSafetensors(content));
  const ModelCheck result = checkModel(model, 1);
  EXPECT_THAT(result.problem, HasSubstr("differs by"));
  EXPECT_NEAR(result.largestError, 0.002, 1e-4);
}

TEST_P(ModelCheckTest, FailsWithoutReference) {
  std::filesystem::remove(reference);
  EXPECT_THAT(checkModel(model, 1).problem, HasSubstr("no reference output"));
}

TEST_P(ModelCheckTest, NamesABrokenReference) {
  Safetensors content = readSafetensors(reference);
  content.metadata.clear();
  test::writeBytes(reference, formatSafetensors(content));
  EXPECT_THAT(checkModel(model, 1).problem, HasSubstr("model_sha256"));
}

// The values that data/training/reference_output.py computes as well.
TEST(CheckPicture, IsTheSameEverywhere) {
  const cv::Mat picture = checkPicture(56, 40);
  EXPECT_EQ(picture.at<cv::Vec3f>(0, 0), cv::Vec3f(16 / 255.0F, 37 / 255.0F, 44 / 255.0F));
  EXPECT_EQ(picture.at<cv::Vec3f>(39, 55), cv::Vec3f(141 / 255.0F, 229 / 255.0F, 110 / 255.0F));
  double low = 0;
  double high = 0;
  cv::minMaxLoc(picture.reshape(1), &low, &high);
  EXPECT_GE(low, 0.0);
  EXPECT_LE(high, 1.0);
  EXPECT_EQ(checkPicture(7, 5).at<cv::Vec3f>(4, 6), picture.at<cv::Vec3f>(4, 6));
}

TEST(MeasureModel, TakesTime) {
  RestorerOptions options;
  options.threads = 2;
  const double seconds = measureModel(Model::fromSafetensors(test::tinyModel(1, 4), "x"), options);
  EXPECT_GT(seconds, 0.0);
  EXPECT_LT(seconds, 60.0);
}

}  // namespace
}  // namespace pristine
