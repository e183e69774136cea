#include "app/image_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <cmath>
#include <csignal>
#include <opencv2/core.hpp>
#include <set>
#include <thread>

#include "core/error.h"
#include "core/metrics.h"
#include "tests/app/image_files_environment.h"
#include "tests/support/files.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/test_image.h"

namespace pristine {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::HasSubstr;

class ImageFile : public testing::Test {
 protected:
  Image roundTrip(const Image& image, const std::string& name, const WriteOptions& options = {}) {
    writeImage(image, folder / name, options);
    return readImage(folder / name);
  }

  std::string readComplaint(const fs::path& path) {
    try {
      readImage(path);
      return {};
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::Input);
      EXPECT_THAT(error.what(), HasSubstr(path.string()));
      return error.what();
    }
  }

  std::string writeComplaint(const Image& image, const fs::path& path) {
    try {
      writeImage(image, path);
      return {};
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::Output);
      EXPECT_THAT(error.what(), HasSubstr(path.string()));
      return error.what();
    }
  }

  const test::ImageFiles started;
  const test::TemporaryFolder folder;
};

struct Lossless {
  const char* name;
  const char* format;
  SampleDepth depth;
  bool grey;
  bool alpha;
};

class LosslessRoundTrip : public ImageFile, public testing::WithParamInterface<Lossless> {};

TEST_P(LosslessRoundTrip, GivesTheSamePicture) {
  const Lossless& c = GetParam();
  Image image = c.grey ? test::greyImage(61, 37, c.depth) : test::photographImage(61, 37, c.depth);
  if (c.alpha) image.alpha = test::alphaRamp(61, 37);
  const Image read = roundTrip(image, c.name);
  EXPECT_EQ(read.depth, c.depth);
  EXPECT_EQ(read.grey, c.grey);
  EXPECT_EQ(read.format, c.format);
  EXPECT_LE(test::largestDifference(read.pixels, image.pixels), 1e-7);
  EXPECT_LE(test::largestDifference(read.alpha, image.alpha), 1e-7);
}

INSTANTIATE_TEST_SUITE_P(Formats, LosslessRoundTrip,
                         testing::Values(Lossless{"a.png", "png", SampleDepth::U8, false, false},
                                         Lossless{"a.png", "png", SampleDepth::U8, false, true},
                                         Lossless{"a.png", "png", SampleDepth::U8, true, false},
                                         Lossless{"a.png", "png", SampleDepth::U8, true, true},
                                         Lossless{"a.png", "png", SampleDepth::U16, false, false},
                                         Lossless{"a.png", "png", SampleDepth::U16, false, true},
                                         Lossless{"a.png", "png", SampleDepth::U16, true, false},
                                         Lossless{"a.png", "png", SampleDepth::U16, true, true},
                                         Lossless{"a.tif", "tiff", SampleDepth::U8, false, false},
                                         Lossless{"a.tif", "tiff", SampleDepth::U8, true, true},
                                         Lossless{"a.tiff", "tiff", SampleDepth::U8, false, true},
                                         Lossless{"a.tif", "tiff", SampleDepth::U16, false, false},
                                         Lossless{"a.tif", "tiff", SampleDepth::U16, false, true},
                                         Lossless{"a.tif", "tiff", SampleDepth::U16, true, false},
                                         Lossless{"a.tif", "tiff", SampleDepth::F32, false, false},
                                         Lossless{"a.tif", "tiff", SampleDepth::F32, false, true},
                                         Lossless{"a.tif", "tiff", SampleDepth::F32, true, false},
                                         Lossless{"a.tif", "tiff", SampleDepth::F32, true, true}));

TEST_F(ImageFile, KeepsFloatsOutsideTheUnitRange) {
  Image image = test::photographImage(20, 10, SampleDepth::F32);
  image.pixels.at<cv::Vec3f>(3, 4) = {-2.5F, 7.25F, 1e-6F};
  const Image read = roundTrip(image, "a.tif");
  EXPECT_EQ(test::largestDifference(read.pixels, image.pixels), 0.0);
}

