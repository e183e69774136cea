#include "core/restorer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <opencv2/core.hpp>

#include "core/error.h"
#include "core/metrics.h"
#include "core/safetensors.h"
#include "tests/support/test_image.h"
#include "tests/support/tiny_model.h"
#include "vision_attention/engine.h"

namespace pristine {
namespace {

using testing::HasSubstr;

std::shared_ptr<const Model> tinyModel() {
  static const auto kModel = Model::fromSafetensors(test::tinyModel(), "tiny");
  return kModel;
}

RestorerOptions f32(int tile = 0) {
  RestorerOptions options;
  options.precision = Precision::F32;
  options.threads = 2;
  options.tile = tile;
  return options;
}

Image restored(const Image& source, double strength = 1.0, int tile = 0) {
  Restorer restorer(tinyModel(), f32(tile));
  auto result = restorer.restore(source, strength);
  EXPECT_TRUE(result);
  return result.value_or(Image{});
}

bool equalBits(const cv::Mat& a, const cv::Mat& b) {
  return test::largestDifference(a, b) == 0.0;
}

TEST(Restorer, ChangesThePictureALittle) {
  const Image source = test::photographImage(100, 70);
  const Image result = restored(source);
  EXPECT_EQ(result.pixels.size(), source.pixels.size());
  const double quality = psnr(source.pixels, result.pixels);
  EXPECT_GT(quality, 15.0);
  EXPECT_LT(quality, 60.0);
}

TEST(Restorer, GivesTheSourceBitByBitAtStrengthZero) {
  const Image source = test::photographImage(100, 70, SampleDepth::F32);
  EXPECT_TRUE(equalBits(restored(source, 0.0).pixels, source.pixels));
}

TEST(Restorer, IsLinearInStrength) {
  const Image source = test::photographImage(50, 60);
  const Image full = restored(source, 1.0);
  for (const double strength : {0.25, 0.5, 0.9}) {
    const cv::Mat wanted = source.pixels + strength * (full.pixels - source.pixels);
    EXPECT_LE(test::largestDifference(restored(source, strength).pixels, wanted), 1e-6);
  }
}

TEST(Restorer, LeavesTheSourceAlone) {
  const Image source = test::photographImage(50, 60);
  const cv::Mat before = source.pixels.clone();
  restored(source);
  EXPECT_TRUE(equalBits(source.pixels, before));
}

TEST(Restorer, KeepsGreyGrey) {
  const Image result = restored(test::greyImage(60, 40));
  EXPECT_TRUE(result.grey);
  std::vector<cv::Mat> planes;
  cv::split(result.pixels, planes);
  EXPECT_TRUE(equalBits(planes[0], planes[1]));
  EXPECT_TRUE(equalBits(planes[0], planes[2]));
}

TEST(Restorer, CarriesAlphaDepthAndMetadataAlong) {
  Image source = test::photographImage(60, 40, SampleDepth::U16);
  source.alpha = test::alphaRamp(60, 40);
  source.format = "png";
  source.metadata = std::make_shared<int>(3);
  const Image result = restored(source);
  EXPECT_TRUE(equalBits(result.alpha, test::alphaRamp(60, 40)));
  EXPECT_EQ(result.depth, SampleDepth::U16);
  EXPECT_EQ(result.format, "png");
  EXPECT_EQ(result.metadata, source.metadata);
}

TEST(Restorer, KeepsValuesOutsideTheUnitRange) {
  Image source = test::photographImage(64, 64, SampleDepth::F32);
  source.pixels *= 4.0;
  source.pixels -= cv::Scalar::all(1.0);
  double low = 0;
  double high = 0;
  cv::minMaxLoc(restored(source).pixels.reshape(1), &low, &high);
  EXPECT_LT(low, -0.5);
  EXPECT_GT(high, 2.0);
}

TEST(Restorer, RefusesValuesThatAreNoNumbers) {
  for (const float bad :
       {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity()}) {
    Image source = test::photographImage(20, 20, SampleDepth::F32);
    source.pixels.at<cv::Vec3f>(7, 3)[1] = bad;
    Restorer restorer(tinyModel(), f32());
    try {
      restorer.restore(source, 1.0);
      FAIL();
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::Input);
      EXPECT_THAT(error.what(), HasSubstr("row 7"));
    }
  }
}

TEST(Restorer, RefusesStrengthsOutsideItsRangeAndEmptyPictures) {
  Restorer restorer(tinyModel(), f32());
  const Image source = test::photographImage(20, 20);
  EXPECT_THROW(restorer.restore(source, -0.1), Error);
  EXPECT_THROW(restorer.restore(source, 1.1), Error);
  EXPECT_THROW(restorer.restore(source, std::nan("")), Error);
  EXPECT_THROW(restorer.restore(Image{}, 1.0), Error);
}

TEST(Restorer, RefusesAModelThatGivesNoNumbers) {
  Safetensors content = test::tinyModel();
  content.tensors["tail.bias"].values[1] = std::numeric_limits<float>::quiet_NaN();
  Restorer restorer(Model::fromSafetensors(std::move(content), "tiny"), f32());
  try {
    restorer.restore(test::photographImage(20, 20), 1.0);
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::Model);
    EXPECT_THAT(error.what(), HasSubstr("no numbers"));
  }
}

