// Measures what the viewer promises: viewer_measure PICTURE [--model NAME] [--cold] [--files N]
// [--jobs N].
// Prints one line a number. Run it on an idle machine, on a screen, under xvfb-run or with
// QT_QPA_PLATFORM=offscreen.

#include <QApplication>
#include <QCommandLineParser>
#include <QElapsedTimer>
#include <QFile>
#include <QRegion>
#include <QSettings>
#include <QSlider>
#include <QTemporaryDir>
#include <QTest>
#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <functional>
#include <vector>

#include "app/image_file.h"
#include "gui/main_window.h"
#include "gui/text.h"
#include "gui/theme.h"

namespace {

namespace fs = std::filesystem;
using namespace pristine;
using namespace pristine::gui;

constexpr int kWait = 3'600'000;

/// A field of /proc/self/status in MB.
double memory(const char* field) {
  QFile file(QStringLiteral("/proc/self/status"));
  if (!file.open(QIODevice::ReadOnly)) return 0;
  for (const QByteArray& line : file.readAll().split('\n')) {
    if (line.startsWith(field)) return line.simplified().split(' ').value(1).toDouble() / 1024;
  }
  return 0;
}

void report(const char* what, std::vector<double> times) {
  std::ranges::sort(times);
  const auto at = [&](double share) {
    return times[static_cast<std::size_t>(share * static_cast<double>(times.size() - 1))];
  };
  std::printf("%-44s median %.1f ms, 95 %% %.1f ms, longest %.1f ms (%zu)\n", what, at(0.5),
              at(0.95), times.back(), times.size());
  std::fflush(stdout);
}

double milliseconds(const std::function<void()>& action) {
  QElapsedTimer timer;
  timer.start();
  action();
  return static_cast<double>(timer.nsecsElapsed()) / 1e6;
}

/// Milliseconds between two paintings of a widget.
class FrameClock : public QObject {
 public:
  explicit FrameClock(QWidget& widget) { widget.installEventFilter(this); }
  const std::vector<double>& intervals() const { return intervals_; }

 protected:
  bool eventFilter(QObject* watched, QEvent* event) override {
    if (event->type() == QEvent::Paint) {
      if (timer_.isValid()) intervals_.push_back(static_cast<double>(timer_.nsecsElapsed()) / 1e6);
      timer_.start();
    }
    return QObject::eventFilter(watched, event);
  }

