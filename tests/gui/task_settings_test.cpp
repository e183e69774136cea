#include "gui/task_settings.h"

#include <gtest/gtest.h>

#include <QProcess>
#include <QSettings>

#include "cli/options.h"
#include "gui/text.h"
#include "tests/support/temporary_folder.h"

namespace pristine::gui {
namespace {

/// The words that a shell makes of a command line.
std::vector<std::string> wordsOf(const QString& command) {
  QProcess shell;
  shell.start(QStringLiteral("/bin/sh"),
              {QStringLiteral("-c"), QStringLiteral("printf '%s\\0' ") + command});
  EXPECT_TRUE(shell.waitForFinished());
  std::vector<std::string> words;
  for (const QByteArray& word : shell.readAllStandardOutput().split('\0')) {
    words.push_back(word.toStdString());
  }
  words.pop_back();  // after the last zero
  return words;
}

cli::Options parsed(const QString& command) {
  std::vector<std::string> words = wordsOf(command);
  EXPECT_EQ(words.front(), "pristine");
  words.erase(words.begin());
  return cli::parseOptions(words);
}

TEST(TaskSettings, HaveTheDefaultsOfTheCommandLine) {
  const TaskSettings task;
  const cli::Options options = parsed(commandLine({"a.png"}, "b.png", task));
  EXPECT_EQ(options.model, task.model.toStdString());
  EXPECT_EQ(options.strength, task.strength);
  EXPECT_EQ(options.write.quality.value_or(95), task.quality);
  EXPECT_EQ(options.write.format, task.format);
  EXPECT_EQ(options.write.depth, task.depth);
  EXPECT_EQ(options.batch.ifExists, task.ifExists);
  EXPECT_EQ(options.restorer.precision, task.precision);
  EXPECT_EQ(options.restorer.threads, task.threads);
}

TEST(TaskSettings, CommandLineMeansTheSame) {
  TaskSettings task;
  task.model = QStringLiteral("/models/my model's.safetensors");
  task.strength = 35;
  task.quality = 80;
  task.format = FileFormat::Tiff;
  task.depth = SampleDepth::F32;
  task.ifExists = IfExists::Rename;
  task.precision = Precision::F32;
  task.threads = 3;
  const std::vector<std::filesystem::path> inputs{"/p/it's $HOME #1 100% 写真.jpg", "-dash.png"};
  const cli::Options options = parsed(commandLine(inputs, "/out put/", task));
  ASSERT_EQ(options.inputs.size(), 2U);
  EXPECT_EQ(options.inputs[0], inputs[0]);
  EXPECT_EQ(options.inputs[1], "./-dash.png");
  EXPECT_EQ(options.output, "/out put/");
  EXPECT_EQ(options.model, "/models/my model's.safetensors");
  EXPECT_EQ(options.strength, 35);
  EXPECT_EQ(options.write.quality.value_or(95), 80);
  EXPECT_EQ(options.write.format, FileFormat::Tiff);
  EXPECT_EQ(options.write.depth, SampleDepth::F32);
  EXPECT_EQ(options.batch.ifExists, IfExists::Rename);
  EXPECT_EQ(options.restorer.precision, Precision::F32);
  EXPECT_EQ(options.restorer.threads, 3);
}

TEST(TaskSettings, CommandLineOfEveryTaskMeansTheSame) {
  TaskSettings task;
  task.task = QStringLiteral("dejpeg");
  task.strength = 60;
  const cli::Options dejpeg = parsed(commandLine({"a.png"}, "b.png", task));
  EXPECT_EQ(dejpeg.verb, cli::Options::Verb::Dejpeg);
  EXPECT_EQ(dejpeg.strength, 60);
  EXPECT_EQ(strengthOf(task), 0.6);
  EXPECT_EQ(modelChoice(task), (ModelChoice{"dejpeg", 1, "best"}));
  task.task = QStringLiteral("upscale");
  task.scale = 3;
  task.model = QStringLiteral("photo");
  const cli::Options upscale = parsed(commandLine({"a.png"}, "b.png", task));
  EXPECT_EQ(upscale.verb, cli::Options::Verb::Upscale);
  EXPECT_EQ(upscale.scale, 3);
  EXPECT_EQ(upscale.model, "photo");
  EXPECT_EQ(strengthOf(task), 1.0);
  EXPECT_EQ(modelChoice(task), (ModelChoice{"upscale", 3, "photo"}));
}

TEST(TaskSettings, SurviveTheSettingsFile) {
  const test::TemporaryFolder folder;
  TaskSettings task;
  task.task = QStringLiteral("upscale");
  task.scale = 4;
  task.model = QStringLiteral("second");
  task.strength = 42;
  task.quality = 77;
  task.format = FileFormat::Avif;
  task.depth = SampleDepth::U16;
  task.ifExists = IfExists::Skip;
  task.precision = Precision::BF16;
  task.threads = 5;
  task.background = false;
  task.outputFolder = QStringLiteral("/tmp/ünï");
  {
    QSettings settings(toQString(folder / "s.ini"), QSettings::IniFormat);
    saveTaskSettings(task, settings);
  }
  const QSettings settings(toQString(folder / "s.ini"), QSettings::IniFormat);
  EXPECT_EQ(loadTaskSettings(settings), task);
}

TEST(TaskSettings, NonsenseInTheFileIsPutRight) {
  const test::TemporaryFolder folder;
  QSettings settings(toQString(folder / "s.ini"), QSettings::IniFormat);
  settings.setValue(QStringLiteral("task/strength"), 5000);
  settings.setValue(QStringLiteral("task/quality"), -3);
  settings.setValue(QStringLiteral("task/task"), QStringLiteral("polish"));
  settings.setValue(QStringLiteral("task/scale"), 9);
  settings.setValue(QStringLiteral("task/precision"), QStringLiteral("f7"));
  settings.setValue(QStringLiteral("task/format"), QStringLiteral("heic"));
  settings.setValue(QStringLiteral("task/depth"), QStringLiteral("12"));
  settings.setValue(QStringLiteral("task/ifExists"), QStringLiteral("explode"));
  const TaskSettings task = loadTaskSettings(settings);
  EXPECT_EQ(task.strength, 100);
  EXPECT_EQ(task.quality, 1);
  EXPECT_EQ(task.task, QStringLiteral("denoise"));
  EXPECT_EQ(task.scale, 4);
  EXPECT_EQ(task.precision, Precision::Auto);
  EXPECT_FALSE(task.format);
  EXPECT_FALSE(task.depth);
  EXPECT_EQ(task.ifExists, IfExists::Auto);
}

TEST(TaskSettings, OutputKeepsTheTree) {
  TaskSettings task;
  EXPECT_EQ(outputFor("/p", "sub/a.png", task), "/p/restored/sub/a.png");
  task.outputFolder = QStringLiteral("/out");
  EXPECT_EQ(outputFor("/p", "sub/a.png", task), "/out/sub/a.png");
  task.format = FileFormat::Jpeg;
  EXPECT_EQ(outputFor("/p", "sub/a.png", task), "/out/sub/a.jpg");
  EXPECT_EQ(outputFor("/p", "sub/a.jpeg", task), "/out/sub/a.jpeg");
}

}  // namespace
}  // namespace pristine::gui