TEST(Restorer, TakesPicturesOfAnySize) {
  Restorer restorer(tinyModel(), f32(64));
  for (const auto& [width, height] :
       {std::pair{1, 1}, {1, 200}, {200, 1}, {2, 3}, {15, 17}, {97, 101}, {16, 16}, {127, 64}}) {
    const Image source = test::photographImage(width, height);
    const auto result = restorer.restore(source, 1.0);
    ASSERT_TRUE(result);
    EXPECT_EQ(result->width(), width);
    EXPECT_EQ(result->height(), height);
    EXPECT_GT(psnr(source.pixels, result->pixels), 10.0) << width << "x" << height;
  }
}

TEST(Restorer, GivesTheSamePictureTwice) {
  const Image source = test::photographImage(90, 50);
  Restorer restorer(tinyModel(), f32());
  const auto first = restorer.restore(source, 1.0);
  ASSERT_TRUE(restorer.restore(test::photographImage(40, 90), 1.0)) << "another tile shape between";
  const auto second = restorer.restore(source, 1.0);
  ASSERT_TRUE(first && second);
  EXPECT_TRUE(equalBits(first->pixels, second->pixels));
}

TEST(Restorer, StopsBeforeTheNextOperator) {
  std::stop_source stop;
  int calls = 0;
  Restorer restorer(tinyModel(), f32(64));
  const auto result =
      restorer.restore(test::photographImage(200, 200), 1.0, {stop.get_token(), [&](double) {
                                                                if (++calls == 5)
                                                                  stop.request_stop();
                                                              }});
  EXPECT_FALSE(result);
  EXPECT_EQ(calls, 5);
}

TEST(Restorer, ReportsProgressThatRisesToOne) {
  double last = 0;
  int calls = 0;
  Restorer restorer(tinyModel(), f32(64));
  restorer.restore(test::photographImage(150, 150), 1.0, {{}, [&](double share) {
                                                            EXPECT_GE(share, last);
                                                            EXPECT_LE(share, 1.0);
                                                            last = share;
                                                            ++calls;
                                                          }});
  EXPECT_DOUBLE_EQ(last, 1.0);
  EXPECT_GT(calls, 50);
}

TEST(Restorer, ReportsProgressAtStrengthZero) {
  double last = 0;
  Restorer restorer(tinyModel(), f32());
  restorer.restore(test::photographImage(20, 20), 0.0, {{}, [&](double share) { last = share; }});
  EXPECT_EQ(last, 1.0);
}

TEST(Restorer, ChoosesTilesWhoseActivationsStayBounded) {
  Restorer restorer(tinyModel(), f32());
  Image source;
  source.pixels = cv::Mat(2500, 4000, CV_32FC3, cv::Scalar::all(0.5));
  std::stop_source stop;
  // The first progress ends it: only the tile's size is of interest.
  restorer.restore(source, 1.0, {stop.get_token(), [&](double) { stop.request_stop(); }});
  EXPECT_LE(restorer.arenaBytes(), 600'000'000U);
  EXPECT_GE(restorer.arenaBytes(), 300'000'000U);
}

TEST(Restorer, SumsAProfileOverTiles) {
  RestorerOptions options = f32(64);
  options.profile = true;
  Restorer restorer(tinyModel(), options);
  restorer.restore(test::photographImage(150, 40), 1.0);
  ASSERT_FALSE(restorer.profile().empty());
  double seconds = 0;
  for (const OperatorSummary& o : restorer.profile()) seconds += o.seconds;
  EXPECT_GT(seconds, 0.0);
}

TEST(Restorer, FallsBackToF32WithoutBf16) {
  RestorerOptions options = f32();
  options.precision = Precision::BF16;
  EXPECT_EQ(Restorer(tinyModel(), options).precision(), va::cpuFeatures().bf16 ? "bf16" : "f32");
  EXPECT_EQ(Restorer(tinyModel(), f32()).precision(), "f32");
}

