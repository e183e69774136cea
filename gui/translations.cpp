#include "gui/translations.h"

#include <QCoreApplication>
#include <QLibraryInfo>
#include <QLocale>
#include <QTranslator>

namespace pristine::gui {

void installTranslations(QCoreApplication& application, const QString& language) {
  const QLocale locale = language.isEmpty() ? QLocale() : QLocale(language);
  const auto install = [&](const QString& name, const QString& folder) {
    auto* translator = new QTranslator(&application);
    if (translator->load(locale, name, QStringLiteral("_"), folder)) {
      QCoreApplication::installTranslator(translator);
    }
  };
  install(QStringLiteral("qtbase"), QLibraryInfo::path(QLibraryInfo::TranslationsPath));
  install(QStringLiteral("pristine"), QStringLiteral(":/i18n"));
}

}  // namespace pristine::gui
