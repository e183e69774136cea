// Takes the pictures of the viewer that the documentation shows: viewer_screenshots PICTURE
// PREFIX [--theme dark] [--language zh_CN] [--reference FILE] [--suffix .jpg] [--only NAMES]. Run
// by tests/tools/screenshots.

#include <QApplication>
#include <QComboBox>
#include <QCommandLineParser>
#include <QDir>
#include <QSettings>
#include <QSpinBox>
#include <QStatusBar>
#include <QTemporaryDir>
#include <QTest>
#include <algorithm>
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

constexpr int kQuality = 88;    ///< of JPEG
constexpr int kWait = 600'000;  ///< ms; the network is slow on old processors

class Photographer {
 public:
  Photographer(MainWindow& window, QString prefix, QString suffix, const QStringList& only)
      : window_(window), prefix_(std::move(prefix)), suffix_(std::move(suffix)), only_(only) {}

  bool wants(const QString& name) const { return only_.isEmpty() || only_.contains(name); }
  void take(const QString& name, QWidget* widget = nullptr) {
    if (!wants(name)) return;
    QTest::qWait(300);  // thumbnails, and tiles beyond the first frame's budget
    const QString file = prefix_ + name + suffix_;
    if (!(widget != nullptr ? widget : &window_)
             ->grab()
             .save(file, nullptr, suffix_ == QLatin1String(".jpg") ? kQuality : -1)) {
      std::fprintf(stderr, "cannot write %s\n", qPrintable(file));
    }
  }

 private:
  MainWindow& window_;
  QString prefix_;
  QString suffix_;
  QStringList only_;
};

/// A part of a picture, at most 320 x 240.
Image partOf(const Image& image) {
  Image part = image;
  const int width = std::min(image.width(), 320);
  const int height = std::min(image.height(), 240);
  const cv::Rect rect((image.width() - width) / 2, (image.height() - height) / 2, width, height);
  part.pixels = image.pixels(rect).clone();
  if (!part.alpha.empty()) part.alpha = part.alpha(rect).clone();
  return part;
}

/// A folder that looks like somebody's evening, made of the pictures beside the given one, with a
/// broken file among them.
std::vector<fs::path> makeEvening(const fs::path& picture, const fs::path& folder) {
  fs::create_directories(folder);
  std::vector<fs::path> sources;
  for (const auto& entry : fs::directory_iterator(picture.parent_path())) {
    if (isImageExtension(entry.path())) sources.push_back(entry.path());
  }
  std::ranges::sort(sources);
  std::vector<fs::path> paths;
  const char* extensions[] = {".jpg", ".png", ".tif", ".webp", ".jpg"};
  for (std::size_t i = 0; i < sources.size() && i < 7; ++i) {
    paths.push_back(folder / sources[i].filename().replace_extension(extensions[i % 5]));
    writeImage(partOf(readImage(sources[i])), paths.back());
  }
  const fs::path broken = folder / "kitchen.jpg";
  std::ofstream(broken) << "\xFF\xD8\xFF this is no photograph";
  paths.insert(paths.begin() + static_cast<std::ptrdiff_t>(std::min<std::size_t>(2, paths.size())),
               broken);
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
       {QStringLiteral("suffix"), {}, QStringLiteral("name"), QStringLiteral(".png")},
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
  Photographer photographer(window, arguments[1], parser.value(QStringLiteral("suffix")),
                            only.isEmpty() ? QStringList() : only.split(QLatin1Char(',')));
  if (!QTest::qWaitFor([&] { return window.isVisible(); }, kWait)) return 1;
  QTest::qWait(1500);  // the catalogue and the model are read
  photographer.take(QStringLiteral("empty"));

  const fs::path picture = toPath(arguments[0]);
  const auto evening = makeEvening(picture, toPath(folder.filePath(QStringLiteral("evening"))));
  window.openPaths(evening);
  const int pictures = static_cast<int>(evening.size());
  if (!QTest::qWaitFor([&] { return window.queueModel().rowCount() == pictures; }, kWait)) return 1;
  if (photographer.wants(QStringLiteral("queue"))) {
    window.action(QStringLiteral("start"))->trigger();
    const auto halfway = [&] {
      const QueueCounts counts = window.queueModel().counts();
      return counts.done >= pictures - 3 && counts.failed >= 1 && counts.running > 0;
    };
    if (!QTest::qWaitFor(halfway, kWait)) return 1;
    window.action(QStringLiteral("pause"))->trigger();
    photographer.take(QStringLiteral("queue"));
    window.action(QStringLiteral("stop"))->trigger();
  }

  const auto show = [&](const fs::path& path) {
    window.openPaths({path});
    const auto restored = [&] {
      return window.currentPath() == toQString(path) && window.restore().isComplete();
    };
    const bool done = QTest::qWaitFor(restored, kWait);
    window.statusBar()->clearMessage();
    return done;
  };
  if (!show(picture)) return 1;
  window.view()->setFocus();
  const std::pair<const char*, CompareMode> modes[] = {{"split", CompareMode::Split},
                                                       {"side", CompareMode::SideBySide},
                                                       {"blink", CompareMode::Blink},
                                                       {"difference", CompareMode::Difference},
                                                       {"lens", CompareMode::Lens}};
  for (const auto& [name, mode] : modes) {
    window.view()->setMode(mode);
    if (mode == CompareMode::Difference) {
      for (QSpinBox* box : window.taskPanel()->findChildren<QSpinBox*>()) {
        if (!box->prefix().isEmpty()) box->setValue(2);  // the gain
      }
    }
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
  if (photographer.wants(QStringLiteral("models"))) {
    for (QComboBox* box : window.taskPanel()->findChildren<QComboBox*>()) {
      const int fast = box->findData(QStringLiteral("fast"));
      // The one of the before side, not that of the model.
      if (fast < static_cast<int>(BeforeChoice::Model)) continue;
      bool compared = false;
      QObject::connect(
          &window.restore(), &RestoreController::comparedCompleted, &window,
          [&] { compared = true; }, Qt::SingleShotConnection);
      box->setCurrentIndex(fast);
      emit box->activated(fast);
      window.view()->setMode(CompareMode::SideBySide);
      window.view()->zoomTo(2.0);
      if (!QTest::qWaitFor([&] { return compared; }, kWait)) return 1;
      photographer.take(QStringLiteral("models"));
      box->setCurrentIndex(0);
      emit box->activated(0);
      window.view()->setMode(CompareMode::Split);
    }
  }
  const TaskSettings denoising = window.taskPanel()->settings();
  for (const char* task : {"dejpeg", "upscale"}) {
    if (!photographer.wants(QLatin1String(task)) || !parser.isSet(QStringLiteral("reference"))) {
      continue;
    }
    TaskSettings chosen = denoising;
    chosen.task = QLatin1String(task);
    window.taskPanel()->setSettings(chosen);
    emit window.taskPanel()->engineChanged();
    fs::path shown = toPath(parser.value(QStringLiteral("reference")));
    if (chosen.task == QLatin1String("dejpeg")) {
      WriteOptions poor;
      poor.quality = 15;
      const Image clean = readImage(shown);
      shown = toPath(folder.filePath(QStringLiteral("web.jpg")));
      writeImage(clean, shown, poor);
    }
    if (!show(shown)) return 1;
    window.view()->zoomTo(chosen.task == QLatin1String("dejpeg") ? 2.0 : 1.0);
    photographer.take(QLatin1String(task));
  }
  window.taskPanel()->setSettings(denoising);
  emit window.taskPanel()->engineChanged();
  if (!show(picture)) return 1;
  window.view()->zoomFit();

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