TEST_F(ImageFile, ClipsForIntegerFiles) {
  Image image = test::photographImage(20, 10, SampleDepth::U16);
  image.pixels.at<cv::Vec3f>(3, 4) = {-2.5F, 7.25F, 0.5F};
  const cv::Vec3f read = roundTrip(image, "a.png").pixels.at<cv::Vec3f>(3, 4);
  EXPECT_EQ(read[0], 0.0F);
  EXPECT_EQ(read[1], 1.0F);
  EXPECT_NEAR(read[2], 0.5F, 1.0F / 65535);
}

TEST_F(ImageFile, KeepsTheLevelsOfSixteenBits) {
  Image image;
  image.depth = SampleDepth::U16;
  image.pixels.create(256, 256, CV_32FC3);
  for (int i = 0; i < 65536; ++i) {
    image.pixels.at<cv::Vec3f>(i / 256, i % 256) = cv::Vec3f::all(static_cast<float>(i) / 65535.0F);
  }
  const Image read = roundTrip(image, "a.png");
  for (int i = 0; i < 65536; ++i) {
    ASSERT_EQ(std::lround(read.pixels.at<cv::Vec3f>(i / 256, i % 256)[1] * 65535.0F), i);
  }
}

TEST_F(ImageFile, WritesLossyFormatsFaithfully) {
  Image image = test::photographImage(120, 90);
  EXPECT_GT(psnr(roundTrip(image, "a.jpg").pixels, image.pixels), 35.0);
  EXPECT_GT(psnr(roundTrip(image, "a.webp").pixels, image.pixels), 28.0);
  EXPECT_EQ(readImage(folder / "a.jpg").format, "jpeg");
  EXPECT_EQ(readImage(folder / "a.webp").format, "webp");
  EXPECT_EQ(readImage(folder / "a.jpg").depth, SampleDepth::U8);
  WriteOptions rough;
  rough.quality = 30;
  roundTrip(image, "rough.jpg", rough);
  EXPECT_LT(fs::file_size(folder / "rough.jpg"), fs::file_size(folder / "a.jpg") / 2);
}

TEST_F(ImageFile, KeepsGreyJpegsGrey) {
  EXPECT_TRUE(roundTrip(test::greyImage(40, 30), "a.jpeg").grey);
}

TEST_F(ImageFile, KeepsAlphaInWebp) {
  Image image = test::photographImage(40, 30);
  image.alpha = test::alphaRamp(40, 30);
  EXPECT_LE(test::largestDifference(roundTrip(image, "a.webp").alpha, image.alpha), 1e-6);
}

TEST_F(ImageFile, RefusesToLoseTransparencyInJpeg) {
  Image image = test::photographImage(40, 30);
  image.alpha = test::alphaRamp(40, 30);
  EXPECT_THAT(writeComplaint(image, folder / "a.jpg"), HasSubstr("transparency"));
  image.alpha.setTo(1.0F);
  EXPECT_EQ(writeComplaint(image, folder / "a.jpg"), "");
  EXPECT_TRUE(readImage(folder / "a.jpg").alpha.empty());
}

TEST_F(ImageFile, WritesTheDepthAskedFor) {
  const Image image = test::photographImage(20, 10, SampleDepth::F32);
  WriteOptions options;
  EXPECT_EQ(roundTrip(image, "a.png").depth, SampleDepth::U16) << "the most that PNG has";
  options.depth = SampleDepth::U8;
  EXPECT_EQ(roundTrip(image, "b.tif", options).depth, SampleDepth::U8);
  options.depth = SampleDepth::U16;
  EXPECT_THROW(roundTrip(image, "c.jpg", options), Error) << "JPEG has 8 bits";
  EXPECT_FALSE(std::filesystem::exists(folder / "c.jpg"));
}

TEST_F(ImageFile, TakesOnePixel) {
  for (const char* name : {"a.png", "a.tif", "a.jpg", "a.webp"}) {
    const Image read = roundTrip(test::photographImage(1, 1), name);
    EXPECT_EQ(read.width(), 1);
    EXPECT_EQ(read.height(), 1);
  }
}

