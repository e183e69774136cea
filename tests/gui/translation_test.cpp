#include <gtest/gtest.h>

#include <QFile>
#include <QLocale>
#include <QProcess>
#include <QRegularExpression>
#include <QTranslator>
#include <QXmlStreamReader>
#include <filesystem>

#include "app/model_catalog.h"
#include "gui/main_window.h"
#include "gui/text.h"
#include "tests/support/temporary_folder.h"

namespace pristine::gui {
namespace {

TEST(Translation, ChineseIsCompleteAndKeepsThePlaceholders) {
  QFile file(QStringLiteral(PRISTINE_SOURCE_DIR "/gui/translations/pristine_zh_CN.ts"));
  ASSERT_TRUE(file.open(QIODevice::ReadOnly));
  QXmlStreamReader xml(&file);
  QString source;
  int messages = 0;
  while (!xml.atEnd()) {
    if (xml.readNext() != QXmlStreamReader::StartElement) continue;
    if (xml.name() == QLatin1String("source")) {
      source = xml.readElementText();
    } else if (xml.name() == QLatin1String("translation")) {
      EXPECT_FALSE(xml.attributes().hasAttribute(QStringLiteral("type"))) << source.toStdString();
      const QString text = xml.readElementText();
      EXPECT_FALSE(text.isEmpty()) << source.toStdString();
      const auto placeholders = [](const QString& of) {
        QStringList found;
        auto matches = QRegularExpression(QStringLiteral("%\\d")).globalMatch(of);
        while (matches.hasNext()) found << matches.next().captured();
        found.sort();
        return found;
      };
      EXPECT_EQ(placeholders(source), placeholders(text)) << source.toStdString();
      ++messages;
    }
  }
  EXPECT_FALSE(xml.hasError()) << xml.errorString().toStdString();
  EXPECT_GT(messages, 100);
}

TEST(Translation, EveryTextOfTheSourcesIsTranslated) {
  const test::TemporaryFolder folder;
  const QString file = toQString(folder / "pristine_zh_CN.ts");
  const QString sources = QStringLiteral(PRISTINE_SOURCE_DIR "/gui");
  ASSERT_TRUE(QFile::copy(sources + QStringLiteral("/translations/pristine_zh_CN.ts"), file));
  QProcess lupdate;
  lupdate.start(QStringLiteral(PRISTINE_LUPDATE),
                {QStringLiteral("-silent"), QStringLiteral("-I"),
                 QStringLiteral(PRISTINE_SOURCE_DIR), sources, QStringLiteral("-ts"), file});
  ASSERT_TRUE(lupdate.waitForFinished());
  ASSERT_EQ(lupdate.exitCode(), 0) << lupdate.readAllStandardError().toStdString();
  QFile updated(file);
  ASSERT_TRUE(updated.open(QIODevice::ReadOnly));
  QXmlStreamReader xml(&updated);
  QString source;
  int messages = 0;
  while (!xml.atEnd()) {
    if (xml.readNext() != QXmlStreamReader::StartElement) continue;
    if (xml.name() == QLatin1String("source")) source = xml.readElementText();
    if (xml.name() != QLatin1String("translation")) continue;
    // "unfinished": new in the sources; "vanished": no longer there.
    EXPECT_EQ(xml.attributes().value(QStringLiteral("type")).toString().toStdString(), "")
        << source.toStdString() << "; ninja pristine_gui_lupdate";
    ++messages;
  }
  EXPECT_GT(messages, 100);
}

TEST(Translation, TitlesOfTheModelsThatComeWithTheProgramAreTranslated) {
  QTranslator chinese;
  ASSERT_TRUE(chinese.load(QStringLiteral(":/i18n/pristine_zh_CN.qm")));
  int models = 0;
  for (const auto& entry :
       std::filesystem::directory_iterator(PRISTINE_SOURCE_DIR "/data/models")) {
    if (entry.path().extension() != ".safetensors") continue;
    const std::string title = loadModel(entry.path().string())->info().title;
    EXPECT_FALSE(chinese.translate("Model", title.c_str()).isEmpty())
        << title << "; gui/model_title.cpp";
    ++models;
  }
  EXPECT_GT(models, 0);
}

TEST(Translation, IsBuiltInAndFoundByTheClassesThatAskForIt) {
  QTranslator translator;
  ASSERT_TRUE(translator.load(QLocale(QStringLiteral("zh_CN")), QStringLiteral("pristine"),
                              QStringLiteral("_"), QStringLiteral(":/i18n")));
  const QByteArray context = MainWindow::staticMetaObject.className();
  EXPECT_EQ(translator.translate(context, "&File"), QStringLiteral("文件(&F)"));
  EXPECT_EQ(plainText(translator.translate(context, "&Open…")), QStringLiteral("打开"));
}

}  // namespace
}  // namespace pristine::gui
