#pragma once

#include <QString>
#include <filesystem>

namespace pristine::gui {

/// Between Qt's texts and paths; bytes that are no UTF-8 survive as Qt's file names let them.
QString toQString(const std::filesystem::path& path);
std::filesystem::path toPath(const QString& text);

/// The text of an action or label without its mnemonic, "(&X)" as in Chinese included, and "…".
QString plainText(QString text);

/// "14 min", "2 h 5 min", "40 s".
QString durationText(double seconds);

}  // namespace pristine::gui
