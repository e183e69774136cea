#include <gmock/gmock.h>
#include <sys/resource.h>
#include <vips/vips.h>

#include <cmath>
#include <cstdlib>

#include "tests/cli/command_line.h"

namespace pristine {
namespace {

namespace fs = std::filesystem;
using test::CommandLine;
using testing::HasSubstr;

class Memory : public CommandLine {
 protected:
  /// A picture of `side` squared, written row by row.
  fs::path large(const std::string& name, int side) const {
    VipsImage* noise = nullptr;
    VipsImage* bytes = nullptr;
    VipsImage* colour = nullptr;
    EXPECT_EQ(vips_gaussnoise(&noise, side, side, "mean", 120.0, "sigma", 20.0, nullptr), 0);
    EXPECT_EQ(vips_cast_uchar(noise, &bytes, nullptr), 0);
    VipsImage* bands[3] = {bytes, bytes, bytes};
    EXPECT_EQ(vips_bandjoin(bands, &colour, 3, nullptr), 0);
    VipsImage* marked = nullptr;
    EXPECT_EQ(vips_copy(colour, &marked, "interpretation", VIPS_INTERPRETATION_sRGB, nullptr), 0);
    EXPECT_EQ(vips_image_write_to_file(marked, (folder / name).c_str(), nullptr), 0);
    for (VipsImage* image : {noise, bytes, colour, marked}) g_object_unref(image);
    return folder / name;
  }
};

#ifdef PRISTINE_SANITIZED
constexpr std::int64_t kLimit = 900;  // an instrumented program alone takes more than the other has
#else
constexpr std::int64_t kLimit = 280;
#endif

/// PRISTINE_LARGE_MEGAPIXELS and PRISTINE_LARGE_MEMORY, in MiB, make it larger:
/// tests/tools/measure-memory.
TEST_F(Memory, OfTheProcessStaysUnderItsLimitWhateverThePicture) {
  const char* wanted = std::getenv("PRISTINE_LARGE_MEGAPIXELS");
  const char* limited = std::getenv("PRISTINE_LARGE_MEMORY");
  const double megapixels = wanted != nullptr ? std::atof(wanted) : 3.0;
  const std::int64_t limit = limited != nullptr ? std::atoll(limited) : kLimit;
  const int side = static_cast<int>(std::sqrt(megapixels * 1e6));
  const fs::path source = large("in.tif", side);
  // Of two networks the faster: memory is asked for, not time.
  test::writeConvolutionModel(folder / "models/denoise.safetensors");
  test::Process process(withProgram({"denoise", source.string(), "-o", path("out.tif"),
                                     "--max-memory", std::to_string(limit) + "M"}),
                        environment());
  const auto result = process.finish(std::chrono::hours(2));
  ASSERT_EQ(result.exitCode, 0) << result.err;
  rusage usage{};
  ::getrusage(RUSAGE_CHILDREN, &usage);
  std::printf("%.0f megapixels under %lld MiB: at most %ld MiB\n", megapixels,
              static_cast<long long>(limit), usage.ru_maxrss / 1024);
#ifndef PRISTINE_SANITIZED
  EXPECT_LT(usage.ru_maxrss / 1024, limit);
#endif
  EXPECT_EQ(pictureSize(folder / "out.tif").width, side);
}

TEST_F(Memory, OfEnlargingStaysUnderItsLimitToo) {
  test::writeTinyModel(folder / "models/upscale4.safetensors", 1, 4);
  const fs::path source = large("in.tif", 800);
  constexpr std::int64_t kMost = kLimit + 100;
  const auto result = run({"upscale", source.string(), "-o", path("out.tif"), "-s", "4",
                           "--max-memory", std::to_string(kMost) + "M"});
  ASSERT_EQ(result.exitCode, 0) << result.err;
  EXPECT_EQ(pictureSize(folder / "out.tif").width, 3200);
  rusage usage{};
  ::getrusage(RUSAGE_CHILDREN, &usage);
  std::printf("enlarged to 10 megapixels under %lld MiB: at most %ld MiB\n",
              static_cast<long long>(kMost), usage.ru_maxrss / 1024);
#ifndef PRISTINE_SANITIZED
  EXPECT_LT(usage.ru_maxrss / 1024, kMost);
#endif
}

TEST_F(Memory, IsAskedForBeforeTheWork) {
  const fs::path source = large("in.webp", 2500);
  const auto result =
      run({"denoise", source.string(), "-o", path("out.webp"), "--max-memory", "256M"});
  EXPECT_THAT(result.exitCode, testing::AnyOf(4, 6));
  EXPECT_THAT(result.err, HasSubstr("only as a whole"));
  EXPECT_THAT(result.err, HasSubstr("--max-memory"));
  EXPECT_FALSE(fs::exists(folder / "out.webp"));
}

TEST_F(Memory, BombsAreRefusedByTheirHeader) {
  large("in.png", 300);
  const auto result =
      run({"denoise", path("in.png"), "-o", path("out.png"), "--max-pixels", "80K"});
  EXPECT_THAT(result.exitCode, testing::AnyOf(4, 6));
  EXPECT_THAT(result.err, HasSubstr("--max-pixels"));
  EXPECT_EQ(run({"denoise", path("in.png"), "-o", path("out.png"), "--max-pixels", "1Z"}).exitCode,
            2);
}

TEST_F(Memory, ImpossibleCombinationsEndBeforeAnyWork) {
  addPicture("a.png");
  addPicture("in/b.png");
  for (const auto& words :
       std::vector<std::vector<std::string>>{{"-f", "jpg", "--depth", "16"},
                                             {"-f", "png", "--depth", "f32"},
                                             {"-f", "jpg", "--lossless"},
                                             {"-f", "exr", "--depth", "8"},
                                             {"-f", "webp", "--lossless", "-Q", "50"},
                                             {"-f", "heic"},
                                             {"--depth", "f32"}}) {
    std::vector<std::string> arguments{"denoise", path("a.png"), path("in"), "-o", path("out")};
    arguments.insert(arguments.end(), words.begin(), words.end());
    const auto result = run(arguments);
    EXPECT_EQ(result.exitCode, 2) << testing::PrintToString(words) << result.err;
    EXPECT_FALSE(fs::exists(folder / "out")) << testing::PrintToString(words);
  }
}

TEST_F(Memory, FormatGivesTheOutputsTheirExtension) {
  addPicture("in/a.png");
  addPicture("in/b.jpg");
  const auto result = run({"denoise", path("in"), "-o", path("out"), "-f", "tif", "--depth", "16",
                           "--strip", "--strength", "0"});
  EXPECT_EQ(result.exitCode, 0) << result.err;
  EXPECT_THAT(test::filesBelow(folder / "out"), testing::ElementsAre("a.tif", "b.tif"));
  EXPECT_EQ(readImage(folder / "out/a.tif").depth, SampleDepth::U16);
}

}  // namespace
}  // namespace pristine
