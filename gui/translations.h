#pragma once

#include <QString>

class QCoreApplication;

namespace pristine::gui {

/// The program's texts and Qt's own in a language such as "zh_CN"; empty: the system's. English
/// stays where there is no translation.
void installTranslations(QCoreApplication& application, const QString& language);

}  // namespace pristine::gui