TEST_F(ImageFile, CountsPixelsByTheHeader) {
  writeImage(test::photographImage(61, 37), folder / "a.png");
  EXPECT_EQ(pixelCount(folder / "a.png"), 61 * 37);
  test::writeText(folder / "b.png", "no picture");
  EXPECT_THROW(pixelCount(folder / "b.png"), Error);
}

TEST_F(ImageFile, ReadsByContentNotByName) {
  writeImage(test::photographImage(20, 20), folder / "a.jpg");
  fs::rename(folder / "a.jpg", folder / "a.png");
  EXPECT_EQ(readImage(folder / "a.png").format, "jpeg");
}

TEST_F(ImageFile, RefusesTruncatedFiles) {
  const Image image = test::photographImage(200, 150);
  for (const char* name : {"a.jpg", "a.png", "a.tif", "a.webp", "a.avif", "a.jxl", "a.exr"}) {
    writeImage(image, folder / name);
    auto bytes = test::readBytes(folder / name);
    for (const double share : {0.3, 0.6, 0.9}) {
      const auto size = static_cast<std::ptrdiff_t>(static_cast<double>(bytes.size()) * share);
      test::writeBytes(folder / name, {bytes.begin(), bytes.begin() + size});
      EXPECT_THAT(readComplaint(folder / name),
                  testing::ContainsRegex("is (damaged or )?truncated"))
          << name << " " << share;
    }
  }
}

TEST_F(ImageFile, TellsTheReasonOfItsOwnFileWhateverOtherThreadsRead) {
  const Image image = test::photographImage(300, 200);
  std::vector<fs::path> files{folder / "good.png"};
  writeImage(image, files.front());
  // Damage of kinds that libvips has different words for.
  const auto damaged = [&](const std::string& name, std::size_t at, std::uint8_t turned) {
    writeImage(image, folder / name);
    auto bytes = test::readBytes(folder / name);
    bytes[at < bytes.size() ? at : bytes.size() / 2] ^= turned;
    test::writeBytes(folder / name, bytes);
    files.push_back(folder / name);
  };
  damaged("pixels.png", SIZE_MAX, 0x10);
  damaged("start.webp", 14, 0xFF);
  damaged("pixels.tif", SIZE_MAX, 0x5A);
  test::writeText(folder / "words.png", "these are words");
  files.push_back(folder / "words.png");
  std::vector<std::string> alone;
  for (const fs::path& file : files) {
    const std::string said = file == files.front() ? "" : readComplaint(file);
    EXPECT_THAT(said, testing::Not(HasSubstr("gives no reason")));
    alone.push_back(said);
  }
  EXPECT_GE(std::set<std::string>(alone.begin(), alone.end()).size(), 5U);
  std::vector<std::jthread> threads;
  for (std::size_t t = 0; t < 2 * files.size(); ++t) {
    threads.emplace_back([&, t] {
      for (std::size_t i = 0; i < 6; ++i) {
        const std::size_t file = (t + i) % files.size();
        if (alone[file].empty()) {
          EXPECT_NO_THROW(readImage(files[file]));
        } else {
          EXPECT_EQ(readComplaint(files[file]), alone[file]);
        }
      }
    });
  }
}

TEST_F(ImageFile, SaysWhyAFileIsNoPicture) {
  test::writeText(folder / "text.png", "this is no picture, it only bears the name of one");
  EXPECT_THAT(readComplaint(folder / "text.png"), HasSubstr("not a picture of a known format"));
  test::writeText(folder / "empty.png", "");
  EXPECT_THAT(readComplaint(folder / "empty.png"), HasSubstr("is empty"));
  EXPECT_THAT(readComplaint(folder / "missing.png"), HasSubstr("does not exist"));
  fs::create_directory(folder / "folder.png");
  EXPECT_THAT(readComplaint(folder / "folder.png"), HasSubstr("is a folder"));
  fs::create_symlink(folder / "nowhere", folder / "dangling.png");
  EXPECT_THAT(readComplaint(folder / "dangling.png"), HasSubstr("does not exist"));
  ASSERT_EQ(::mkfifo((folder / "pipe.png").c_str(), 0600), 0);
  EXPECT_THAT(readComplaint(folder / "pipe.png"), HasSubstr("is not a file"));
  test::writeText(folder / "g.png", "GIF89a\x01");
  EXPECT_NE(readComplaint(folder / "g.png"), "");
}

