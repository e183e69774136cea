#include <gtest/gtest.h>

#include <QFile>
#include <QRegularExpression>
#include <QXmlStreamReader>

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

}  // namespace
}  // namespace pristine::gui
