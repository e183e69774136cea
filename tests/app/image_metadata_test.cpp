#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <vips/vips.h>

#include <algorithm>
#include <opencv2/core.hpp>

#include "app/image_file.h"
#include "tests/app/image_files_environment.h"
#include "tests/app/tagged_file.h"
#include "tests/app/tiff_builder.h"
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

std::string text(const TiffDirectory* directory, std::uint16_t tag) {
  const TiffEntry* entry = directory == nullptr ? nullptr : directory->entry(tag);
  if (entry == nullptr) return "";
  std::string text;
  if (entry->type == TiffType::Ascii) {
    text.assign(entry->values.begin(), entry->values.end());
    return text.c_str();
  }
  const std::size_t width = std::min<std::size_t>(valueSize(entry->type), 4);
  for (std::size_t at = 0; at < entry->values.size(); at += width) {
    std::uint32_t number = 0;
    for (std::size_t i = width; i > 0; --i) number = number << 8U | entry->values[at + i - 1];
    text += (text.empty() ? "" : "/") + std::to_string(number);
  }
  return text;
}

std::vector<std::uint8_t> blob(VipsImage* image, const char* name) {
  const void* data = nullptr;
  std::size_t size = 0;
  if (vips_image_get_typeof(image, name) == 0 ||
      vips_image_get_blob(image, name, &data, &size) != 0) {
    return {};
  }
  const auto* bytes = static_cast<const std::uint8_t*>(data);
  return {bytes, bytes + size};
}

/// What the decoders find in the file; EXIF of TIFF, which they leave out, from the file itself.
Metadata metadataOf(const fs::path& path) {
  VipsImage* image = vips_image_new_from_file(path.c_str(), nullptr);
  const bool isTiff = path.extension() == ".tif";
  const auto exif = test::tagsOf(isTiff ? test::readBytes(path) : blob(image, VIPS_META_EXIF_NAME));
  const auto packet = blob(image, VIPS_META_XMP_NAME);
  const std::string xmp(packet.begin(), packet.end());
  Metadata m;
  m.make = text(&exif, 0x010F);
  m.orientation = text(&exif, 0x0112);
  m.exposure = text(exif.child(0x8769), 0x829A);
  m.latitude = text(exif.child(0x8825), 1);
  m.title = xmp.find("Hafen") == std::string::npos ? "" : "Hafen";
  const std::string property = "tiff:Orientation=\"";
  const auto at = xmp.find(property);
  if (at != std::string::npos) m.xmpOrientation = xmp.substr(at + property.size(), 1);
  m.profile = blob(image, VIPS_META_ICC_NAME);
  g_object_unref(image);
  return m;
}

void tag(const fs::path& path, int orientation) {
  test::FileTags tags;
  tags.exif.entries = {
      test::tiffText(0x010F, std::string("Kamerawerk") + '\0'),
      test::tiffEntry(0x0112, TiffType::Short, {static_cast<std::uint32_t>(orientation)})};
  tags.exif.children = {{0x8769, {test::tiffEntry(0x829A, TiffType::Rational, {1, 125})}, {}},
                        {0x8825, {test::tiffText(1, std::string("N") + '\0')}, {}}};
  tags.xmp = test::xmpPacket("Hafen", orientation);
  if (path.extension() == ".jpg") {
    VipsBlob* profile = nullptr;
    ASSERT_EQ(vips_profile_load("p3", &profile, nullptr), 0);
    std::size_t size = 0;
    const auto* data = static_cast<const std::uint8_t*>(vips_blob_get(profile, &size));
    tags.profile.assign(data, data + size);
    vips_area_unref(VIPS_AREA(profile));
  }
  test::tagFile(path, tags);
  EXPECT_EQ(metadataOf(path).make, "Kamerawerk") << "the test's own tags";
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
  EXPECT_EQ(wanted.profile.empty(), std::string(from) != ".jpg");
  EXPECT_EQ(wanted.title.empty(), std::string(from) == ".png");
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