TEST_F(ImageFile, ReplacesItsTargetAndLeavesNothingElse) {
  test::writeText(folder / "a.png", "old");
  writeImage(test::photographImage(20, 10), folder / "a.png");
  EXPECT_EQ(readImage(folder / "a.png").width(), 20);
  EXPECT_THAT(test::filesBelow(folder.path()), ElementsAre("a.png"));
}

TEST_F(ImageFile, LeavesTheTargetAloneWhenWritingFails) {
  fs::create_directory(folder / "a.png");
  const Image image = test::photographImage(20, 10);
  EXPECT_THAT(writeComplaint(image, folder / "a.png"), HasSubstr("cannot be written"));
  EXPECT_TRUE(fs::is_directory(folder / "a.png"));
  EXPECT_NE(writeComplaint(image, folder / "missing" / "a.png"), "");
  EXPECT_NE(writeComplaint(image, "/proc/self/a.png"), "");
  EXPECT_THAT(writeComplaint(image, folder / "a.gif"), HasSubstr(".gif"));
  EXPECT_TRUE(test::filesBelow(folder.path()).empty());
}

/// Files may hold `bytes` and no more, as on a disk that is nearly full.
class FileSizeLimit {
 public:
  explicit FileSizeLimit(rlim_t bytes) : handler_(std::signal(SIGXFSZ, SIG_IGN)) {
    ::getrlimit(RLIMIT_FSIZE, &before_);
    const rlimit limit{bytes, before_.rlim_max};
    ::setrlimit(RLIMIT_FSIZE, &limit);
  }
  ~FileSizeLimit() {
    ::setrlimit(RLIMIT_FSIZE, &before_);
    std::signal(SIGXFSZ, handler_);
  }
  FileSizeLimit(const FileSizeLimit&) = delete;
  FileSizeLimit& operator=(const FileSizeLimit&) = delete;

 private:
  rlimit before_{};
  void (*handler_)(int);
};

TEST_F(ImageFile, LeavesTheTargetAloneWhenTheDiskIsFull) {
  const Image image = test::photographImage(300, 200);
  for (const char* name : {"a.png", "a.jpg", "a.tif", "a.webp"}) {
    test::writeText(folder / name, "old");
    std::string said;
    {
      const FileSizeLimit limit(4096);
      said = writeComplaint(image, folder / name);
    }
    EXPECT_NE(said, "") << name;
    EXPECT_EQ(test::readBytes(folder / name).size(), 3U) << name;
  }
  EXPECT_THAT(test::filesBelow(folder.path()), ElementsAre("a.jpg", "a.png", "a.tif", "a.webp"));
}

TEST_F(ImageFile, StopsReadingAndWriting) {
  const Image image = test::photographImage(1200, 900);
  writeImage(image, folder / "a.png");
  std::stop_source stop;
  stop.request_stop();
  const auto code = [](const auto& action) {
    try {
      action();
      return ErrorCode::Usage;
    } catch (const Error& error) {
      return error.code();
    }
  };
  EXPECT_EQ(code([&] { readImage(folder / "a.png", stop.get_token()); }), ErrorCode::Stopped);
  EXPECT_EQ(code([&] { ImageWriter(image, folder / "b.png").write(stop.get_token()); }),
            ErrorCode::Stopped);
  EXPECT_THAT(test::filesBelow(folder.path()), ElementsAre("a.png"));
}

TEST_F(ImageFile, TakesNamesOfAllBytes) {
  const std::string name = "\xC3\xBCn\xC3\xAF #100% [x=1] \xE5\x86\x99\xE7\x9C\x9F \xFF\n.png";
  EXPECT_EQ(roundTrip(test::photographImage(20, 10), name).width(), 20);
  const std::string longest = std::string(251, 'x') + ".png";
  EXPECT_EQ(roundTrip(test::photographImage(20, 10), longest).width(), 20);
}

}  // namespace
}  // namespace pristine
