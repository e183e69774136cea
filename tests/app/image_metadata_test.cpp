#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <vips/vips.h>

#include <cstring>
#include <exiv2/exiv2.hpp>
#include <opencv2/core.hpp>

#include "app/image_file.h"
#include "tests/app/image_files_environment.h"
#include "tests/support/files.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/test_image.h"

namespace pristine {
namespace {

namespace fs = std::filesystem;

struct Metadata {
  std::string make;
  std::string exposure;
  std::string latitude;
  std::string title;
  std::string xmpOrientation;
  std::string orientation;
  std::vector<std::uint8_t> profile;
};

std::string text(const Exiv2::ExifData& data, const char* key) {
  const auto tag = data.findKey(Exiv2::ExifKey(key));
  return tag == data.end() ? "" : tag->toString();
}

std::string text(const Exiv2::XmpData& data, const char* key) {
  const auto tag = data.findKey(Exiv2::XmpKey(key));
  return tag == data.end() ? "" : tag->toString();
}

/// What an independent reader finds in the file.
Metadata metadataOf(const fs::path& path) {
  const auto file = Exiv2::ImageFactory::open(path.string());
  file->readMetadata();
  Metadata m;
  m.make = text(file->exifData(), "Exif.Image.Make");
  m.exposure = text(file->exifData(), "Exif.Photo.ExposureTime");
  m.latitude = text(file->exifData(), "Exif.GPSInfo.GPSLatitudeRef");
  m.orientation = text(file->exifData(), "Exif.Image.Orientation");
  m.title = text(file->xmpData(), "Xmp.dc.title");
  m.xmpOrientation = text(file->xmpData(), "Xmp.tiff.Orientation");
  VipsImage* image = vips_image_new_from_file(path.c_str(), nullptr);
  const void* data = nullptr;
  std::size_t size = 0;
  if (vips_image_get_typeof(image, VIPS_META_ICC_NAME) != 0 &&
      vips_image_get_blob(image, VIPS_META_ICC_NAME, &data, &size) == 0) {
    const auto* bytes = static_cast<const std::uint8_t*>(data);
    m.profile.assign(bytes, bytes + size);
  }
  g_object_unref(image);
  return m;
}

/// Exif with an orientation, a maker, an exposure and a place.
Exiv2::ExifData exifWith(int orientation) {
  Exiv2::ExifData exif;
  exif["Exif.Image.Make"] = "Kamerawerk";
  exif["Exif.Image.Orientation"] = static_cast<std::uint16_t>(orientation);
  exif["Exif.Photo.ExposureTime"] = Exiv2::Rational(1, 125);
  exif["Exif.GPSInfo.GPSLatitudeRef"] = "N";
  return exif;
}

std::uint32_t crc32(const std::vector<std::uint8_t>& bytes) {
  std::uint32_t crc = ~0U;
  for (const std::uint8_t byte : bytes) {
    crc ^= byte;
    for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1U) ^ ((crc & 1U) != 0 ? 0xEDB88320U : 0U);
  }
  return ~crc;
}

void appendBigEndian(std::vector<std::uint8_t>& bytes, std::uint32_t value) {
  for (const unsigned shift : {24U, 16U, 8U, 0U}) {
    bytes.push_back(static_cast<std::uint8_t>(value >> shift));
  }
}

/// Puts an eXIf chunk (PNG 1.5 extension) behind the header of a PNG file.
void addPngExif(const fs::path& path, const Exiv2::ExifData& exif) {
  Exiv2::Blob blob;
  Exiv2::ExifParser::encode(blob, Exiv2::littleEndian, exif);
  std::vector<std::uint8_t> named{'e', 'X', 'I', 'f'};
  named.insert(named.end(), blob.begin(), blob.end());
  std::vector<std::uint8_t> chunk;
  appendBigEndian(chunk, static_cast<std::uint32_t>(blob.size()));
  chunk.insert(chunk.end(), named.begin(), named.end());
  appendBigEndian(chunk, crc32(named));
  auto bytes = test::readBytes(path);
  bytes.insert(bytes.begin() + 33, chunk.begin(), chunk.end());
  test::writeBytes(path, bytes);
}

void tag(const fs::path& path, int orientation) {
  if (path.extension() == ".png") {
    addPngExif(path, exifWith(orientation));
    return;
  }
  const auto file = Exiv2::ImageFactory::open(path.string());
  file->readMetadata();
  for (const auto& datum : exifWith(orientation)) file->exifData()[datum.key()] = datum;
  file->xmpData()["Xmp.dc.title"] = "Hafen";
  file->xmpData()["Xmp.tiff.Orientation"] = std::to_string(orientation);
  if (path.extension() == ".jpg") {
    VipsBlob* profile = nullptr;
    ASSERT_EQ(vips_profile_load("p3", &profile, nullptr), 0);
    std::size_t size = 0;
    const void* data = vips_blob_get(profile, &size);
    Exiv2::DataBuf buffer(static_cast<const Exiv2::byte*>(data), static_cast<long>(size));
    file->setIccProfile(buffer);
    vips_area_unref(VIPS_AREA(profile));
  }
  file->writeMetadata();
}

/// The picture that a file of this orientation stores shows (EXIF 2.32, tag 274).
cv::Mat upright(const cv::Mat& stored, int orientation) {
  cv::Mat m = stored.clone();
  if (orientation >= 5) m = m.t();
  if (orientation == 2 || orientation == 6) cv::flip(m, m, 1);
  if (orientation == 3 || orientation == 7) cv::flip(m, m, -1);
  if (orientation == 4 || orientation == 8) cv::flip(m, m, 0);
  return m;
}

class Orientation : public testing::TestWithParam<std::tuple<const char*, int>> {
 protected:
  const test::ImageFiles started;
  const test::TemporaryFolder folder;
};

TEST_P(Orientation, IsAppliedOnceAndReset) {
  const auto [extension, orientation] = GetParam();
  const fs::path source = folder / (std::string("in") + extension);
  writeImage(test::photographImage(24, 16), source);
  const cv::Mat stored = readImage(source).pixels;
  tag(source, orientation);
  const Image read = readImage(source);
  EXPECT_EQ(test::largestDifference(read.pixels, upright(stored, orientation)), 0.0);
  for (const char* target : {".jpg", ".png", ".tif", ".webp"}) {
    const fs::path written = folder / (std::string("out") + target);
    writeImage(read, written);
    EXPECT_EQ(readImage(written).width(), read.width()) << target;
    EXPECT_THAT(metadataOf(written).orientation, testing::AnyOf("", "1")) << target;
    EXPECT_THAT(metadataOf(written).xmpOrientation, testing::AnyOf("", "1")) << target;
  }
}

INSTANTIATE_TEST_SUITE_P(AllEight, Orientation,
                         testing::Combine(testing::Values(".jpg", ".png", ".tif", ".webp"),
                                          testing::Range(1, 9)));

class MetadataCopy : public testing::TestWithParam<std::tuple<const char*, const char*>> {
 protected:
  const test::ImageFiles started;
  const test::TemporaryFolder folder;
};

TEST_P(MetadataCopy, KeepsExifXmpAndProfile) {
  const auto [from, to] = GetParam();
  const fs::path source = folder / (std::string("in") + from);
  const fs::path target = folder / (std::string("out") + to);
  writeImage(test::photographImage(24, 16), source);
  tag(source, 6);
  writeImage(readImage(source), target);
  const Metadata wanted = metadataOf(source);
  const Metadata found = metadataOf(target);
  EXPECT_EQ(found.make, "Kamerawerk");
  EXPECT_EQ(found.exposure, "1/125");
  EXPECT_EQ(found.latitude, "N");
  EXPECT_EQ(found.title, wanted.title);
  EXPECT_EQ(found.profile, wanted.profile);
  if (std::string(from) == ".jpg") {
    EXPECT_FALSE(wanted.profile.empty());
    EXPECT_FALSE(wanted.title.empty());
  }
}

INSTANTIATE_TEST_SUITE_P(EveryPair, MetadataCopy,
                         testing::Combine(testing::Values(".jpg", ".png", ".tif", ".webp"),
                                          testing::Values(".jpg", ".png", ".tif", ".webp")));

TEST(ImageMetadata, KeepsTheResolution) {
  const test::ImageFiles started;
  const test::TemporaryFolder folder;
  VipsImage* black = nullptr;
  ASSERT_EQ(vips_black(&black, 8, 8, nullptr), 0);
  VipsImage* fine = nullptr;
  ASSERT_EQ(vips_copy(black, &fine, "xres", 11.811, "yres", 11.811, nullptr), 0);
  ASSERT_EQ(vips_jpegsave(fine, (folder / "a.jpg").c_str(), nullptr), 0);
  g_object_unref(fine);
  g_object_unref(black);
  writeImage(readImage(folder / "a.jpg"), folder / "b.png");
  VipsImage* read = vips_image_new_from_file((folder / "b.png").c_str(), nullptr);
  EXPECT_NEAR(vips_image_get_xres(read), 11.811, 0.01);
  g_object_unref(read);
}

TEST(ImageMetadata, RefusesFilesOfSeveralPages) {
  const test::ImageFiles started;
  const test::TemporaryFolder folder;
  VipsImage* black = nullptr;
  ASSERT_EQ(vips_black(&black, 8, 24, "bands", 3, nullptr), 0);
  VipsImage* pages = nullptr;
  ASSERT_EQ(vips_copy(black, &pages, "interpretation", VIPS_INTERPRETATION_sRGB, nullptr), 0);
  vips_image_set_int(pages, VIPS_META_PAGE_HEIGHT, 8);
  ASSERT_EQ(vips_tiffsave(pages, (folder / "a.tif").c_str(), nullptr), 0);
  g_object_unref(pages);
  g_object_unref(black);
  try {
    readImage(folder / "a.tif");
    FAIL();
  } catch (const std::exception& error) {
    EXPECT_THAT(error.what(), testing::HasSubstr("has 3 pages"));
  }
}

TEST(ImageMetadata, ConvertsInkToColourWithoutItsProfile) {
  const test::ImageFiles started;
  const test::TemporaryFolder folder;
  VipsImage* black = nullptr;
  ASSERT_EQ(vips_black(&black, 8, 8, "bands", 4, nullptr), 0);
  VipsImage* paper = nullptr;
  ASSERT_EQ(vips_copy(black, &paper, "interpretation", VIPS_INTERPRETATION_CMYK, nullptr), 0);
  ASSERT_EQ(vips_jpegsave(paper, (folder / "a.jpg").c_str(), "profile", "cmyk", nullptr), 0);
  g_object_unref(paper);
  g_object_unref(black);
  const Image read = readImage(folder / "a.jpg");
  EXPECT_FALSE(read.grey);
  EXPECT_TRUE(read.alpha.empty());
  for (int c = 0; c < 3; ++c)
    EXPECT_GT(read.pixels.at<cv::Vec3f>(4, 4)[c], 0.9F) << "no ink: paper";
  writeImage(read, folder / "b.jpg");
  EXPECT_TRUE(metadataOf(folder / "b.jpg").profile.empty());
}

}  // namespace
}  // namespace pristine
