#include "gui/main_window.h"

#include <gtest/gtest.h>

#include <QAbstractButton>
#include <QAbstractItemView>
#include <QAbstractSpinBox>
#include <QAccessible>
#include <QApplication>
#include <QClipboard>
#include <QComboBox>
#include <QDragEnterEvent>
#include <QDropEvent>
#include <QFileDialog>
#include <QLabel>
#include <QLineEdit>
#include <QListView>
#include <QMenu>
#include <QMimeData>
#include <QProcess>
#include <QScrollBar>
#include <QSignalSpy>
#include <QSlider>
#include <QTabBar>
#include <QTest>
#include <QTimer>
#include <QToolBar>
#include <QTranslator>
#include <fstream>
#include <set>

#include "app/image_file.h"
#include "app/model_catalog.h"
#include "gui/queue_panel.h"
#include "gui/text.h"
#include "tests/gui/gui_test_support.h"
#include "tests/support/test_image.h"

namespace pristine::gui {
namespace {

namespace fs = std::filesystem;

class MainWindowTest : public testing::Test {
 protected:
  MainWindow& window() { return fixture.window(); }
  bool restored() {
    return waitFor([&] { return window().restore().isComplete(); });
  }
  bool idle() {
    return waitFor([&] { return !window().queue().isRunning(); });
  }
  /// Adds and runs them all.
  bool run(const std::vector<fs::path>& paths) {
    bool came = paths.empty();
    const auto connection = QObject::connect(&window().queue(), &QueueController::added, &window(),
                                             [&](int, const QString&) { came = true; });
    window().openPaths(paths);
    const bool added = waitFor([&] { return came; });
    QObject::disconnect(connection);
    window().action(QStringLiteral("start"))->trigger();
    return added && idle();
  }
  void change(const TaskSettings& task) {
    window().taskPanel()->setSettings(task);
    emit window().taskPanel()->settingsChanged();
  }
  /// As a file manager does it: a drop without the enter event before it is ignored.
  void drop(const QList<QUrl>& urls) {
    QMimeData data;
    data.setUrls(urls);
    QDragEnterEvent enter(QPoint(300, 300), Qt::CopyAction, &data, Qt::LeftButton, Qt::NoModifier);
    QApplication::sendEvent(&window(), &enter);
    EXPECT_TRUE(enter.isAccepted());
    QDropEvent dropped(QPointF(300, 300), Qt::CopyAction, &data, Qt::LeftButton, Qt::NoModifier);
    QApplication::sendEvent(&window(), &dropped);
  }
  Image reference(const fs::path& path, double strength) {
    Restorer restorer(loadModel("denoise"), {});
    return *restorer.restore(readImage(path), strength);
  }
  /// What the command line would write into a file that holds no values beyond black and white.
  cv::Mat written(const fs::path& path, double strength) {
    cv::Mat pixels = reference(path, strength).pixels;
    return cv::min(cv::max(pixels, 0.0), 1.0);
  }

