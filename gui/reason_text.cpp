#include "gui/reason_text.h"

#include <QCoreApplication>
#include <QFile>
#include <QRegularExpression>
#include <array>
#include <vector>

namespace pristine::gui {

namespace {

constexpr const char* kContext = "Reason";

/// Names of things, followed by what is wrong with them.
constexpr std::array kSubjects{
    QT_TRANSLATE_NOOP("Reason", "picture '%1': %2"),
    QT_TRANSLATE_NOOP("Reason", "folder '%1': %2"),
    QT_TRANSLATE_NOOP("Reason", "model '%1': %2"),
    QT_TRANSLATE_NOOP("Reason", "'%1': %2"),
};

/// Whole sentences. The first that fits is taken.
constexpr std::array kSentences{
    // Pictures that cannot be read.
    QT_TRANSLATE_NOOP("Reason", "does not exist"),
    QT_TRANSLATE_NOOP("Reason", "is a folder"),
    QT_TRANSLATE_NOOP("Reason", "is not a file"),
    QT_TRANSLATE_NOOP("Reason", "is empty"),
    QT_TRANSLATE_NOOP("Reason", "is truncated"),
    QT_TRANSLATE_NOOP("Reason", "has no pixels"),
    QT_TRANSLATE_NOOP("Reason", "picture has no pixels"),
    QT_TRANSLATE_NOOP("Reason", "is not a picture of a known format"),
    QT_TRANSLATE_NOOP("Reason", "is not PNG, JPEG, TIFF, WebP, AVIF, HEIC, JPEG XL or OpenEXR"),
    QT_TRANSLATE_NOOP("Reason", "has %1 pages, expected one"),
    QT_TRANSLATE_NOOP("Reason", "has %1 channels, expected 1 to 4"),
    QT_TRANSLATE_NOOP("Reason", "has no channels R, G and B, nor a Y alone"),
    QT_TRANSLATE_NOOP("Reason", "channel %1 is subsampled"),
    QT_TRANSLATE_NOOP("Reason", "channel %1 holds integers, expected floats"),
    QT_TRANSLATE_NOOP("Reason", "holds '%1', expected scan lines or tiles"),
    QT_TRANSLATE_NOOP("Reason", "holds deep data, expected flat pixels"),
    QT_TRANSLATE_NOOP("Reason", "has several parts, expected one"),
    QT_TRANSLATE_NOOP("Reason", "picture has values in row %1 that are no numbers"),
    // Memory.
    QT_TRANSLATE_NOOP("Reason", "does not fit into memory"),
    QT_TRANSLATE_NOOP("Reason", "a picture of %1x%2 times %3 does not fit into memory"),
    QT_TRANSLATE_NOOP("Reason", "a picture of %1x%2 does not fit into memory"),
    QT_TRANSLATE_NOOP("Reason", "a tile of %1x%2 does not fit into memory"),
    QT_TRANSLATE_NOOP("Reason",
                      "a picture of %1x%2 is too large to look at while it is restored; the queue "
                      "takes it"),
    QT_TRANSLATE_NOOP("Reason", "takes %1 MiB as a whole, %2 are left, and %3; raise --max-memory"),
    QT_TRANSLATE_NOOP("Reason", "enlarging goes by whole pictures"),
    QT_TRANSLATE_NOOP("Reason", "this %1 file can be decoded only as a whole"),
    QT_TRANSLATE_NOOP("Reason", "%1 can be encoded only as a whole"),
    QT_TRANSLATE_NOOP("Reason",
                      "a row of tiles of %1x%2 pixels takes %3 MiB, %4 are left; raise "
                      "--max-memory"),
    // Outputs.
    QT_TRANSLATE_NOOP("Reason",
                      "output '%1' exists and was not made by this program, or was changed since"),
    QT_TRANSLATE_NOOP("Reason", "output '%1' exists"),
    QT_TRANSLATE_NOOP("Reason", "output exists"),
    QT_TRANSLATE_NOOP("Reason",
                      "a picture of %1x%2 does not fit into a %3 file, which holds %4 pixels a "
                      "side"),
    QT_TRANSLATE_NOOP("Reason", "%1 can be read, not written; choose another with --format"),
    QT_TRANSLATE_NOOP("Reason", "%1 has no 32-bit float samples; TIFF and OpenEXR have"),
    QT_TRANSLATE_NOOP("Reason", "%1 has float samples only; leave --depth out or say f32"),
    QT_TRANSLATE_NOOP("Reason", "%1 has at most %2 bits a sample, %3 were asked for"),
    QT_TRANSLATE_NOOP("Reason", "metadata cannot be added: %1"),
    QT_TRANSLATE_NOOP("Reason", "EXIF cannot be written: %1"),
    QT_TRANSLATE_NOOP("Reason", "the file cannot be read"),
    QT_TRANSLATE_NOOP("Reason", "the device refused the bytes"),
    QT_TRANSLATE_NOOP("Reason", "the device refused the last bytes"),
    // Models.
    QT_TRANSLATE_NOOP("Reason", "no model '%1' for task %2, and no other for it, in %3"),
    QT_TRANSLATE_NOOP("Reason", "no model '%1' for task %2, installed: %3"),
    QT_TRANSLATE_NOOP("Reason", "model '%1' is in none of %2"),
    QT_TRANSLATE_NOOP("Reason", "model '%1' is for task %2, expected %3"),
    QT_TRANSLATE_NOOP("Reason", "model '%1' does not fit into memory"),
    QT_TRANSLATE_NOOP("Reason", "model '%1' gave values that are no numbers"),
    QT_TRANSLATE_NOOP("Reason", "model '%1' cannot be read"),
    QT_TRANSLATE_NOOP("Reason", "model '%1' has %2 bytes, expected 8 at least"),
    QT_TRANSLATE_NOOP("Reason", "model '%1' says its header has %2 bytes, the file has %3"),
    QT_TRANSLATE_NOOP("Reason", "model '%1' has a header that is not JSON"),
    QT_TRANSLATE_NOOP("Reason", "metadata has no 'pristine' entry"),
    // What the system says.
    QT_TRANSLATE_NOOP("Reason", "No such file or directory"),
    QT_TRANSLATE_NOOP("Reason", "Permission denied"),
    QT_TRANSLATE_NOOP("Reason", "permission denied"),
    QT_TRANSLATE_NOOP("Reason", "Is a directory"),
    QT_TRANSLATE_NOOP("Reason", "Not a directory"),
    QT_TRANSLATE_NOOP("Reason", "File name too long"),
    QT_TRANSLATE_NOOP("Reason", "Read-only file system"),
    QT_TRANSLATE_NOOP("Reason", "Disk quota exceeded"),
    QT_TRANSLATE_NOOP("Reason", "Input/output error"),
    QT_TRANSLATE_NOOP("Reason", "No space left on device"),
    QT_TRANSLATE_NOOP("Reason", "%1: No space left on device"),
    QT_TRANSLATE_NOOP("Reason", "%1: unable to open for write"),
    QT_TRANSLATE_NOOP("Reason", "unknown error"),
    // Last: they begin what others end.
    QT_TRANSLATE_NOOP("Reason", "cannot be read"),
    QT_TRANSLATE_NOOP("Reason", "cannot be written"),
    QT_TRANSLATE_NOOP("Reason", "cannot be read: %1"),
    QT_TRANSLATE_NOOP("Reason", "cannot be written: %1"),
    QT_TRANSLATE_NOOP("Reason", "cannot be used: %1"),
    QT_TRANSLATE_NOOP("Reason", "too little memory: %1"),
    QT_TRANSLATE_NOOP("Reason", "cannot be done: %1"),
};

/// A sentence with places for names and numbers, as something that finds them.
struct Sentence {
  explicit Sentence(const char* text) : source(text) {
    static const QRegularExpression kPlace(QStringLiteral("\\\\%\\d"));
    const QString escaped = QRegularExpression::escape(QString::fromLatin1(text));
    matcher.setPattern(QRegularExpression::anchoredPattern(
        QString(escaped).replace(kPlace, QStringLiteral("(.+?)"))));
    matcher.setPatternOptions(QRegularExpression::DotMatchesEverythingOption);
    matcher.optimize();
  }
  QString translated() const { return QCoreApplication::translate(kContext, source); }
  /// A place between quotes holds a name, which means nothing even if it reads like a reason.
  bool isName(int place) const {
    return QLatin1String(source).contains(QStringLiteral("'%%1'").arg(place));
  }

