#include "app/exif.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#define TIFF_DISABLE_DEPRECATED  // its int64 is also the name of a type of OpenCV
#include <tiffio.h>
#include <vips/vips.h>

#include <algorithm>
#include <array>
#include <cstdarg>
#include <cstdio>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "app/image_file.h"
#include "core/error.h"
#include "tests/app/image_files_environment.h"
#include "tests/app/tiff_builder.h"
#include "tests/support/files.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/test_image.h"

namespace pristine {
namespace {

namespace fs = std::filesystem;
using test::tiffEntry;
using test::tiffText;

std::string closed(const char* text) {
  return std::string(text) + '\0';
}

/// What a camera says of a photograph.
TiffDirectory photograph() {
  TiffDirectory interoperability{
      0xA005, {tiffText(1, closed("R98")), {2, TiffType::Undefined, {'0', '1', '0', '0'}}}, {}};
  TiffDirectory exif{
      0x8769,
      {tiffEntry(0x829A, TiffType::Rational, {1, 125}),
       tiffEntry(0x8827, TiffType::Short, {400}),
       {0x9000, TiffType::Undefined, {'0', '2', '3', '2'}},
       tiffText(0x9003, closed("2026:03:04 05:06:07")),
       tiffEntry(0x9204, TiffType::SRational, {0xFFFFFFFFU, 3}),
       {0x927C, TiffType::Undefined, {'M', 'N', 0, 1, 2, 0xFF, 0x80}},
       {0x9286, TiffType::Undefined, {'U', 'N', 'I', 'C', 'O', 'D', 'E', 0, 'H', 0, 'a', 0}}},
      {std::move(interoperability)}};
  TiffDirectory gps{0x8825,
                    {{0, TiffType::Byte, {2, 3, 0, 0}},
                     tiffText(1, closed("N")),
                     tiffEntry(2, TiffType::Rational, {48, 1, 8, 1, 3014, 100})},
                    {}};
  TiffDirectory first{0,
                      {tiffText(0x010E, closed("Hafen")),
                       tiffText(0x010F, closed("Kamerawerk")),
                       tiffText(0x0110, "K1"),
                       tiffEntry(0x4746, TiffType::Short, {4}),
                       tiffText(0x8298, closed("2026 Hafen")),
                       {0x9C9B, TiffType::Byte, {'H', 0, 'a', 0, 0, 0}}},
                      {std::move(exif), std::move(gps)}};
  return first;
}

/// With fields that speak of the file it was in, for a structure of this byte order.
TiffDirectory cameraFile(bool bigEndian = false) {
  TiffDirectory all = photograph();
  if (bigEndian) {
    auto& comment = all.children[0].entries.back().values;
    std::swap(comment[8], comment[9]);
    std::swap(comment[10], comment[11]);
  }
  all.entries.push_back(tiffEntry(0x0112, TiffType::Short, {6}));
  all.entries.push_back(tiffEntry(0x0100, TiffType::Long, {6000}));
  all.entries.push_back(tiffEntry(0x011A, TiffType::Rational, {72, 1}));
  std::ranges::sort(all.entries, {}, &TiffEntry::tag);
  auto& exif = all.children[0].entries;
  exif.push_back(tiffEntry(0xA002, TiffType::Long, {6000}));
  exif.push_back(tiffEntry(0xA003, TiffType::Long, {4000}));
  return all;
}

class TiffExif : public testing::Test {
 protected:
  TiffExif() { writeImage(test::photographImage(24, 16), file); }

