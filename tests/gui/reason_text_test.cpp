#include "gui/reason_text.h"

#include <gtest/gtest.h>

#include <QApplication>
#include <QRegularExpression>
#include <QTranslator>
#include <filesystem>
#include <fstream>
#include <functional>

#include "app/image_file.h"
#include "app/model_catalog.h"
#include "app/output_policy.h"
#include "gui/text.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/test_image.h"

namespace pristine::gui {
namespace {

namespace fs = std::filesystem;

class ReasonTextTest : public testing::Test {
 protected:
  ReasonTextTest() {
    EXPECT_TRUE(chinese.load(QStringLiteral(":/i18n/pristine_zh_CN.qm")));
    QCoreApplication::installTranslator(&chinese);
  }
  ~ReasonTextTest() override { QCoreApplication::removeTranslator(&chinese); }

  /// What the interface says of what an action throws.
  static QString thrown(const std::function<void()>& action) {
    try {
      action();
    } catch (const std::exception& error) {
      return reasonText(error);
    }
    ADD_FAILURE() << "nothing was thrown";
    return {};
  }
  fs::path file(const std::string& name, const std::string& content) {
    std::ofstream(folder / name) << content;
    return folder / name;
  }
  /// Chinese, but for names between quotes.
  static void expectChinese(const QString& text) {
    static const QRegularExpression kQuoted(QStringLiteral("“[^”]*”"));
    static const QRegularExpression kEnglish(QStringLiteral("[A-Za-z]+ [a-z]+"));
    static const QRegularExpression kChinese(QStringLiteral("\\p{Han}"));
    QString outside = text;
    outside.remove(kQuoted);
    EXPECT_TRUE(outside.contains(kChinese)) << text.toStdString();
    EXPECT_FALSE(outside.contains(kEnglish)) << text.toStdString();
  }

  test::TemporaryFolder folder;
  QTranslator chinese;
};

TEST_F(ReasonTextTest, PicturesThatCannotBeReadAreExplained) {
  const auto reading = [&](const fs::path& path) {
    const QString text = thrown([&] { readImage(path); });
    EXPECT_TRUE(text.contains(toQString(path.filename()))) << text.toStdString();
    expectChinese(text);
  };
  reading(folder / "missing.png");
  reading(file("empty.png", ""));
  reading(file("text.png", "this is text"));
  reading(folder.path());
}

TEST_F(ReasonTextTest, WordsOfALibraryFollowWhatKindOfFailureItWas) {
  fs::path whole = folder / "whole.jpg";
  writeImage(test::photographImage(160, 120), whole);
  fs::resize_file(whole, fs::file_size(whole) / 2);
  const QString text = thrown([&] { readImage(whole); });
  EXPECT_TRUE(text.contains(QStringLiteral("whole.jpg"))) << text.toStdString();
  EXPECT_TRUE(text.contains(QStringLiteral("文件不完整"))) << text.toStdString();
  EXPECT_EQ(reasonText("gnarf 17 broke", ErrorCode::Output),
            QStringLiteral("无法写入：gnarf 17 broke"));
  EXPECT_EQ(reasonText("gnarf 17 broke"), QStringLiteral("gnarf 17 broke"));
}

TEST_F(ReasonTextTest, OutputsThatCannotBeWrittenAreExplained) {
  const fs::path foreign = folder / "a.png";
  writeImage(test::photographImage(20, 10), foreign);
  const Journal journal(folder / "journal", folder.path());
  const Decision decision =
      decide({folder / "b.png", foreign}, "settings", IfExists::Auto, journal);
  expectChinese(reasonText(decision.reason, ErrorCode::Output));
  const Decision fail = decide({folder / "b.png", foreign}, "settings", IfExists::Fail, journal);
  expectChinese(reasonText(fail.reason, ErrorCode::Output));
  const auto writing = [&](const fs::path& path, const WriteOptions& options) {
    expectChinese(thrown([&] { writeImage(test::photographImage(20, 10), path, options); }));
  };
  writing(folder / "missing" / "x.png", {});
  WriteOptions floats;
  floats.depth = SampleDepth::F32;
  writing(folder / "x.jpg", floats);
  WriteOptions deep;
  deep.depth = SampleDepth::U16;
  writing(folder / "x.jpg", deep);
  deep.depth = SampleDepth::U8;
  writing(folder / "x.exr", deep);
}

TEST_F(ReasonTextTest, ModelsThatCannotBeUsedAreExplained) {
  const auto loading = [&](const std::string& task, int scale, const std::string& model) {
    expectChinese(thrown([&] { loadModel(ModelChoice{task, scale, model}); }));
  };
  loading("denoise", 1, "/nowhere/x.safetensors");
  loading("denoise", 1, "camera");
  loading("dejpeg", 1, "nonsense");
  loading("upscale", 2, "denoise");
  loading("denoise", 1, file("short.safetensors", "abc").string());
  loading("denoise", 1, file("long.safetensors", std::string(64, 'x')).string());
}

TEST_F(ReasonTextTest, TheNameOfAPictureIsLeftOutBesideItself) {
  EXPECT_EQ(reasonFor("/p/a.png", "picture '/p/a.png': is empty"), QStringLiteral("是空的"));
  EXPECT_EQ(reasonFor("/p/b.png", "picture '/p/a.png': is empty"),
            QStringLiteral("图片“/p/a.png”：是空的"));
}

TEST_F(ReasonTextTest, NamesThatReadLikeReasonsAreLeftAlone) {
  EXPECT_TRUE(reasonText("output 'is empty' exists").contains(QStringLiteral("“is empty”")));
  EXPECT_TRUE(reasonText("picture 'does not exist': is truncated")
                  .contains(QStringLiteral("“does not exist”")));
}

TEST_F(ReasonTextTest, EnglishSaysWhatAppSays) {
  QCoreApplication::removeTranslator(&chinese);
  EXPECT_EQ(reasonText("picture '/p/a.png': is empty", ErrorCode::Input),
            QStringLiteral("picture '/p/a.png': is empty"));
  EXPECT_EQ(reasonText("picture 'x': a picture of 20x10 does not fit into memory"),
            QStringLiteral("picture 'x': a picture of 20x10 does not fit into memory"));
}

}  // namespace
}  // namespace pristine::gui