  const char* source;
  QRegularExpression matcher;
};

template <std::size_t N>
std::vector<Sentence> sentences(const std::array<const char*, N>& texts) {
  return {texts.begin(), texts.end()};
}

/// The reason if one of the sentences is it; null if none is.
QString known(const QString& reason) {
  static const std::vector<Sentence> kKnown = sentences(kSentences);
  for (const Sentence& sentence : kKnown) {
    const QRegularExpressionMatch match = sentence.matcher.match(reason);
    if (!match.hasMatch()) continue;
    QString text = sentence.translated();
    for (int place = match.lastCapturedIndex(); place > 0; --place) {
      const QString held = match.captured(place);
      const QString inner = sentence.isName(place) ? QString() : known(held);
      text.replace(QStringLiteral("%%1").arg(place), inner.isNull() ? held : inner);
    }
    return text;
  }
  return {};
}

/// In somebody else's words: at least what kind of failure it was.
QString unknown(const QString& reason, std::optional<ErrorCode> code) {
  if (!code) return reason;
  const char* kind = nullptr;
  switch (*code) {
    case ErrorCode::Input:
      kind = "cannot be read: %1";
      break;
    case ErrorCode::Output:
      kind = "cannot be written: %1";
      break;
    case ErrorCode::Model:
      kind = "cannot be used: %1";
      break;
    case ErrorCode::Memory:
      kind = "too little memory: %1";
      break;
    case ErrorCode::Usage:
    case ErrorCode::Stopped:
      kind = "cannot be done: %1";
      break;
  }
  return QCoreApplication::translate(kContext, kind).arg(reason);
}

QString textOf(const QString& reason, std::optional<ErrorCode> code) {
  static const std::vector<Sentence> kWithSubject = sentences(kSubjects);
  for (const Sentence& sentence : kWithSubject) {
    const QRegularExpressionMatch match = sentence.matcher.match(reason);
    if (!match.hasMatch()) continue;
    return sentence.translated().arg(match.captured(1), textOf(match.captured(2), code));
  }
  const QString text = known(reason);
  return text.isNull() ? unknown(reason, code) : text;
}

QString decoded(const std::string& reason) {
  return QFile::decodeName(QByteArray::fromStdString(reason));
}

}  // namespace

QString reasonText(const std::string& reason, std::optional<ErrorCode> code) {
  return textOf(decoded(reason), code);
}

QString reasonText(const std::exception& error) {
  const auto* ours = dynamic_cast<const Error*>(&error);
  return reasonText(error.what(), ours != nullptr ? std::optional(ours->code()) : std::nullopt);
}

QString reasonFor(const std::filesystem::path& picture, const std::string& reason,
                  std::optional<ErrorCode> code) {
  const std::string name = "picture '" + picture.string() + "': ";
  return reasonText(reason.starts_with(name) ? reason.substr(name.size()) : reason, code);
}

}  // namespace pristine::gui