  const test::ImageFiles started;
  const test::TemporaryFolder folder;
  const fs::path file = folder / "a.tif";
};

TEST_F(TiffExif, ComesBackEntryByEntryFromBlocksOfEitherOrder) {
  for (const bool bigEndian : {false, true}) {
    for (const std::size_t markSize : {6U, 0U}) {
      writeImage(test::photographImage(24, 16), file);
      const auto block = test::exifBlock(cameraFile(bigEndian), {bigEndian, false});
      addTiffExif(file, std::span(block).subspan(6 - markSize));
      EXPECT_EQ(test::tagsOf(readTiffExif(file)), photograph()) << bigEndian << markSize;
    }
  }
}

TEST_F(TiffExif, IsALittleEndianBlockWithItsMark) {
  addTiffExif(file, test::exifBlock(cameraFile(true), {true, false}));
  EXPECT_EQ(readTiffExif(file), test::exifBlock(photograph()));
}

TEST_F(TiffExif, LeavesThePictureAsItWas) {
  const Image before = readImage(file);
  addTiffExif(file, test::exifBlock(cameraFile()));
  const Image after = readImage(file);
  EXPECT_EQ(after.width(), 24);
  EXPECT_EQ(test::largestDifference(before.pixels, after.pixels), 0.0);
}

TEST_F(TiffExif, ReplacesWhatWasThere) {
  addTiffExif(file, test::exifBlock(cameraFile()));
  TiffDirectory other{0, {tiffText(0x010F, closed("Werk 2"))}, {}};
  other.children.push_back({0x8769, {tiffEntry(0x8827, TiffType::Short, {100})}, {}});
  addTiffExif(file, test::exifBlock(other));
  TiffDirectory wanted = photograph();
  wanted.entries[1] = other.entries[0];
  wanted.children[0] = other.children[0];
  EXPECT_EQ(test::tagsOf(readTiffExif(file)), wanted);
}

std::vector<std::string> complaints;

/// Tags that libtiff does not know are no fault of the file.
void complain(const char* /*module*/, const char* format, va_list arguments) {
  std::array<char, 256> text{};
  std::vsnprintf(text.data(), text.size(), format, arguments);
  if (std::string_view(text.data()).starts_with("Unknown field with tag")) return;
  complaints.emplace_back(text.data());
}

/// libtiff neither warns of the file nor misses a tag.
TEST_F(TiffExif, IsUnderstoodByLibtiff) {
  for (const bool bigTiff : {false, true}) {
    VipsImage* image = nullptr;
    ASSERT_EQ(vips_black(&image, 24, 16, "bands", 3, nullptr), 0);
    ASSERT_EQ(vips_tiffsave(image, file.c_str(), "bigtiff", bigTiff ? TRUE : FALSE, nullptr), 0);
    g_object_unref(image);
    TiffDirectory tags = cameraFile(true);
    for (TiffEntry& entry : tags.entries) {
      if (entry.tag == 0x0110) entry = tiffText(0x0110, closed("K1"));
    }
    addTiffExif(file, test::exifBlock(tags, {true, false}));

    complaints.clear();
    const auto oldError = TIFFSetErrorHandler(complain);
    const auto oldWarning = TIFFSetWarningHandler(complain);
    TIFF* tiff = TIFFOpen(file.c_str(), "r");
    ASSERT_NE(tiff, nullptr);
    EXPECT_EQ(TIFFIsBigTIFF(tiff) != 0, bigTiff);
    const char* text = nullptr;
    ASSERT_EQ(TIFFGetField(tiff, TIFFTAG_MAKE, &text), 1);
    EXPECT_STREQ(text, "Kamerawerk");
    ASSERT_EQ(TIFFGetField(tiff, TIFFTAG_MODEL, &text), 1);
    EXPECT_STREQ(text, "K1");
    std::uint32_t width = 0;
    ASSERT_EQ(TIFFGetField(tiff, TIFFTAG_IMAGEWIDTH, &width), 1);
    EXPECT_EQ(width, 24U);
    toff_t offset = 0;
    ASSERT_EQ(TIFFGetField(tiff, TIFFTAG_EXIFIFD, &offset), 1);
    ASSERT_EQ(TIFFReadEXIFDirectory(tiff, offset), 1);
    float exposure = 0;
    ASSERT_EQ(TIFFGetField(tiff, EXIFTAG_EXPOSURETIME, &exposure), 1);
    EXPECT_FLOAT_EQ(exposure, 1.0F / 125.0F);
    float bias = 0;
    ASSERT_EQ(TIFFGetField(tiff, EXIFTAG_EXPOSUREBIASVALUE, &bias), 1);
    EXPECT_FLOAT_EQ(bias, -1.0F / 3.0F);
    std::uint32_t size = 0;
    const std::uint8_t* note = nullptr;
    ASSERT_EQ(TIFFGetField(tiff, EXIFTAG_MAKERNOTE, &size, &note), 1);
    EXPECT_THAT(std::vector(note, note + size), testing::ElementsAre('M', 'N', 0, 1, 2, 255, 128));
    ASSERT_EQ(TIFFSetDirectory(tiff, 0), 1);
    ASSERT_EQ(TIFFGetField(tiff, TIFFTAG_GPSIFD, &offset), 1);
    ASSERT_EQ(TIFFReadGPSDirectory(tiff, offset), 1);
    const double* latitude = nullptr;
    ASSERT_EQ(TIFFGetField(tiff, GPSTAG_LATITUDE, &latitude), 1);
    EXPECT_DOUBLE_EQ(latitude[2], 30.14);
    TIFFClose(tiff);
    TIFFSetErrorHandler(oldError);
    TIFFSetWarningHandler(oldWarning);
    EXPECT_THAT(complaints, testing::IsEmpty());
    EXPECT_EQ(test::tagsOf(readTiffExif(file)).child(0x8825)->entries,
              photograph().child(0x8825)->entries);
  }
}

TEST_F(TiffExif, IsReadFromFilesOfEveryFormat) {
  for (const bool bigEndian : {false, true}) {
    for (const bool bigTiff : {false, true}) {
      test::writeBytes(file, encodeTiff(cameraFile(bigEndian), {bigEndian, bigTiff}));
      EXPECT_EQ(readTiffExif(file), test::exifBlock(photograph())) << bigEndian << bigTiff;
    }
  }
}

TEST_F(TiffExif, IsLeftOutWhenTheBlockIsNotUnderstood) {
  const auto before = test::readBytes(file);
  auto block = test::exifBlock(cameraFile());
  block.resize(20);
  addTiffExif(file, block);
  addTiffExif(file, {});
  addTiffExif(file, std::vector<std::uint8_t>{'E', 'x', 'i', 'f', 0, 0});
  addTiffExif(file, test::exifBlock({0, {tiffEntry(0x0112, TiffType::Short, {6})}, {}}));
  EXPECT_EQ(test::readBytes(file), before);
}

TEST_F(TiffExif, IsEmptyForFilesThatSayNothing) {
  EXPECT_TRUE(readTiffExif(file).empty());
  test::writeText(folder / "text.tif", "no picture");
  EXPECT_TRUE(readTiffExif(folder / "text.tif").empty());
  test::writeText(folder / "nothing.tif", "");
  EXPECT_TRUE(readTiffExif(folder / "nothing.tif").empty());
  EXPECT_TRUE(readTiffExif(folder / "missing.tif").empty());
  EXPECT_TRUE(readTiffExif(folder.path()).empty());
}

TEST_F(TiffExif, IsRefusedByFilesThatCannotBeChanged) {
  const auto block = test::exifBlock(photograph());
  test::writeText(folder / "text.tif", "no picture");
  for (const fs::path& path : {folder / "text.tif", folder / "missing.tif", folder.path()}) {
    try {
      addTiffExif(path, block);
      ADD_FAILURE() << path;
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::Output);
      EXPECT_THAT(error.what(), testing::HasSubstr(path.string()));
    }
  }
}

TEST_F(TiffExif, GoesThroughReadingAndWritingAPicture) {
  addTiffExif(file, test::exifBlock(cameraFile()));
  writeImage(readImage(file), folder / "b.tif");
  EXPECT_EQ(test::tagsOf(readTiffExif(folder / "b.tif")), photograph());
}

}  // namespace
}  // namespace pristine
