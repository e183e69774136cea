#include <gtest/gtest.h>

#include <QSignalSpy>
#include <algorithm>
#include <fstream>
#include <iterator>

#include "app/image_file.h"
#include "gui/main_window.h"
#include "gui/text.h"
#include "tests/app/tagged_file.h"
#include "tests/gui/gui_test_support.h"
#include "tests/support/colour_profiles.h"

namespace pristine::gui {
namespace {

namespace fs = std::filesystem;

std::string contentOf(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

class SavingTest : public testing::Test {
 protected:
  /// A JPEG with a profile, a name in EXIF and a title in XMP.
  fs::path taggedPicture() {
    const fs::path path = fixture.picture("tagged.jpg");
    const std::string name = "Mira Holt";
    test::FileTags tags;
    tags.exif.entries = {{0x013B, TiffType::Ascii, {name.begin(), name.end()}}};
    tags.exif.entries.front().values.push_back(0);
    tags.xmp = test::xmpPacket("Hafen", 1);
    tags.profile = profile;
    test::tagFile(path, tags);
    return path;
  }
  void expectTags(const fs::path& path) {
    EXPECT_EQ(iccProfile(readImage(path)), profile) << path;
    const std::string content = contentOf(path);
    EXPECT_NE(content.find("Mira Holt"), std::string::npos) << path;
    EXPECT_NE(content.find("Hafen"), std::string::npos) << path;
  }

  const std::vector<std::uint8_t>& profile = test::colourProfiles().rbegin()->second;
  WindowFixture fixture;
};

TEST_F(SavingTest, KeepsProfileAndMetadata) {
  ASSERT_TRUE(fixture.show(taggedPicture()));
  ASSERT_TRUE(waitFor([&] { return fixture.window().restore().isComplete(); }));
  QSignalSpy saved(&fixture.window(), &MainWindow::saved);
  for (const char* name : {"out.jpg", "out.tif", "out.webp"}) {
    saved.clear();
    fixture.window().saveTo(toQString(fixture.folder() / name));
    ASSERT_TRUE(waitFor([&] { return saved.count() == 1; }));
    expectTags(fixture.folder() / name);
  }
}

TEST_F(SavingTest, QueueKeepsProfileAndMetadata) {
  ASSERT_TRUE(fixture.show(taggedPicture()));
  fixture.window().action(QStringLiteral("start"))->trigger();
  ASSERT_TRUE(waitFor([&] { return fixture.window().queueModel().counts().done == 1; }));
  expectTags(fixture.folder() / "restored" / "tagged.jpg");
}

TEST_F(SavingTest, KeepsTheDepthOfEverySource) {
  QSignalSpy saved(&fixture.window(), &MainWindow::saved);
  for (const SampleDepth depth : {SampleDepth::U8, SampleDepth::U16, SampleDepth::F32}) {
    const std::string number = std::to_string(static_cast<int>(depth));
    ASSERT_TRUE(fixture.show(fixture.picture("in" + number + ".tif", 90, 70, depth)));
    saved.clear();
    const fs::path out = fixture.folder() / ("out" + number + ".tif");
    fixture.window().saveTo(toQString(out));
    ASSERT_TRUE(waitFor([&] { return saved.count() == 1; }));
    EXPECT_EQ(readImage(out).depth, depth);
  }
}

}  // namespace
}  // namespace pristine::gui