  WindowFixture fixture;
};

TEST_F(MainWindowTest, ShowsAndRestoresAPicture) {
  const fs::path path = fixture.picture("a.png");
  ASSERT_TRUE(fixture.show(path));
  ASSERT_TRUE(restored());
  EXPECT_TRUE(window().windowTitle().contains(QStringLiteral("a.png")));
  EXPECT_TRUE(window().windowTitle().contains(QStringLiteral("160 × 120")));
  const cv::Mat shown = window().view()->after()->read(0, {0, 0, 160, 120});
  EXPECT_LE(test::largestDifference(shown, reference(path, 1.0).pixels), 1e-5);
}

TEST_F(MainWindowTest, DropTakesFilesAndFoldersWithUnicodeNames) {
  const fs::path one = fixture.picture("ünï #100% 写真 .png");
  const fs::path two = fixture.picture("ördner/tief/b.jpg");
  drop({QUrl::fromLocalFile(toQString(one)),
        QUrl::fromLocalFile(toQString(fixture.folder() / "ördner"))});
  ASSERT_TRUE(waitFor([&] { return window().queueModel().rowCount() == 2; }));
  EXPECT_TRUE(waitFor([&] { return window().currentPath() == toQString(one); }));
  EXPECT_EQ(window().queueModel().item(1).input, two);
  EXPECT_EQ(window().queueModel().item(1).name, "tief/b.jpg");
  EXPECT_TRUE(window().errorText().isEmpty());
}

TEST_F(MainWindowTest, FileThatIsNoPictureIsNamedAndNothingIsLost) {
  const fs::path good = fixture.picture("good.png");
  const fs::path bad = fixture.folder() / "bad.png";
  std::ofstream(bad) << "this is text";
  ASSERT_TRUE(fixture.show(good));
  window().openPaths({bad});
  ASSERT_TRUE(waitFor([&] { return !window().errorText().isEmpty(); }));
  EXPECT_TRUE(window().errorText().contains(QStringLiteral("bad.png")));
  EXPECT_EQ(window().view()->after()->picture().path, good);
  EXPECT_EQ(window().currentPath(), toQString(good)) << "saving must name the picture that is seen";
}

TEST_F(MainWindowTest, NoErrorHidesAnother) {
  const fs::path bad = fixture.folder() / "bad.png";
  std::ofstream(bad) << "this is text";
  window().openPaths({bad, fixture.folder() / "missing.png"});
  EXPECT_TRUE(waitFor([&] {
    return window().errorText().contains(QStringLiteral("bad.png")) &&
           window().errorText().contains(QStringLiteral("missing.png"));
  })) << window().errorText().toStdString();
  ASSERT_TRUE(fixture.show(fixture.picture("good.png")));
  EXPECT_TRUE(window().errorText().isEmpty());
}

TEST_F(MainWindowTest, PastesPicturesAndFiles) {
  QImage image(80, 60, QImage::Format_RGB32);
  image.fill(qRgb(90, 120, 150));
  QApplication::clipboard()->setImage(image);
  window().paste();
  ASSERT_TRUE(waitFor([&] { return !window().view()->isEmpty(); }));
  EXPECT_EQ(window().view()->view().picture(), QSize(80, 60));
  auto* data = new QMimeData;
  data->setUrls({QUrl::fromLocalFile(toQString(fixture.picture("p.png")))});
  QApplication::clipboard()->setMimeData(data);
  window().paste();
  EXPECT_TRUE(waitFor([&] { return window().view()->view().picture() == QSize(160, 120); }));
  QApplication::clipboard()->clear();
  QApplication::clipboard()->setText(QStringLiteral("no picture"));
  window().paste();
  EXPECT_FALSE(window().errorText().isEmpty());
}

TEST_F(MainWindowTest, StrengthNeverRunsTheNetworkAgain) {
  const fs::path path = fixture.picture("a.png");
  ASSERT_TRUE(fixture.show(path));
  ASSERT_TRUE(restored());
  QSignalSpy ran(&window().restore(), &RestoreController::restored);
  auto* slider = window().taskPanel()->findChild<QSlider*>();
  slider->setValue(40);
  const cv::Mat shown = window().view()->after()->read(0, {0, 0, 160, 120});
  EXPECT_LE(test::largestDifference(shown, reference(path, 0.4).pixels), 1e-5);
  QTest::qWait(50);
  EXPECT_EQ(ran.count(), 0);
}

TEST_F(MainWindowTest, SavesWhatTheCommandLineWouldWrite) {
  const fs::path path = fixture.picture("a.png", 200, 150, SampleDepth::U16);
  ASSERT_TRUE(fixture.show(path));
  QSignalSpy saved(&window(), &MainWindow::saved);
  const fs::path out = fixture.folder() / "out.tif";
  window().saveTo(toQString(out));  // before everything is restored
  ASSERT_TRUE(waitFor([&] { return saved.count() == 1; }));
  const Image got = readImage(out);
  EXPECT_EQ(got.depth, SampleDepth::U16);
  EXPECT_LE(test::largestDifference(got.pixels, written(path, 1.0)), 1.0 / 65535 + 1e-5);
}

TEST_F(MainWindowTest, SaysWhyItCannotSave) {
  ASSERT_TRUE(fixture.show(fixture.picture("a.png")));
  ASSERT_TRUE(restored());
  window().saveTo(toQString(fixture.folder() / "missing" / "x.png"));
  ASSERT_TRUE(waitFor([&] { return !window().errorText().isEmpty(); }));
  window().saveTo(toQString(fixture.folder() / "x.gif"));
  EXPECT_TRUE(window().errorText().contains(QStringLiteral("x.gif")));
}

TEST_F(MainWindowTest, QueueRestoresEverythingAndNamesFailures) {
  std::vector<fs::path> paths{fixture.picture("a.png"), fixture.picture("b.jpg")};
  const fs::path bad = fixture.folder() / "c.png";
  std::ofstream(bad) << "nonsense";
  paths.push_back(bad);
  window().openPaths(paths);
  ASSERT_TRUE(waitFor([&] { return window().queueModel().rowCount() == 3; }));
  window().action(QStringLiteral("start"))->trigger();
  ASSERT_TRUE(idle());
  const QueueCounts counts = window().queueModel().counts();
  EXPECT_EQ(counts.done, 2);
  EXPECT_EQ(counts.failed, 1);
  EXPECT_FALSE(window().queueModel().item(2).reason.isEmpty());
  const Image got = readImage(fixture.folder() / "restored" / "a.png");
  EXPECT_LE(test::largestDifference(got.pixels, written(paths[0], 1.0)), 0.5 / 255 + 1e-4);
  EXPECT_FALSE(fs::exists(fixture.folder() / "restored" / "c.png"));

  // Repaired and tried again.
  fs::remove(bad);
  fixture.picture("c.png");
  window().action(QStringLiteral("retry"))->trigger();
  window().action(QStringLiteral("start"))->trigger();
  ASSERT_TRUE(idle());
  EXPECT_EQ(window().queueModel().counts().done, 3);
}

TEST_F(MainWindowTest, PicturesCanBeAddedWhileTheQueueRuns) {
  window().openPaths({fixture.picture("a.png", 500, 400)});
  ASSERT_TRUE(waitFor([&] { return window().queueModel().rowCount() == 1; }));
  window().action(QStringLiteral("start"))->trigger();
  window().openPaths({fixture.picture("b.png")});
  ASSERT_TRUE(waitFor([&] { return window().queueModel().rowCount() == 2; }));
  ASSERT_TRUE(idle());
  EXPECT_EQ(window().queueModel().counts().done, 2);
}

TEST_F(MainWindowTest, StopGivesUpThePictureAtHandAndKeepsTheRestWaiting) {
  window().openPaths({fixture.picture("a.png", 1100, 900), fixture.picture("b.png")});
  ASSERT_TRUE(waitFor([&] { return window().queueModel().rowCount() == 2; }));
  window().action(QStringLiteral("start"))->trigger();
  ASSERT_TRUE(waitFor([&] { return window().queueModel().item(0).share > 0; }));
  fixture.answer = false;
  window().action(QStringLiteral("stop"))->trigger();
  EXPECT_TRUE(window().queue().isRunning()) << "it asks first";
  fixture.answer = true;
  window().action(QStringLiteral("stop"))->trigger();
  ASSERT_TRUE(idle());
  EXPECT_EQ(window().queueModel().counts().waiting, 2);
  EXPECT_FALSE(fs::exists(fixture.folder() / "restored" / "a.png"));
}

TEST_F(MainWindowTest, QueueThatWasStoppedCanStartAtOnce) {
  window().openPaths({fixture.picture("a.png", 1100, 900), fixture.picture("b.png")});
  ASSERT_TRUE(waitFor([&] { return window().queueModel().rowCount() == 2; }));
  for (int i = 0; i < 3; ++i) {
    window().action(QStringLiteral("start"))->trigger();
    ASSERT_TRUE(waitFor([&] { return window().queueModel().item(0).share > 0; }));
    window().action(QStringLiteral("stop"))->trigger();
    EXPECT_FALSE(window().queue().isRunning());
    EXPECT_EQ(window().queueModel().counts().running, 0);
    EXPECT_EQ(window().queueModel().item(0).share, 0);
  }
  window().action(QStringLiteral("start"))->trigger();
  EXPECT_TRUE(window().queue().isRunning()) << "though the network is still in its operator";
  ASSERT_TRUE(idle());
  EXPECT_EQ(window().queueModel().counts().done, 2);
}

TEST_F(MainWindowTest, NothingIsWrittenByAQueueThatWasStopped) {
  window().openPaths({fixture.picture("a.png", 1100, 900), fixture.picture("b.png")});
  ASSERT_TRUE(waitFor([&] { return window().queueModel().rowCount() == 2; }));
  QSignalSpy ended(&window().restore(), &RestoreController::jobsEnded);
  window().action(QStringLiteral("start"))->trigger();
  ASSERT_TRUE(waitFor([&] { return window().queueModel().item(0).share > 0; }));
  window().action(QStringLiteral("stop"))->trigger();
  ASSERT_TRUE(waitFor([&] { return ended.count() == 1; }));
  QCoreApplication::processEvents();
  EXPECT_EQ(window().queueModel().counts().waiting, 2);
  EXPECT_FALSE(fs::exists(fixture.folder() / "restored" / "a.png"));
  EXPECT_FALSE(fs::exists(fixture.folder() / "restored" / "b.png"));
}

TEST_F(MainWindowTest, QueueTellsHowFarItIsAndHowLongItTakes) {
  for (int i = 0; i < 6; ++i) fixture.picture("p/" + std::to_string(i) + ".png", 300, 200);
  window().openPaths({fixture.folder() / "p"});
  ASSERT_TRUE(waitFor([&] { return window().queueModel().rowCount() == 6; }));
  EXPECT_FALSE(window().queue().secondsLeft());
  bool estimated = false;
  double share = 0;
  bool fell = false;
  QObject::connect(&window().queue(), &QueueController::progressed, &window(), [&] {
    const auto left = window().queue().secondsLeft();
    estimated = estimated || (left && *left > 0);
    fell = fell || window().queue().share() < share - 1e-9;
    share = window().queue().share();
  });
  window().action(QStringLiteral("start"))->trigger();
  ASSERT_TRUE(idle());
  EXPECT_TRUE(estimated);
  EXPECT_FALSE(fell) << "progress never goes back";
  EXPECT_EQ(share, 1.0);
  const auto labels = window().queuePanel()->findChildren<QLabel*>();
  EXPECT_TRUE(std::ranges::any_of(labels, [](const QLabel* label) {
    return label->text().contains(QStringLiteral("6 of 6 done"));
  }));
}

TEST_F(MainWindowTest, QueueHasThumbnails) {
  window().openPaths({fixture.picture("a.png", 500, 400)});
  ASSERT_TRUE(waitFor([&] {
    return window().queueModel().rowCount() == 1 &&
           !window().queueModel().index(0).data(Qt::DecorationRole).value<QImage>().isNull();
  }));
  const auto image = window().queueModel().index(0).data(Qt::DecorationRole).value<QImage>();
  EXPECT_LE(image.width(), 200);
}

TEST_F(MainWindowTest, FailureIsExplainedInTheLanguageOfTheInterface) {
  QTranslator chinese;
  ASSERT_TRUE(chinese.load(QStringLiteral(":/i18n/pristine_zh_CN.qm")));
  QCoreApplication::installTranslator(&chinese);
  const fs::path bad = fixture.folder() / "bad.png";
  std::ofstream(bad) << "nonsense";
  ASSERT_TRUE(run({bad}));
  const QString reason = window().queueModel().index(0).data(QueueModel::DetailRole).toString();
  EXPECT_TRUE(reason.contains(QStringLiteral("格式"))) << reason.toStdString();
  EXPECT_FALSE(reason.contains(QStringLiteral("bad.png"))) << "the row names it already";
  // And the bar over the canvas.
  ASSERT_TRUE(waitFor([&] { return !window().errorText().isEmpty(); }));
  EXPECT_TRUE(window().errorText().contains(QStringLiteral("图片“")))
      << window().errorText().toStdString();
  QCoreApplication::removeTranslator(&chinese);
}

TEST_F(MainWindowTest, PauseHoldsAndGoesOn) {
  window().openPaths({fixture.picture("a.png", 700, 500)});
  ASSERT_TRUE(waitFor([&] { return window().queueModel().rowCount() == 1; }));
  window().action(QStringLiteral("start"))->trigger();
  ASSERT_TRUE(waitFor([&] { return window().queueModel().item(0).share > 0; }));
  window().action(QStringLiteral("pause"))->trigger();
  EXPECT_TRUE(window().queue().isPaused());
  // Other work of the network tells that the job has come to a halt, and that it stays there.
  ASSERT_TRUE(fixture.show(fixture.picture("b.png")));
  ASSERT_TRUE(restored());
  const double share = window().queueModel().item(0).share;
  ASSERT_TRUE(fixture.show(fixture.picture("c.png")));
  ASSERT_TRUE(restored());
  EXPECT_EQ(window().queueModel().item(0).share, share);
  EXPECT_EQ(window().queueModel().item(0).state, ItemState::Running);
  window().action(QStringLiteral("start"))->trigger();
  ASSERT_TRUE(idle());
  EXPECT_EQ(window().queueModel().counts().done, 3);
}

TEST_F(MainWindowTest, PreviewGoesOnWhileTheQueueIsPaused) {
  window().openPaths({fixture.picture("a.png", 700, 500), fixture.picture("b.png")});
  ASSERT_TRUE(waitFor([&] { return window().queueModel().rowCount() == 2; }));
  window().action(QStringLiteral("start"))->trigger();
  ASSERT_TRUE(waitFor([&] { return window().queueModel().item(0).share > 0; }));
  window().action(QStringLiteral("pause"))->trigger();
  ASSERT_TRUE(fixture.show(fixture.folder() / "b.png"));
  EXPECT_TRUE(restored());
  window().action(QStringLiteral("stop"))->trigger();
  EXPECT_TRUE(idle()) << "a paused queue can be stopped";
}

TEST_F(MainWindowTest, RemovingWhatRunsGoesOnWithTheRest) {
  window().openPaths({fixture.picture("a.png", 1100, 900), fixture.picture("b.png")});
  ASSERT_TRUE(waitFor([&] { return window().queueModel().rowCount() == 2; }));
  window().action(QStringLiteral("start"))->trigger();
  ASSERT_TRUE(waitFor([&] { return window().queueModel().item(0).share > 0; }));
  window().queue().remove({0});
  ASSERT_TRUE(idle());
  EXPECT_EQ(window().queueModel().rowCount(), 1);
  EXPECT_EQ(window().queueModel().counts().done, 1);
  EXPECT_FALSE(fs::exists(fixture.folder() / "restored" / "a.png"));
}

TEST_F(MainWindowTest, OutputsThatCollideAreRefused) {
  const QString out = toQString(fixture.folder() / "out");
  TaskSettings task = window().taskPanel()->settings();
  task.outputFolder = out;
  window().taskPanel()->setSettings(task);
  emit window().taskPanel()->settingsChanged();
  window().openPaths({fixture.picture("x/a.png"), fixture.picture("y/a.png")});
  ASSERT_TRUE(waitFor([&] { return window().queueModel().rowCount() == 2; }));
  window().action(QStringLiteral("start"))->trigger();
  ASSERT_TRUE(idle());
  EXPECT_EQ(window().queueModel().counts().done, 1);
  EXPECT_EQ(window().queueModel().counts().failed, 1);
}

TEST_F(MainWindowTest, QueueLeavesWhatIsUpToDateAndRedoesWhatIsNot) {
  const fs::path folder = fixture.picture("p/a.png").parent_path();
  fixture.picture("p/b.png");
  ASSERT_TRUE(run({folder}));
  const fs::path a = folder / "restored" / "a.png";
  const fs::path b = folder / "restored" / "b.png";
  const auto madeA = fs::last_write_time(a);
  const auto madeB = fs::last_write_time(b);
  writeImage(test::photographImage(90, 70), folder / "b.png");
  window().queueModel().clearFinished();
  ASSERT_TRUE(run({folder}));
  EXPECT_EQ(window().queueModel().counts().done, 2);
  EXPECT_TRUE(window().queueModel().item(0).skipped);
  EXPECT_EQ(fs::last_write_time(a), madeA);
  EXPECT_FALSE(window().queueModel().item(1).skipped);
  EXPECT_NE(fs::last_write_time(b), madeB);
  EXPECT_EQ(readImage(b).width(), 90);
}

TEST_F(MainWindowTest, ResultsInsideTheFolderAreNoInputs) {
  const fs::path folder = fixture.picture("p/a.png").parent_path();
  TaskSettings task = window().taskPanel()->settings();
  task.outputFolder = toQString(folder / "clean");
  change(task);
  ASSERT_TRUE(run({folder}));
  ASSERT_TRUE(fs::exists(folder / "clean" / "a.png"));
  ASSERT_TRUE(run({folder}));
  EXPECT_EQ(window().queueModel().rowCount(), 1);
}

TEST_F(MainWindowTest, QueueNeverReplacesAForeignFileUnlessTold) {
  const fs::path picture = fixture.picture("a.png");
  const fs::path foreign = fixture.picture("restored/a.png", 33, 22);
  ASSERT_TRUE(run({picture}));
  EXPECT_EQ(window().queueModel().counts().failed, 1);
  EXPECT_FALSE(window().queueModel().item(0).reason.isEmpty());
  EXPECT_EQ(readImage(foreign).width(), 33);
  TaskSettings task = window().taskPanel()->settings();
  task.ifExists = IfExists::Overwrite;
  change(task);
  window().action(QStringLiteral("retry"))->trigger();
  ASSERT_TRUE(run({}));
  EXPECT_EQ(window().queueModel().counts().done, 1);
  EXPECT_EQ(readImage(foreign).width(), 160);
}

TEST_F(MainWindowTest, QueueAndCommandKnowEachOthersResults) {
  const fs::path folder = fixture.picture("p/a.png").parent_path();
  fixture.picture("p/sub/b.jpg");
  ASSERT_TRUE(run({folder}));
  ASSERT_EQ(window().queueModel().counts().done, 2);
  const auto command = [&] {
    QProcess program;
    program.start(
        QStringLiteral(PRISTINE_PROGRAM),
        {QStringLiteral("denoise"), toQString(folder), QStringLiteral("-r"), QStringLiteral("-o"),
         toQString(folder / "restored"), QStringLiteral("-q"), QStringLiteral("--json")});
    EXPECT_TRUE(program.waitForFinished());
    EXPECT_EQ(program.exitCode(), 0);
    return program.readAllStandardOutput();
  };
  EXPECT_EQ(command().count("\"status\":\"up_to_date\""), 2);
  fixture.picture("p/c.png");
  EXPECT_EQ(command().count("\"status\":\"restored\""), 1);
  window().queueModel().clearFinished();
  ASSERT_TRUE(run({folder}));
  for (int row = 0; row < 3; ++row) EXPECT_TRUE(window().queueModel().item(row).skipped) << row;
}

TEST_F(MainWindowTest, CopiedCommandDoesWhatTheQueueDoes) {
  const fs::path picture = fixture.picture("it's one.png");
  ASSERT_TRUE(fixture.show(picture));
  TaskSettings task = window().taskPanel()->settings();
  task.strength = 60;
  task.format = FileFormat::Tiff;
  change(task);
  window().action(QStringLiteral("copyCommand"))->trigger();
  QProcess shell;
  auto environment = QProcessEnvironment::systemEnvironment();
  environment.insert(QStringLiteral("PATH"), toQString(fs::path(PRISTINE_PROGRAM).parent_path()) +
                                                 QLatin1Char(':') +
                                                 environment.value(QStringLiteral("PATH")));
  shell.setProcessEnvironment(environment);
  shell.start(QStringLiteral("/bin/sh"), {QStringLiteral("-c"), QApplication::clipboard()->text()});
  ASSERT_TRUE(shell.waitForFinished());
  ASSERT_EQ(shell.exitCode(), 0) << shell.readAllStandardError().toStdString();
  EXPECT_TRUE(fs::exists(fixture.folder() / "restored" / "it's one.tif"));
  ASSERT_TRUE(run({}));
  EXPECT_TRUE(window().queueModel().item(0).skipped) << "up to date";
}

TEST_F(MainWindowTest, QueueWritesTheFormatAndDepthThatAreChosen) {
  TaskSettings task = window().taskPanel()->settings();
  task.format = FileFormat::Tiff;
  task.depth = SampleDepth::U16;
  change(task);
  ASSERT_TRUE(run({fixture.picture("a.jpg")}));
  const Image got = readImage(fixture.folder() / "restored" / "a.tif");
  EXPECT_EQ(got.depth, SampleDepth::U16);
  EXPECT_EQ(got.format, "tiff");
}

TEST_F(MainWindowTest, PictureWithoutAnExtensionIsTakenByItsContent) {
  const fs::path named = fixture.picture("a.png");
  const fs::path bare = fixture.folder() / "scan of 1998";
  fs::rename(named, bare);
  ASSERT_TRUE(fixture.show(bare));
  EXPECT_TRUE(window().errorText().isEmpty());
}

TEST_F(MainWindowTest, SavesAgainToTheSameFile) {
  ASSERT_TRUE(fixture.show(fixture.picture("a.png")));
  ASSERT_TRUE(restored());
  QSignalSpy saved(&window(), &MainWindow::saved);
  const fs::path out = fixture.folder() / "out.png";
  window().saveTo(toQString(out));
  ASSERT_TRUE(waitFor([&] { return saved.count() == 1; }));
  fs::remove(out);
  window().action(QStringLiteral("save"))->trigger();
  ASSERT_TRUE(waitFor([&] { return saved.count() == 2; }));
  EXPECT_TRUE(fs::exists(out));
}

TEST_F(MainWindowTest, ClosingWhileTheQueueRunsAsksAndResumes) {
  window().openPaths({fixture.picture("a.png", 1100, 900), fixture.picture("b.png")});
  ASSERT_TRUE(waitFor([&] { return window().queueModel().rowCount() == 2; }));
  window().action(QStringLiteral("start"))->trigger();
  ASSERT_TRUE(waitFor([&] { return window().queueModel().item(0).share > 0; }));
  fixture.answer = false;
  window().close();
  EXPECT_EQ(fixture.questions, 1);
  EXPECT_TRUE(window().isVisible());
  fixture.answer = true;
  fixture.reopen();
  EXPECT_EQ(window().queueModel().counts().waiting, 2);
}

TEST_F(MainWindowTest, ClosingAStoppedQueueAsksAndResumes) {
  window().openPaths({fixture.picture("a.png", 1100, 900), fixture.picture("b.png")});
  ASSERT_TRUE(waitFor([&] { return window().queueModel().rowCount() == 2; }));
  window().action(QStringLiteral("start"))->trigger();
  ASSERT_TRUE(waitFor([&] { return window().queueModel().item(0).share > 0; }));
  window().queue().stop();
  ASSERT_TRUE(idle());
  fixture.reopen();
  EXPECT_EQ(fixture.questions, 1);
  ASSERT_EQ(window().queueModel().counts().waiting, 2);
  window().action(QStringLiteral("start"))->trigger();
  ASSERT_TRUE(idle());
  EXPECT_EQ(window().queueModel().counts().done, 2);
  fixture.reopen();
  EXPECT_EQ(fixture.questions, 1) << "nothing is left to ask about";
  EXPECT_EQ(window().queueModel().rowCount(), 0);
}

TEST_F(MainWindowTest, QueueSurvivesTheDeathOfTheProgram) {
  window().openPaths({fixture.picture("a.png", 1100, 900), fixture.picture("b.png")});
  ASSERT_TRUE(waitFor([&] { return window().queueModel().rowCount() == 2; }));
  window().action(QStringLiteral("start"))->trigger();
  ASSERT_TRUE(waitFor([&] { return window().queueModel().item(0).share > 0; }));
  fixture.dieAndReopen();
  EXPECT_EQ(window().queueModel().counts().waiting, 2);
  ASSERT_TRUE(run({}));
  EXPECT_EQ(window().queueModel().counts().done, 2);
  fixture.dieAndReopen();
  EXPECT_EQ(window().queueModel().rowCount(), 0) << "it had come to its end";
}

TEST_F(MainWindowTest, ClosingIdlyAsksNothingAndLeavesNoQueue) {
  ASSERT_TRUE(fixture.show(fixture.picture("a.png", 700, 500)));
  fixture.reopen();
  EXPECT_EQ(fixture.questions, 0);
  EXPECT_EQ(window().queueModel().rowCount(), 0);
}

TEST_F(MainWindowTest, SettingsSurvive) {
  window().taskPanel()->findChild<QSlider*>()->setValue(30);
  window().view()->setMode(CompareMode::SideBySide);
  window().view()->setDivider(0.7);
  window().action(QStringLiteral("toggleQueue"))->trigger();
  fixture.reopen();
  EXPECT_TRUE(window().queuePanel()->isHidden());
  EXPECT_FALSE(window().taskPanel()->isHidden());
  EXPECT_EQ(window().taskPanel()->settings().strength, 30);
  EXPECT_EQ(window().taskPanel()->findChild<QSlider*>()->value(), 30);
  EXPECT_EQ(window().view()->mode(), CompareMode::SideBySide);
  EXPECT_NEAR(window().view()->divider(), 0.7, 1e-9);
}

TEST_F(MainWindowTest, RemembersRecentFiles) {
  const fs::path path = fixture.picture("a.png");
  ASSERT_TRUE(fixture.show(path));
  EXPECT_EQ(fixture.settings().value(QStringLiteral("recent")).toStringList(),
            QStringList{toQString(path)});
  fixture.reopen();
  QMenu* recent = nullptr;
  for (QMenu* menu : window().findChildren<QMenu*>()) {
    if (menu->title() == QStringLiteral("Recent &files")) recent = menu;
  }
  ASSERT_NE(recent, nullptr);
  emit recent->aboutToShow();
  ASSERT_EQ(recent->actions().size(), 1);
  recent->actions().front()->trigger();
  EXPECT_TRUE(waitFor([&] { return window().currentPath() == toQString(path); }));
}

TEST_F(MainWindowTest, EmptyStateSaysWhatToDoUntilAPictureIsOpen) {
  const auto shown = [&](const QString& text) {
    const auto labels = window().view()->findChildren<QLabel*>();
    return std::ranges::any_of(labels, [&](const QLabel* label) {
      return label->isVisible() && label->text().contains(text);
    });
  };
  EXPECT_TRUE(shown(QStringLiteral("Drop photographs")));
  int buttons = 0;
  for (const auto* button : window().view()->findChildren<QAbstractButton*>()) {
    buttons += button->isVisible() ? 1 : 0;
  }
  EXPECT_EQ(buttons, 3) << "open, folder, paste";
  ASSERT_TRUE(fixture.show(fixture.picture("a.png")));
  EXPECT_FALSE(shown(QStringLiteral("Drop photographs")));
}

TEST_F(MainWindowTest, DialogsOpenFilesFoldersAndAReference) {
  // Answers the dialog that the next action opens.
  const auto answer = [](const fs::path& path) {
    auto* timer = new QTimer(qApp);
    QObject::connect(timer, &QTimer::timeout, timer, [timer, path] {
      auto* dialog = qobject_cast<QFileDialog*>(QApplication::activeModalWidget());
      if (dialog == nullptr) return;
      timer->deleteLater();
      timer->stop();
      dialog->setDirectory(toQString(path.parent_path()));
      dialog->findChild<QLineEdit*>()->setText(toQString(path));
      static_cast<QDialog*>(dialog)->done(QDialog::Accepted);
    });
    timer->start(20);
  };
  const fs::path one = fixture.picture("a.png");
  answer(one);
  window().action(QStringLiteral("open"))->trigger();
  EXPECT_TRUE(waitFor([&] { return window().currentPath() == toQString(one); }));
  fixture.picture("folder/b.png");
  answer(fixture.folder() / "folder");
  window().action(QStringLiteral("openFolder"))->trigger();
  EXPECT_TRUE(waitFor([&] { return window().queueModel().rowCount() == 2; }));
}

TEST_F(MainWindowTest, MissingModelIsSaidAndAnotherCanBeChosen) {
  const fs::path path = fixture.picture("a.png");
  TaskSettings task = window().taskPanel()->settings();
  task.model = QStringLiteral("/nowhere/x.safetensors");
  window().taskPanel()->setSettings(task);
  emit window().taskPanel()->engineChanged();
  ASSERT_TRUE(waitFor([&] { return !window().errorText().isEmpty(); }));
  EXPECT_TRUE(window().errorText().contains(QStringLiteral("x.safetensors")));
  // A queue without a model ends instead of waiting for ever.
  ASSERT_TRUE(fixture.show(path));
  window().action(QStringLiteral("start"))->trigger();
  ASSERT_TRUE(idle());
  EXPECT_EQ(window().queueModel().counts().waiting, 1);
  task.model = QStringLiteral("second");
  window().taskPanel()->setSettings(task);
  emit window().taskPanel()->engineChanged();
  EXPECT_TRUE(restored());
}

TEST_F(MainWindowTest, TwoModelsCanBeCompared) {
  const fs::path path = fixture.picture("a.png");
  ASSERT_TRUE(fixture.show(path));
  ASSERT_TRUE(restored());
  const cv::Mat first = window().view()->after()->read(0, {0, 0, 160, 120});
  window().action(QStringLiteral("pin"))->trigger();
  TaskSettings task = window().taskPanel()->settings();
  task.model = QStringLiteral("second");
  window().taskPanel()->setSettings(task);
  emit window().taskPanel()->engineChanged();
  ASSERT_TRUE(restored());
  EXPECT_EQ(test::largestDifference(window().view()->before()->read(0, {0, 0, 160, 120}), first),
            0.0);
  EXPECT_GT(test::largestDifference(window().view()->after()->read(0, {0, 0, 160, 120}), first),
            1e-3);
}

TEST_F(MainWindowTest, BeforeCanBeTheResultOfAnyModel) {
  const fs::path path = fixture.picture("a.png");
  ASSERT_TRUE(fixture.show(path));
  QComboBox* before = nullptr;
  for (QComboBox* box : window().taskPanel()->findChildren<QComboBox*>()) {
    if (box->accessibleName() == QStringLiteral("Before")) before = box;
  }
  ASSERT_NE(before, nullptr);
  ASSERT_TRUE(waitFor([&] { return before->findData(QStringLiteral("second")) >= 0; }))
      << "the catalogue has been read";
  const int second = before->findData(QStringLiteral("second"));
  before->setCurrentIndex(second);
  emit before->activated(second);
  const cv::Rect all{0, 0, 160, 120};
  const auto result = [&](const char* model, const fs::path& of) {
    Restorer restorer(loadModel(model), {});
    return restorer.restore(readImage(of), 1.0)->pixels;
  };
  const auto shows = [&](const cv::Mat& expected) {
    return waitFor([&] {
      return test::largestDifference(window().view()->before()->read(0, all), expected) <= 1e-5;
    });
  };
  EXPECT_TRUE(shows(result("second", path)));
  ASSERT_TRUE(restored());
  EXPECT_LE(
      test::largestDifference(window().view()->after()->read(0, all), result("denoise", path)),
      1e-5);
  // It stays for the next picture, and mixes as the other side does.
  const fs::path next = fixture.folder() / "b.png";
  writeImage(test::photographImage(160, 120, SampleDepth::U8, 7), next);
  ASSERT_TRUE(fixture.show(next));
  EXPECT_TRUE(shows(result("second", next)));
  window().taskPanel()->findChild<QSlider*>()->setValue(0);
  EXPECT_TRUE(shows(readImage(next).pixels));
  before->setCurrentIndex(0);
  emit before->activated(0);
  EXPECT_EQ(window().restore().compared(), nullptr);
}

TEST_F(MainWindowTest, MeasuresWhatIsShownAsBefore) {
  const fs::path path = fixture.picture("a.png");
  ASSERT_TRUE(fixture.show(path));
  const fs::path truth = fixture.folder() / "truth.png";  // the original in another file
  fs::copy_file(path, truth);
  window().openReference(toQString(truth));
  const auto measured = [&](bool perfect) {
    return waitFor([&] {
      return std::ranges::any_of(window().findChildren<QLabel*>(), [&](QLabel* label) {
        return label->text().contains(QStringLiteral("SSIM")) &&
               label->text().contains(QStringLiteral("∞")) == perfect;
      });
    });
  };
  EXPECT_TRUE(measured(true)) << "the original is perfect here";
  QComboBox* before = nullptr;
  for (QComboBox* box : window().taskPanel()->findChildren<QComboBox*>()) {
    if (box->accessibleName() == QStringLiteral("Before")) before = box;
  }
  ASSERT_NE(before, nullptr);
  ASSERT_TRUE(waitFor([&] { return before->findData(QStringLiteral("second")) >= 0; }));
  before->setCurrentIndex(before->findData(QStringLiteral("second")));
  emit before->activated(before->currentIndex());
  EXPECT_TRUE(measured(false)) << "a model's result is not";
}

TEST_F(MainWindowTest, BeforeCanBeAnyFileOfAnySize) {
  ASSERT_TRUE(fixture.show(fixture.picture("a.png")));
  const fs::path other = fixture.folder() / "other.png";
  Image green;
  green.pixels = cv::Mat(30, 40, CV_32FC3, cv::Scalar(0, 1, 0));
  writeImage(green, other);
  window().openReference(toQString(other));
  QComboBox* before = nullptr;
  for (QComboBox* box : window().taskPanel()->findChildren<QComboBox*>()) {
    if (box->accessibleName() == QStringLiteral("Before")) before = box;
  }
  ASSERT_NE(before, nullptr);
  ASSERT_TRUE(waitFor([&] {
    return window().taskPanel()->beforeChoice() == BeforeChoice::Original &&
           before->model()->flags(before->model()->index(1, 0)).testFlag(Qt::ItemIsEnabled);
  }));
  before->setCurrentIndex(1);
  emit before->activated(1);
  window().view()->setMode(CompareMode::SideBySide);
  window().view()->setFrameBudget(std::chrono::milliseconds(10000));
  const QImage shot = window().view()->grab().toImage();
  const QPoint quarter(shot.width() / 4, shot.height() / 2);
  EXPECT_EQ(shot.pixelColor(quarter), QColor(0, 255, 0));
}

TEST_F(MainWindowTest, ReferenceIsMeasuredAndShown) {
  const fs::path path = fixture.picture("a.png");
  ASSERT_TRUE(fixture.show(path));
  window().openReference(toQString(path));
  EXPECT_TRUE(waitFor([&] {
    const auto labels = window().findChildren<QLabel*>();
    return std::ranges::any_of(labels, [](QLabel* label) {
      // The original is the reference itself here.
      return label->text().contains(QStringLiteral("∞")) &&
             label->text().contains(QStringLiteral("SSIM"));
    });
  }));
}

TEST_F(MainWindowTest, EnlargesWhatIsShown) {
  const fs::path path = fixture.picture("a.png");  // 160 x 120
  ASSERT_TRUE(fixture.show(path));
  TaskSettings task = window().taskPanel()->settings();
  task.task = QStringLiteral("upscale");
  task.scale = 2;
  window().taskPanel()->setSettings(task);
  emit window().taskPanel()->engineChanged();
  ASSERT_TRUE(restored()) << window().errorText().toStdString();
  EXPECT_EQ(window().view()->after()->picture().sizeAt(0), cv::Size(320, 240));
  EXPECT_EQ(window().view()->before()->picture().sizeAt(0), cv::Size(160, 120));
  const cv::Rect all{0, 0, 320, 240};
  const cv::Mat shown = window().view()->after()->read(0, all);
  Restorer restorer(loadModel("upscale2"), {});
  const Image expected = *restorer.restore(readImage(path), 1.0);
  EXPECT_LE(test::largestDifference(shown, expected.pixels), 1e-5);
  QSignalSpy saved(&window(), &MainWindow::saved);
  window().saveTo(toQString(path.parent_path() / "large.png"));
  ASSERT_TRUE(waitFor([&] { return saved.count() == 1; }));
  EXPECT_EQ(readImage(path.parent_path() / "large.png").width(), 320);
  // And back again.
  task.task = QStringLiteral("denoise");
  window().taskPanel()->setSettings(task);
  emit window().taskPanel()->engineChanged();
  ASSERT_TRUE(restored());
  EXPECT_EQ(window().view()->after()->picture().sizeAt(0), cv::Size(160, 120));
}

TEST_F(MainWindowTest, StepsThroughTheListFromTheCanvas) {
  window().openPaths({fixture.picture("a.png"), fixture.picture("b.png")});
  ASSERT_TRUE(waitFor([&] { return window().currentPath().endsWith(QStringLiteral("a.png")); }));
  window().view()->setFocus();
  QTest::keyClick(window().view(), Qt::Key_Right);
  EXPECT_TRUE(waitFor([&] { return window().currentPath().endsWith(QStringLiteral("b.png")); }));
  QTest::keyClick(window().view(), Qt::Key_Left);
  EXPECT_TRUE(waitFor([&] { return window().currentPath().endsWith(QStringLiteral("a.png")); }));
}

TEST_F(MainWindowTest, KeysChooseTheModes) {
  ASSERT_TRUE(fixture.show(fixture.picture("a.png")));
  window().activateWindow();
  window().view()->setFocus();
  const std::pair<Qt::Key, CompareMode> keys[] = {{Qt::Key_Y, CompareMode::SideBySide},
                                                  {Qt::Key_B, CompareMode::Blink},
                                                  {Qt::Key_D, CompareMode::Difference},
                                                  {Qt::Key_L, CompareMode::Lens},
                                                  {Qt::Key_S, CompareMode::Split}};
  for (const auto& [key, mode] : keys) {
    QTest::keyClick(window().view(), key);
    EXPECT_EQ(window().view()->mode(), mode);
  }
  QTest::keyClick(window().view(), Qt::Key_1);
  EXPECT_EQ(window().view()->view().scale(), 1.0);
  QTest::keyClick(window().view(), Qt::Key_2);
  EXPECT_EQ(window().view()->view().scale(), 2.0);
  QTest::keyClick(window().view(), Qt::Key_F);
  EXPECT_TRUE(window().view()->view().isFit());
}

TEST_F(MainWindowTest, ShortcutsAreDistinctAndCanBeChanged) {
  std::set<QString> keys;
  for (const Shortcuts::Entry& entry : window().shortcuts().entries()) {
    for (const QKeySequence& key : entry.standard) {
      EXPECT_TRUE(keys.insert(key.toString()).second) << key.toString().toStdString();
    }
  }
  const auto& entries = window().shortcuts().entries();
  const auto split = std::ranges::find(entries, QStringLiteral("split"), &Shortcuts::Entry::name);
  ASSERT_NE(split, entries.end());
  window().shortcuts().set(static_cast<std::size_t>(split - entries.begin()),
                           {QKeySequence(Qt::Key_X)}, fixture.settings());
  fixture.reopen();
  EXPECT_EQ(window().action(QStringLiteral("split"))->shortcut(), QKeySequence(Qt::Key_X));
  window().shortcuts().resetAll(fixture.settings());
  EXPECT_EQ(window().action(QStringLiteral("split"))->shortcut(), QKeySequence(Qt::Key_S));
}

/// Widgets that somebody can operate.
std::vector<QWidget*> interactive(MainWindow& window) {
  std::vector<QWidget*> result;
  for (QWidget* widget : window.findChildren<QWidget*>()) {
    const bool part = widget->objectName().startsWith(QStringLiteral("qt_")) ||
                      qobject_cast<QAbstractSpinBox*>(widget->parentWidget()) != nullptr ||
                      qobject_cast<QComboBox*>(widget->parentWidget()) != nullptr;
    if (part || !widget->isVisible() || !widget->isEnabled()) continue;
    if (qobject_cast<QAbstractButton*>(widget) || qobject_cast<QComboBox*>(widget) ||
        qobject_cast<QAbstractSlider*>(widget) || qobject_cast<QAbstractSpinBox*>(widget) ||
        qobject_cast<QAbstractItemView*>(widget) || qobject_cast<QTabBar*>(widget) ||
        qobject_cast<ImageCanvas*>(widget)) {
      if (qobject_cast<QScrollBar*>(widget) == nullptr) result.push_back(widget);
    }
  }
  return result;
}

TEST_F(MainWindowTest, EverythingInteractiveHasANameAndIsReachedByTab) {
  for (const bool open : {false, true}) {
    if (open) {
      ASSERT_TRUE(fixture.show(fixture.picture("a.png")));
    }
    window().activateWindow();
    window().view()->setFocus();
    std::set<QWidget*> reached;
    for (int i = 0; i < 120; ++i) {
      if (QWidget* focused = QApplication::focusWidget()) reached.insert(focused);
      QTest::keyClick(QApplication::focusWidget(), Qt::Key_Tab);
    }
    const auto widgets = interactive(window());
    EXPECT_GT(widgets.size(), 15U);
    for (QWidget* widget : widgets) {
      QAccessibleInterface* accessible = QAccessible::queryAccessibleInterface(widget);
      ASSERT_NE(accessible, nullptr);
      const std::string what =
          std::string(widget->metaObject()->className()) + " " + widget->objectName().toStdString();
      EXPECT_FALSE(accessible->text(QAccessible::Name).isEmpty()) << what;
      EXPECT_TRUE(reached.count(widget) != 0)
          << what << " " << accessible->text(QAccessible::Name).toStdString();
    }
  }
}

}  // namespace
}  // namespace pristine::gui
