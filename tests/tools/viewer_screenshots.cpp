// Takes the pictures of the viewer that the documentation shows: viewer_screenshots PICTURE
// PREFIX [--theme dark] [--language zh_CN] [--reference FILE] [--only NAMES]. Run by
// tests/tools/screenshots.

#include <QApplication>
#include <QCommandLineParser>
#include <QDir>
#include <QSettings>
#include <QStatusBar>
#include <QTemporaryDir>
#include <QTest>
#include <cstdio>
#include <filesystem>
#include <fstream>

#include "app/image_file.h"
#include "gui/icons.h"
#include "gui/main_window.h"
#include "gui/queue_panel.h"
#include "gui/text.h"
#include "gui/theme.h"
#include "gui/translations.h"

namespace {

namespace fs = std::filesystem;
using namespace pristine;
using namespace pristine::gui;

constexpr int kWait = 600'000;  ///< ms; the network is slow on old processors

class Photographer {
 public:
  Photographer(MainWindow& window, QString prefix, const QStringList& only)
      : window_(window), prefix_(std::move(prefix)), only_(only) {}

  bool wants(const QString& name) const { return only_.isEmpty() || only_.contains(name); }
  void take(const QString& name, QWidget* widget = nullptr) {
    if (!wants(name)) return;
    QTest::qWait(300);  // thumbnails, and tiles beyond the first frame's budget
    const QString file = prefix_ + name + QStringLiteral(".png");
    if (!(widget != nullptr ? widget : &window_)->grab().save(file)) {
      std::fprintf(stderr, "cannot write %s\n", qPrintable(file));
    }
  }

 private:
  MainWindow& window_;
  QString prefix_;
  QStringList only_;
};

/// A folder of copies that look like somebody's evening, one of them broken.
std::vector<fs::path> makeEvening(const fs::path& picture, const fs::path& folder) {
  fs::create_directories(folder);
  const Image image = readImage(picture);
  std::vector<fs::path> paths;
  const char* names[] = {"harbour.jpg", "market.jpg",   "old town.jpg", "bridge.png",
                         "evening.tif", "portrait.jpg", "stairs.webp"};
  int i = 0;
  for (const char* name : names) {
    Image part = image;
    const int width = std::min(image.width(), 320);
    const int height = std::min(image.height(), 240);
    const cv::Rect rect(i * std::max(0, image.width() - width) / 6,
                        (i * 2 % 7) * std::max(0, image.height() - height) / 6, width, height);
    part.pixels = image.pixels(rect).clone();
    if (!part.alpha.empty()) part.alpha = part.alpha(rect).clone();
    paths.push_back(folder / name);
    writeImage(part, paths.back());
    ++i;
  }
  std::ofstream(folder / "broken.jpg") << "\xFF\xD8\xFF this is no photograph";
  paths.insert(paths.begin() + 2, folder / "broken.jpg");
  return paths;
}

}  // namespace

