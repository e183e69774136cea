#include <QApplication>
#include <QCommandLineParser>
#include <QDir>
#include <QSettings>
#include <QStandardPaths>
#include <algorithm>
#include <cstdio>
#include <exception>
#include <string_view>

#include "app/image_file.h"
#include "gui/icons.h"
#include "gui/main_window.h"
#include "gui/text.h"
#include "gui/theme.h"
#include "gui/translations.h"

namespace {

/// Whether the arguments only ask for text, which needs no screen.
bool asksForText(int argc, char** argv) {
  return std::any_of(argv + 1, argv + argc, [](const char* argument) {
    const std::string_view word = argument;
    return word == "-h" || word == "--help" || word == "--help-all" || word == "-v" ||
           word == "--version";
  });
}

}  // namespace

int main(int argc, char** argv) {
  if (asksForText(argc, argv)) qputenv("QT_QPA_PLATFORM", "offscreen");
  QApplication application(argc, argv);
  QApplication::setOrganizationName(QStringLiteral("pristine"));
  QApplication::setApplicationName(QStringLiteral("pristine-viewer"));
  QApplication::setApplicationDisplayName(QStringLiteral("Pristine"));
  QApplication::setApplicationVersion(QStringLiteral(PRISTINE_VERSION));
  QApplication::setDesktopFileName(QStringLiteral("pristine-viewer"));
  QApplication::setWindowIcon(pristine::gui::applicationIcon());
  try {
    pristine::initializeImageFiles();
  } catch (const std::exception& error) {
    std::fprintf(stderr, "pristine-viewer: %s\n", error.what());
    return 5;
  }
  QSettings settings;
  pristine::gui::installTranslations(application,
                                     settings.value(QStringLiteral("language")).toString());

  QCommandLineParser parser;
  parser.setApplicationDescription(
      QCoreApplication::translate("main", "Restores photographs and compares them."));
  parser.addHelpOption();
  parser.addVersionOption();
  const QCommandLineOption reference(
      QStringLiteral("reference"),
      QCoreApplication::translate("main", "A picture to compare with and to measure against."),
      QCoreApplication::translate("main", "file"));
  parser.addOption(reference);
  parser.addPositionalArgument(QCoreApplication::translate("main", "pictures"),
                               QCoreApplication::translate("main", "Files and folders to open."),
                               QStringLiteral("[…]"));
  parser.process(application);

  pristine::gui::applyTheme(application, pristine::gui::themeFromString(
                                             settings.value(QStringLiteral("theme")).toString()));
  const QString data = QStandardPaths::writableLocation(QStandardPaths::AppDataLocation);
  QDir().mkpath(data);
  pristine::gui::MainWindow window(settings, data + QStringLiteral("/queue.json"));
  window.show();
  std::vector<std::filesystem::path> paths;
  for (const QString& argument : parser.positionalArguments()) {
    paths.push_back(pristine::gui::toPath(argument));
  }
  if (!paths.empty()) window.openPaths(paths);
  if (parser.isSet(reference)) window.openReference(parser.value(reference));
  return QApplication::exec();
}
