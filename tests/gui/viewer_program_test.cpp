// The program as users start it, and what a desktop knows of it.

#include <gtest/gtest.h>

#include <QDir>
#include <QFile>
#include <QImage>
#include <QRegularExpression>
#include <QSettings>
#include <QXmlStreamReader>
#include <csignal>
#include <sstream>

#include "app/file_format.h"
#include "app/image_file.h"
#include "gui/text.h"
#include "tests/gui/gui_test_support.h"
#include "tests/support/files.h"
#include "tests/support/process.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/test_image.h"

namespace pristine::gui {
namespace {

namespace fs = std::filesystem;

class ViewerProgramTest : public testing::Test {
 protected:
  std::vector<std::string> environment() const {
    return {"QT_QPA_PLATFORM=offscreen", "HOME=" + folder.path().string(),
            "XDG_CONFIG_HOME=" + folder.path().string(), "XDG_DATA_HOME=" + folder.path().string(),
            "XDG_RUNTIME_DIR=" + folder.path().string()};
  }
  test::ProcessResult run(const std::vector<std::string>& arguments) const {
    std::vector<std::string> words{PRISTINE_VIEWER};
    words.insert(words.end(), arguments.begin(), arguments.end());
    return test::runProcess(words, environment());
  }
  fs::path settingsFile() const { return folder / "pristine" / "pristine-viewer.conf"; }
  void setLanguage(const QString& language) const {
    QSettings settings(toQString(settingsFile()), QSettings::IniFormat);
    settings.setValue(QStringLiteral("language"), language);
  }
  /// But for what the platform without a screen says of itself.
  static std::string warnings(const std::string& errors) {
    std::istringstream lines(errors);
    std::string found;
    for (std::string line; std::getline(lines, line);) {
      if (line.find("This plugin does not support") == std::string::npos) found += line + '\n';
    }
    return found;
  }

  test::TemporaryFolder folder;
};

TEST_F(ViewerProgramTest, HelpNamesWhatItTakes) {
  const auto help = run({"--help"});
  EXPECT_EQ(help.exitCode, 0);
  EXPECT_EQ(help.err, "");
  for (const char* word : {"--reference", "Files and folders to open", "--version"}) {
    EXPECT_NE(help.out.find(word), std::string::npos) << word;
  }
  // Where there is no screen, too.
  EXPECT_EQ(test::runProcess({"/usr/bin/env", "-u", "DISPLAY", "-u", "QT_QPA_PLATFORM",
                              PRISTINE_VIEWER, "--help"})
                .exitCode,
            0);
  setLanguage(QStringLiteral("zh_CN"));
  EXPECT_NE(run({"--help"}).out.find("要打开的文件和文件夹"), std::string::npos);
}

TEST_F(ViewerProgramTest, OpensItsArgumentsWithoutAWarning) {
  const fs::path picture = folder / "写真 1.png";
  writeImage(test::photographImage(160, 120), picture);
  for (const char* language : {"en", "zh_CN"}) {
    setLanguage(QLatin1String(language));
    QSettings(toQString(settingsFile()), QSettings::IniFormat).remove(QStringLiteral("recent"));
    test::Process viewer({PRISTINE_VIEWER, picture.string(), "--reference", picture.string()},
                         environment());
    const bool opened = waitFor([&] {
      return QSettings(toQString(settingsFile()), QSettings::IniFormat)
          .value(QStringLiteral("recent"))
          .toStringList()
          .contains(toQString(picture));
    });
    EXPECT_TRUE(opened);
    viewer.signal(SIGTERM);
    const auto end = viewer.finish();
    EXPECT_EQ(end.signal, SIGTERM);
    EXPECT_EQ(warnings(end.err), "") << language;
  }
}

QString resource(const QString& name) {
  QFile file(QStringLiteral(PRISTINE_SOURCE_DIR "/gui/resources/") + name);
  EXPECT_TRUE(file.open(QIODevice::ReadOnly)) << name.toStdString();
  return QString::fromUtf8(file.readAll());
}

TEST(DesktopEntry, StartsTheProgramWithEveryKindOfPictureThatItReads) {
  const QString entry = resource(QStringLiteral("pristine-viewer.desktop"));
  const auto value = [&](const QString& key) {
    const QRegularExpression line(QStringLiteral("^%1=(.*)$").arg(QRegularExpression::escape(key)),
                                  QRegularExpression::MultilineOption);
    return line.match(entry).captured(1);
  };
  EXPECT_TRUE(entry.startsWith(QStringLiteral("[Desktop Entry]\n")));
  EXPECT_EQ(value(QStringLiteral("Type")), QStringLiteral("Application"));
  EXPECT_EQ(value(QStringLiteral("Exec")), QStringLiteral("pristine-viewer %F"));
  EXPECT_EQ(value(QStringLiteral("Icon")), QStringLiteral("pristine-viewer"));
  EXPECT_FALSE(value(QStringLiteral("Comment[zh_CN]")).isEmpty());
  const QStringList types = value(QStringLiteral("MimeType")).split(QLatin1Char(';'));
  for (const char* type : {"image/png", "image/jpeg", "image/tiff", "image/webp", "image/avif",
                           "image/heif", "image/jxl", "image/x-exr", "inode/directory"}) {
    EXPECT_TRUE(types.contains(QLatin1String(type))) << type;
  }
}

TEST(DesktopEntry, IconsHaveTheirSizes) {
  for (const int size : {16, 32, 48, 64, 128, 256}) {
    const QImage icon(
        QStringLiteral(PRISTINE_SOURCE_DIR "/gui/resources/pristine-%1.png").arg(size));
    EXPECT_EQ(icon.size(), QSize(size, size));
    EXPECT_TRUE(icon.hasAlphaChannel());
  }
}

TEST(AppStream, NamesProgramLicenceAndDesktopEntry) {
  QXmlStreamReader xml(resource(QStringLiteral("io.github.pristine.Viewer.metainfo.xml")));
  QMap<QString, QStringList> texts;
  QStringList chinese;
  while (!xml.atEnd()) {
    if (xml.readNext() != QXmlStreamReader::StartElement) continue;
    const QString name = xml.name().toString();
    if (xml.attributes().value(QStringLiteral("xml:lang")) == QStringLiteral("zh_CN")) {
      chinese << name;
    }
    if (name == QLatin1String("component") || name == QLatin1String("description") ||
        name == QLatin1String("provides") || name == QLatin1String("ul") ||
        name == QLatin1String("screenshots") || name == QLatin1String("screenshot") ||
        name == QLatin1String("releases") || name == QLatin1String("release") ||
        name == QLatin1String("content_rating")) {
      continue;
    }
    texts[name] << xml.readElementText(QXmlStreamReader::IncludeChildElements);
  }
  EXPECT_FALSE(xml.hasError()) << xml.errorString().toStdString();
  EXPECT_EQ(texts[QStringLiteral("id")], QStringList{QStringLiteral("io.github.pristine.Viewer")});
  EXPECT_EQ(texts[QStringLiteral("project_license")], QStringList{QStringLiteral("Apache-2.0")});
  EXPECT_EQ(texts[QStringLiteral("launchable")],
            QStringList{QStringLiteral("pristine-viewer.desktop")});
  EXPECT_EQ(texts[QStringLiteral("binary")], QStringList{QStringLiteral("pristine-viewer")});
  for (const char* element : {"summary", "p", "li"}) {
    EXPECT_TRUE(chinese.contains(QLatin1String(element))) << element;
  }
}

}  // namespace
}  // namespace pristine::gui