std::shared_ptr<const Model> calibratedModel() {
  Safetensors content = test::tinyModel();
  content.metadata["pristine"] = test::calibratedTinyModelInfo().dump();
  return Model::fromSafetensors(std::move(content), "tiny");
}

TEST(Restorer, TakesInt8WhereProcessorAndModelOfferIt) {
  const va::CpuFeatures cpu = va::cpuFeatures();
  const std::string rest = cpu.bf16 ? "bf16" : "f32";
  const std::string best = cpu.int8 ? "int8+" + rest : rest;
  for (const Precision wish : {Precision::Auto, Precision::Int8}) {
    RestorerOptions options;
    options.precision = wish;
    EXPECT_EQ(Restorer(calibratedModel(), options).precision(), best);
    EXPECT_EQ(Restorer(tinyModel(), options).precision(), rest);
    const std::string note = Restorer(tinyModel(), options).precisionNote();
    if (wish == Precision::Auto) {
      EXPECT_EQ(note, "");
    } else {
      EXPECT_THAT(note, HasSubstr(", using " + rest));
      EXPECT_THAT(note, HasSubstr(cpu.int8 ? "'tiny' carries no scales" : "VNNI"));
    }
  }
}

TEST(Restorer, RestoresInInt8) {
  RestorerOptions options;
  options.precision = Precision::Int8;
  Restorer restorer(calibratedModel(), options);
  if (!va::cpuFeatures().int8) GTEST_SKIP() << "no VNNI";
  const Image source = test::photographImage(100, 70);
  const auto int8 = restorer.restore(source, 1.0);
  ASSERT_TRUE(int8);
  EXPECT_GT(psnr(restored(source).pixels, int8->pixels), 40.0);
}

/// Tiles against the whole picture.
class RestorerTiles : public testing::Test {
 protected:
  static constexpr int kTile = 96;  ///< side; tiles answer for about 64 pixels

  static void SetUpTestSuite() {
    const Image source = test::photographImage(420, 330);
    whole = restored(source, 1.0, 1024).pixels;
    tiled = restored(source, 1.0, kTile).pixels;
  }

  void SetUp() override {
    ASSERT_GT(grid.columns(), 3);
    ASSERT_GT(grid.rows(), 2);
  }

  static TileGridOptions gridOptions() {
    TileGridOptions options;
    options.alignment = tinyModel()->info().window;
    options.halo = tinyModel()->info().halo;
    options.side = kTile;
    options.budget = kTile * kTile;
    return options;
  }

  /// Mean |step| of `m` from column x - 1 to x, over all x in or not in `columns`.
  static double meanStep(const cv::Mat& m, const std::vector<int>& columns, bool in) {
    double sum = 0;
    int count = 0;
    for (int x = 1; x < m.cols; ++x) {
      if ((std::ranges::find(columns, x) != columns.end()) != in) continue;
      sum += cv::norm(m.col(x), m.col(x - 1), cv::NORM_L1);
      count += m.rows * 3;
    }
    return sum / count;
  }

  static std::vector<int> inner(const std::vector<int>& borders) {
    return {borders.begin() + 1, borders.end() - 1};
  }

  static inline cv::Mat whole;
  static inline cv::Mat tiled;
  const TileGrid grid{420, 330, gridOptions()};
};

TEST_F(RestorerTiles, AgreeWithTheWholePicture) {
  EXPECT_GE(psnr(whole, tiled), 45.0);
}

TEST_F(RestorerTiles, LeaveNoLineAtTheirBorders) {
  const auto columns = inner(grid.x().borders);
  EXPECT_LE(meanStep(tiled, columns, true), 1.05 * meanStep(tiled, columns, false));
  const auto rows = inner(grid.y().borders);
  EXPECT_LE(meanStep(tiled.t(), rows, true), 1.05 * meanStep(tiled.t(), rows, false));
}

TEST_F(RestorerTiles, ShiftNoBrightnessAtTheirBorders) {
  // A line that an eye would find goes the same way all along the border; half a level of an 8-bit
  // file is none.
  const auto shift = [](const cv::Mat& m, int x) {
    const cv::Scalar step = cv::mean(m.col(x) - m.col(x - 1));
    return std::max({std::abs(step[0]), std::abs(step[1]), std::abs(step[2])});
  };
  const cv::Mat change = tiled - whole;
  for (const int x : inner(grid.x().borders)) EXPECT_LE(shift(change, x), 0.5 / 255) << x;
  for (const int y : inner(grid.y().borders)) EXPECT_LE(shift(change.t(), y), 0.5 / 255) << y;
}

}  // namespace
}  // namespace pristine
