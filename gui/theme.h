#pragma once

#include <QString>

class QApplication;

namespace pristine::gui {

enum class Theme { System, Light, Dark };

/// Colours and style sheet of the whole program. System: dark where the platform's palette is.
void applyTheme(QApplication& application, Theme theme);

QString toString(Theme theme);
Theme themeFromString(const QString& text);

}  // namespace pristine::gui
