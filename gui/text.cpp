#include "gui/text.h"

#include <QCoreApplication>
#include <QFile>
#include <QRegularExpression>
#include <cmath>

namespace pristine::gui {

QString toQString(const std::filesystem::path& path) {
  return QFile::decodeName(QByteArray::fromStdString(path.string()));
}

std::filesystem::path toPath(const QString& text) {
  return QFile::encodeName(text).toStdString();
}

QString plainText(QString text) {
  static const QRegularExpression kMnemonic(QStringLiteral("\\(&.\\)|&|…"));
  return text.remove(kMnemonic);
}

QString durationText(double seconds) {
  const auto whole = static_cast<long>(std::lround(seconds));
  if (whole < 60) return QCoreApplication::translate("Duration", "%1 s").arg(whole);
  const long minutes = (whole + 30) / 60;
  if (minutes < 60) return QCoreApplication::translate("Duration", "%1 min").arg(minutes);
  return QCoreApplication::translate("Duration", "%1 h %2 min").arg(minutes / 60).arg(minutes % 60);
}

}  // namespace pristine::gui