 private:
  QElapsedTimer timer_;
  std::vector<double> intervals_;
};

/// Frames while the user does not stop: another step of input as soon as the last one is painted.
void measureFrames(MainWindow& window, const char* what, const std::function<void(int)>& input) {
  FrameClock clock(*window.view());
  for (int i = 0; i < 150; ++i) {
    const std::size_t painted = clock.intervals().size();
    input(i);
    while (clock.intervals().size() == painted && i > 0) {
      QApplication::processEvents(QEventLoop::WaitForMoreEvents);
    }
    if (i == 0) window.view()->repaint();
  }
  report(what, clock.intervals());
}

void measurePicture(MainWindow& window, const fs::path& picture) {
  QElapsedTimer timer;
  double first = -1;
  double visible = -1;
  double all = -1;
  QRegion restored;
  const auto connection = QObject::connect(
      &window.restore(), &RestoreController::restored, &window, [&](const QRect& changed) {
        restored += changed;
        const bool covered = (QRegion(window.view()->view().visible()) - restored).isEmpty();
        if (first >= 0 && !(covered && all < 0)) return;
        window.view()->repaint();
        if (first < 0) first = static_cast<double>(timer.elapsed());
        if (covered) all = static_cast<double>(timer.elapsed());
      });
  timer.start();
  window.openPaths({picture});
  const auto shown = [&] { return !window.view()->isEmpty() && !window.currentPath().isEmpty(); };
  if (!QTest::qWaitFor(shown, kWait)) return;
  visible = static_cast<double>(timer.elapsed());
  if (!QTest::qWaitFor([&] { return all >= 0; }, kWait)) return;
  QObject::disconnect(connection);
  std::printf("%-44s %.0f ms\n", "picture on the canvas after opening", visible);
  std::printf("%-44s %.0f ms\n", "first restored pixels after opening", first);
  std::printf("%-44s %.0f ms\n", "all that is visible restored after opening", all);
  std::fflush(stdout);

  for (const auto& [name, mode] : std::initializer_list<std::pair<const char*, CompareMode>>{
           {"split", CompareMode::Split}, {"side by side", CompareMode::SideBySide}}) {
    window.view()->setMode(mode);
    window.view()->zoomTo(1.0);
    measureFrames(window, qPrintable(QStringLiteral("frame while panning, %1").arg(name)),
                  [&](int i) { window.view()->panBy(i % 60 < 30 ? 0.02 : -0.02, 0.01); });
    measureFrames(
        window, qPrintable(QStringLiteral("frame while zooming, %1").arg(name)), [&](int i) {
          window.view()->zoomTo(window.view()->view().scale() * (i % 40 < 20 ? 1.05 : 1 / 1.05));
        });
  }
  window.view()->setMode(CompareMode::Blink);
  window.view()->zoomTo(1.0);
  window.view()->setFrameBudget(std::chrono::milliseconds(10000));
  auto* slider = window.taskPanel()->findChild<QSlider*>();
  std::vector<double> times(40);
  for (std::size_t i = 0; i < times.size(); ++i) {
    times[i] = milliseconds([&] {
      slider->setValue(50 + static_cast<int>(i));
      window.view()->repaint();
    });
  }
  report("strength slider to the whole redraw", times);
  slider->setValue(100);
  window.view()->setFrameBudget(std::chrono::milliseconds(16));
  std::printf("%-44s %.0f MB\n", "resident, picture open", memory("VmRSS:"));
  std::fflush(stdout);
}

/// While the picture is in the network.
void measureStop(MainWindow& window) {
  window.action(QStringLiteral("start"))->trigger();
  if (!QTest::qWaitFor([&] { return window.queueModel().item(0).share > 0; }, kWait)) return;
  bool ended = false;
  QObject::connect(&window.restore(), &RestoreController::jobsEnded, &window,
                   [&] { ended = true; });
  QElapsedTimer timer;
  timer.start();
  window.queue().stop();
  (void)QTest::qWaitFor([&] { return !window.queue().isRunning(); }, kWait);
  std::printf("%-44s %.0f ms\n", "queue stopped after", static_cast<double>(timer.elapsed()));
  (void)QTest::qWaitFor([&] { return ended; }, kWait);
  std::printf("%-44s %.0f ms\n", "network idle after stopping",
              static_cast<double>(timer.elapsed()));
  std::fflush(stdout);
}

void measureFiles(MainWindow& window, const fs::path& folder, int files) {
  fs::create_directories(folder);
  Image image;
  image.pixels = cv::Mat(8, 8, CV_32FC3, cv::Scalar::all(0.5));
  const fs::path first = folder / "00000.png";
  writeImage(image, first);
  for (int i = 1; i < files; ++i) {
    fs::copy_file(first,
                  folder / QStringLiteral("%1.png").arg(i, 5, 10, QLatin1Char('0')).toStdString());
  }
  double longest = 0;
  QElapsedTimer timer;
  timer.start();
  const int before = window.queueModel().rowCount();
  window.openPaths({folder});
  while (window.queueModel().rowCount() - before < files) {
    longest = std::max(longest, milliseconds([] { QApplication::processEvents(); }));
  }
  std::printf("%-44s %.0f ms, longest block %.0f ms\n",
              qPrintable(QStringLiteral("%1 files in the queue").arg(files)),
              static_cast<double>(timer.elapsed()), longest);
  std::fflush(stdout);
}

void measureJobs(MainWindow& window, int jobs) {
  window.action(QStringLiteral("start"))->trigger();
  const auto done = [&](int count) {
    return QTest::qWaitFor([&] { return window.queueModel().counts().done >= count; }, kWait);
  };
  if (!done(std::min(50, jobs / 2))) return;
  const double begin = memory("VmRSS:");
  if (!done(jobs)) return;
  std::printf("%-44s %.0f MB after 50, %.0f MB after %d\n", "resident while the queue runs", begin,
              memory("VmRSS:"), jobs);
}

}  // namespace

int main(int argc, char** argv) {
  QApplication application(argc, argv);
  QCommandLineParser parser;
  parser.addOptions(
      {{QStringLiteral("model"), {}, QStringLiteral("name"), QStringLiteral("best")},
       {QStringLiteral("cold"), QStringLiteral("opens the picture with the window")},
       {QStringLiteral("files"), {}, QStringLiteral("number"), QStringLiteral("5000")},
       {QStringLiteral("jobs"), {}, QStringLiteral("number"), QStringLiteral("0")}});
  parser.process(application);
  if (parser.positionalArguments().size() != 1) {
    std::fprintf(stderr, "usage: viewer_measure PICTURE [--files N] [--jobs N]\n");
    return 2;
  }
  initializeImageFiles();
  applyTheme(application, Theme::Light);
  const QTemporaryDir folder;
  QSettings settings(folder.filePath(QStringLiteral("settings.ini")), QSettings::IniFormat);
  settings.setValue(QStringLiteral("task/model"), parser.value(QStringLiteral("model")));
  MainWindow window(settings, folder.filePath(QStringLiteral("queue.json")));
  window.setConfirm([](const QString&, const QString&) { return true; });
  window.resize(1400, 900);
  window.show();
  if (!parser.isSet(QStringLiteral("cold"))) QTest::qWait(3000);  // the model is read and warm
  std::printf("%-44s %.0f MB\n", "resident, nothing open", memory("VmRSS:"));
  measurePicture(window, toPath(parser.positionalArguments().front()));
  measureStop(window);
  measureFiles(window, toPath(folder.filePath(QStringLiteral("many"))),
               parser.value(QStringLiteral("files")).toInt());
  if (const int jobs = parser.value(QStringLiteral("jobs")).toInt(); jobs > 0) {
    measureJobs(window, jobs);
  }
  std::printf("%-44s %.0f MB\n", "peak resident", memory("VmHWM:"));
  return 0;
}
