#include <gtest/gtest.h>

#include <QFile>
#include <QLocale>
#include <QRegularExpression>
#include <QTranslator>
#include <QXmlStreamReader>

#include "gui/main_window.h"
#include "gui/text.h"

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
