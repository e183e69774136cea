#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <vips/vips.h>

#include "app/files/exif_edit.h"
#include "app/files/iptc.h"
#include "app/files/xmp_edit.h"
#include "app/image_file.h"
#include "tests/app/image_files_environment.h"
#include "tests/app/tiff_builder.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/test_image.h"

namespace pristine {
namespace {

using testing::HasSubstr;
using testing::Not;

std::vector<std::uint8_t> exifWithGps() {
  TiffDirectory tags;
  tags.entries = {test::tiffText(0x010F, std::string("Kamerawerk") + '\0'),
                  test::tiffEntry(0x0112, TiffType::Short, {6})};
  tags.children = {{0x8769, {test::tiffEntry(0x829A, TiffType::Rational, {1, 125})}, {}},
                   {0x8825, {test::tiffText(1, std::string("N") + '\0')}, {}}};
  return test::exifBlock(tags);
}

TEST(ExifEdit, SetsTheOrientationAndNothingElse) {
  const auto before = exifWithGps();
  auto after = before;
  setExifOrientation(after, 1);
  ASSERT_EQ(after.size(), before.size());
  std::size_t different = 0;
  for (std::size_t i = 0; i < after.size(); ++i) different += after[i] != before[i] ? 1U : 0U;
  EXPECT_EQ(different, 1U);
  EXPECT_EQ(test::tagsOf(after).entry(0x0112)->values.front(), 1);
}

TEST(ExifEdit, TakesThePlaceOutAndLeavesTheRestWhereItIs) {
  auto block = exifWithGps();
  const std::size_t size = block.size();
  dropExifGps(block);
  EXPECT_EQ(block.size(), size);
  const TiffDirectory tags = test::tagsOf(block);
  EXPECT_EQ(tags.child(0x8825), nullptr);
  ASSERT_NE(tags.child(0x8769), nullptr);
  EXPECT_NE(tags.child(0x8769)->entry(0x829A), nullptr);
  EXPECT_NE(tags.entry(0x010F), nullptr);
}

TEST(ExifEdit, LeavesDamageAlone) {
  for (std::size_t length = 0; length < exifWithGps().size(); ++length) {
    auto block = exifWithGps();
    block.resize(length);
    setExifOrientation(block, 1);
    dropExifGps(block);
    dropExifThumbnail(block);
    EXPECT_EQ(block.size(), length);
  }
}

TEST(XmpEdit, TakesThePlaceOutOfAttributesAndElements) {
  std::string packet =
      R"(<rdf:Description exif:GPSLatitude="10,30N" dc:format='image/png' exif:GPSVersionID = '2'>)"
      "<exif:GPSAltitude>12/1</exif:GPSAltitude><exif:Flash>1</exif:Flash>"
      "<exif:GPSStatus/></rdf:Description>";
  dropXmpGps(packet);
  EXPECT_THAT(packet, Not(HasSubstr("GPS")));
  EXPECT_THAT(packet, HasSubstr("dc:format='image/png'"));
  EXPECT_THAT(packet, HasSubstr("<exif:Flash>1</exif:Flash>"));
}

TEST(XmpEdit, EndsOnTextThatIsNoXml) {
  for (std::string packet :
       {" exif:GPS", "<exif:GPSx", "<exif:GPSx>", " exif:GPSa=\"1", "exif:GPS"}) {
    const std::string before = packet;
    dropXmpGps(packet);
    EXPECT_EQ(packet, before);
  }
}

TEST(Iptc, ComesBackOutOfItsBlock) {
  for (const std::size_t size : {1U, 2U, 777U}) {
    const std::vector<std::uint8_t> record(size, 0x1C);
    EXPECT_EQ(iptcOfResources(resourcesOfIptc(record)), record);
  }
  EXPECT_TRUE(resourcesOfIptc({}).empty());
  auto cut = resourcesOfIptc(std::vector<std::uint8_t>(50, 1));
  for (; !cut.empty(); cut.pop_back()) iptcOfResources(cut);
}

TEST(StoredLayout, IsSaidWhenItCannotBeKept) {
  const test::ImageFiles started;
  const test::TemporaryFolder folder;
  writeImage(test::photographImage(20, 10), folder / "plain.png");
  EXPECT_TRUE(readImage(folder / "plain.png").notes.empty());
  VipsImage* image = vips_image_new_from_file((folder / "plain.png").c_str(), nullptr);
  ASSERT_NE(image, nullptr);
  VipsImage* grey = nullptr;
  ASSERT_EQ(vips_colourspace(image, &grey, VIPS_INTERPRETATION_B_W, nullptr), 0);
  ASSERT_EQ(vips_pngsave(grey, (folder / "bit.png").c_str(), "bitdepth", 1, nullptr), 0);
  VipsImage* ink = nullptr;
  ASSERT_EQ(vips_colourspace(image, &ink, VIPS_INTERPRETATION_CMYK, nullptr), 0);
  ASSERT_EQ(vips_jpegsave(ink, (folder / "ink.jpg").c_str(), nullptr), 0);
  for (VipsImage* made : {image, grey, ink}) g_object_unref(made);
  const Image bit = readImage(folder / "bit.png");
  EXPECT_TRUE(bit.grey);
  EXPECT_THAT(bit.notes, testing::ElementsAre(HasSubstr("1-bit")));
  EXPECT_THAT(readImage(folder / "ink.jpg").notes, testing::ElementsAre(HasSubstr("CMYK")));
}

}  // namespace
}  // namespace pristine