int main(int argc, char** argv) {
  QApplication application(argc, argv);
  QApplication::setApplicationDisplayName(QStringLiteral("Pristine"));
  QCommandLineParser parser;
  parser.addOptions(
      {{QStringLiteral("theme"), {}, QStringLiteral("name"), QStringLiteral("light")},
       {QStringLiteral("language"), {}, QStringLiteral("name"), QStringLiteral("en")},
       {QStringLiteral("width"), {}, QStringLiteral("pixels"), QStringLiteral("1280")},
       {QStringLiteral("height"), {}, QStringLiteral("pixels"), QStringLiteral("800")},
       {QStringLiteral("reference"), {}, QStringLiteral("file")},
       {QStringLiteral("only"), {}, QStringLiteral("names")}});
  parser.process(application);
  const QStringList arguments = parser.positionalArguments();
  if (arguments.size() != 2) {
    std::fprintf(stderr, "usage: viewer_screenshots PICTURE PREFIX [options]\n");
    return 2;
  }
  initializeImageFiles();
  installTranslations(application, parser.value(QStringLiteral("language")));
  applyTheme(application, themeFromString(parser.value(QStringLiteral("theme"))));
  const QTemporaryDir folder;
  QSettings settings(folder.filePath(QStringLiteral("settings.ini")), QSettings::IniFormat);
  MainWindow window(settings, folder.filePath(QStringLiteral("queue.json")));
  window.setConfirm([](const QString&, const QString&) { return true; });
  window.resize(parser.value(QStringLiteral("width")).toInt(),
                parser.value(QStringLiteral("height")).toInt());
  window.show();
  const QString only = parser.value(QStringLiteral("only"));
  Photographer photographer(window, arguments[1],
                            only.isEmpty() ? QStringList() : only.split(QLatin1Char(',')));
  if (!QTest::qWaitFor([&] { return window.isVisible(); }, kWait)) return 1;
  QTest::qWait(1500);  // the catalogue and the model are read
  photographer.take(QStringLiteral("empty"));

  const fs::path picture = toPath(arguments[0]);
  const auto evening = makeEvening(picture, toPath(folder.filePath(QStringLiteral("evening"))));
  window.openPaths(evening);
  if (!QTest::qWaitFor([&] { return window.queueModel().rowCount() > 7; }, kWait)) return 1;
  if (photographer.wants(QStringLiteral("queue"))) {
    window.action(QStringLiteral("start"))->trigger();
    const auto halfway = [&] {
      const QueueCounts counts = window.queueModel().counts();
      return counts.done >= 3 && counts.failed >= 1 && counts.running > 0 &&
             window.queue().share() > 0.55;
    };
    if (!QTest::qWaitFor(halfway, kWait)) return 1;
    window.action(QStringLiteral("pause"))->trigger();
    photographer.take(QStringLiteral("queue"));
    window.action(QStringLiteral("stop"))->trigger();
  }

  window.openPaths({picture});
  const auto shown = [&] { return window.currentPath() == arguments[0]; };
  if (!QTest::qWaitFor(shown, kWait)) return 1;
  if (!QTest::qWaitFor([&] { return window.restore().isComplete(); }, kWait)) return 1;
  window.statusBar()->clearMessage();
  window.view()->setFocus();
  const std::pair<const char*, CompareMode> modes[] = {{"split", CompareMode::Split},
                                                       {"side", CompareMode::SideBySide},
                                                       {"blink", CompareMode::Blink},
                                                       {"difference", CompareMode::Difference},
                                                       {"lens", CompareMode::Lens}};
  for (const auto& [name, mode] : modes) {
    window.view()->setMode(mode);
    if (mode == CompareMode::Split) window.view()->zoomFit();
    if (mode != CompareMode::Split) window.view()->zoomTo(1.0);
    const QPoint middle = window.view()->rect().center();
    QTest::mouseMove(window.view(), middle + QPoint(60, 30));
    photographer.take(QLatin1String(name));
  }
  window.view()->setMode(CompareMode::Split);
  window.view()->zoomTo(4.0);
  photographer.take(QStringLiteral("pixels"));
  window.view()->zoomFit();
  if (parser.isSet(QStringLiteral("reference"))) {
    window.openReference(parser.value(QStringLiteral("reference")));
    window.view()->setMode(CompareMode::SideBySide);
    QTest::qWait(3000);  // it is read and measured
    photographer.take(QStringLiteral("reference"));
    window.view()->setMode(CompareMode::Split);
  }
  for (const char* task : {"dejpeg", "upscale"}) {
    if (!photographer.wants(QLatin1String(task))) continue;
    const TaskSettings before = window.taskPanel()->settings();
    TaskSettings chosen = before;
    chosen.task = QLatin1String(task);
    window.taskPanel()->setSettings(chosen);
    emit window.taskPanel()->engineChanged();
    if (!QTest::qWaitFor([&] { return window.restore().isComplete(); }, kWait)) return 1;
    window.statusBar()->clearMessage();
    window.view()->zoomFit();
    photographer.take(QLatin1String(task));
    window.taskPanel()->setSettings(before);
    emit window.taskPanel()->engineChanged();
  }

  window.openPaths({evening[2], toPath(folder.filePath(QStringLiteral("missing.jpg")))});
  if (!QTest::qWaitFor([&] { return !window.errorText().isEmpty(); }, kWait)) return 1;
  photographer.take(QStringLiteral("error"));

  if (photographer.wants(QStringLiteral("shortcuts"))) {
    window.action(QStringLiteral("shortcuts"))->trigger();
    QWidget* dialog = window.findChild<ShortcutDialog*>();
    photographer.take(QStringLiteral("shortcuts"), dialog);
    dialog->close();
  }
  return 0;
}
