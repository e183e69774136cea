#include "gui/task_settings.h"

#include <QSettings>
#include <QStringList>
#include <algorithm>

#include "gui/text.h"

namespace pristine::gui {

namespace {

constexpr const char* kDefaultFolder = "restored";
constexpr QLatin1String kUpscale("upscale");

/// One word for a POSIX shell.
QString quoted(const QString& word) {
  const bool plain = !word.isEmpty() && std::ranges::all_of(word, [](QChar c) {
    return c.unicode() < 128 && (c.isLetterOrNumber() || QStringLiteral("/._-+,:@%=").contains(c));
  });
  if (plain) return word;
  QString inside = word;
  inside.replace(QLatin1Char('\''), QLatin1String("'\\''"));
  return QLatin1Char('\'') + inside + QLatin1Char('\'');
}

/// A file whose name begins with '-' is no option.
QString quotedPath(const std::filesystem::path& path) {
  const QString text = toQString(path);
  return quoted(text.startsWith(QLatin1Char('-')) ? QLatin1String("./") + text : text);
}

}  // namespace

ModelChoice modelChoice(const TaskSettings& task) {
  ModelChoice choice;
  choice.task = task.task.toStdString();
  choice.scale = task.task == kUpscale ? task.scale : 1;
  choice.model = toPath(task.model).string();
  return choice;
}

double strengthOf(const TaskSettings& task) {
  return task.task == kUpscale ? 1.0 : task.strength / 100.0;
}

WriteOptions writeOptions(const TaskSettings& task) {
  WriteOptions options;
  options.depth = task.depth;
  // Only where it differs: a digest of the settings tells 95 from nothing.
  if (task.quality != TaskSettings().quality) options.quality = task.quality;
  return options;
}

TaskSettings loadTaskSettings(const QSettings& settings) {
  TaskSettings task;
  const QString name = settings.value(QStringLiteral("task/task")).toString();
  if (name == QLatin1String("dejpeg") || name == kUpscale) task.task = name;
  task.scale = std::clamp(settings.value(QStringLiteral("task/scale"), task.scale).toInt(), 2, 4);
  task.model = settings.value(QStringLiteral("task/model"), task.model).toString();
  task.strength =
      std::clamp(settings.value(QStringLiteral("task/strength"), task.strength).toInt(), 0, 100);
  task.quality =
      std::clamp(settings.value(QStringLiteral("task/quality"), task.quality).toInt(), 1, 100);
  task.format =
      formatOfWord(settings.value(QStringLiteral("task/format")).toString().toStdString());
  if (task.format && !traitsOf(*task.format).writable) task.format.reset();
  task.depth = depthFromString(settings.value(QStringLiteral("task/depth")).toString());
  task.ifExists = ifExistsFromString(settings.value(QStringLiteral("task/ifExists")).toString());
  task.precision = precisionFromString(settings.value(QStringLiteral("task/precision")).toString());
  task.threads =
      std::clamp(settings.value(QStringLiteral("task/threads"), task.threads).toInt(), 0, 1024);
  task.background = settings.value(QStringLiteral("task/background"), task.background).toBool();
  task.outputFolder = settings.value(QStringLiteral("task/output")).toString();
  return task;
}

void saveTaskSettings(const TaskSettings& task, QSettings& settings) {
  settings.setValue(QStringLiteral("task/task"), task.task);
  settings.setValue(QStringLiteral("task/scale"), task.scale);
  settings.setValue(QStringLiteral("task/model"), task.model);
  settings.setValue(QStringLiteral("task/strength"), task.strength);
  settings.setValue(QStringLiteral("task/quality"), task.quality);
  settings.setValue(QStringLiteral("task/format"), toString(task.format));
  settings.setValue(QStringLiteral("task/depth"), toString(task.depth));
  settings.setValue(QStringLiteral("task/ifExists"), toString(task.ifExists));
  settings.setValue(QStringLiteral("task/precision"), toString(task.precision));
  settings.setValue(QStringLiteral("task/threads"), task.threads);
  settings.setValue(QStringLiteral("task/background"), task.background);
  settings.setValue(QStringLiteral("task/output"), task.outputFolder);
}

QString toString(Precision precision) {
  switch (precision) {
    case Precision::F32:
      return QStringLiteral("f32");
    case Precision::BF16:
      return QStringLiteral("bf16");
    case Precision::Int8:
      return QStringLiteral("int8");
    default:
      return QStringLiteral("auto");
  }
}

Precision precisionFromString(const QString& text) {
  for (const Precision precision : {Precision::F32, Precision::BF16, Precision::Int8}) {
    if (toString(precision) == text) return precision;
  }
  return Precision::Auto;
}

QString toString(std::optional<FileFormat> format) {
  // Its first extension is the word that formatOfWord() knows.
  return format ? QString::fromStdString(traitsOf(*format).extensions.front().substr(1))
                : QStringLiteral("keep");
}

QString toString(std::optional<SampleDepth> depth) {
  if (!depth) return QStringLiteral("keep");
  if (*depth == SampleDepth::F32) return QStringLiteral("f32");
  return *depth == SampleDepth::U16 ? QStringLiteral("16") : QStringLiteral("8");
}

std::optional<SampleDepth> depthFromString(const QString& text) {
  for (const SampleDepth depth : {SampleDepth::U8, SampleDepth::U16, SampleDepth::F32}) {
    if (toString(std::optional(depth)) == text) return depth;
  }
  return std::nullopt;
}

QString toString(IfExists policy) {
  switch (policy) {
    case IfExists::Skip:
      return QStringLiteral("skip");
    case IfExists::Overwrite:
      return QStringLiteral("overwrite");
    case IfExists::Rename:
      return QStringLiteral("rename");
    case IfExists::Fail:
      return QStringLiteral("fail");
    case IfExists::Auto:
      break;
  }
  return QStringLiteral("auto");
}

IfExists ifExistsFromString(const QString& text) {
  for (const IfExists policy :
       {IfExists::Skip, IfExists::Overwrite, IfExists::Rename, IfExists::Fail}) {
    if (toString(policy) == text) return policy;
  }
  return IfExists::Auto;
}

std::filesystem::path outputFolder(const std::filesystem::path& root, const TaskSettings& task) {
  return task.outputFolder.isEmpty() ? root / kDefaultFolder : toPath(task.outputFolder);
}

std::filesystem::path outputFor(const std::filesystem::path& root,
                                const std::filesystem::path& name, const TaskSettings& task) {
  std::filesystem::path output = outputFolder(root, task) / name;
  // As the command line does it: another format has its own extension.
  if (task.format && name.has_filename() && formatOfName(output) != task.format) {
    output.replace_extension(traitsOf(*task.format).extensions.front());
  }
  return output;
}

QString commandLine(const std::vector<std::filesystem::path>& inputs,
                    const std::filesystem::path& output, const TaskSettings& task) {
  const TaskSettings standard;
  QStringList words{QStringLiteral("pristine"), task.task};
  for (const auto& input : inputs) words << quotedPath(input);
  words << QStringLiteral("-o") << quotedPath(output);
  if (task.task == kUpscale) words << QStringLiteral("--scale") << QString::number(task.scale);
  if (task.model != standard.model) words << QStringLiteral("--model") << quoted(task.model);
  if (task.strength != standard.strength && task.task != kUpscale) {
    words << QStringLiteral("--strength") << QString::number(task.strength);
  }
  if (task.format) words << QStringLiteral("--format") << toString(task.format);
  if (task.depth) words << QStringLiteral("--depth") << toString(task.depth);
  if (task.ifExists != standard.ifExists) {
    words << QStringLiteral("--if-exists") << toString(task.ifExists);
  }
  if (task.quality != standard.quality) {
    words << QStringLiteral("--quality") << QString::number(task.quality);
  }
  if (task.precision != standard.precision) {
    words << QStringLiteral("--precision") << toString(task.precision);
  }
  if (task.threads != standard.threads) {
    words << QStringLiteral("--threads") << QString::number(task.threads);
  }
  return words.join(QLatin1Char(' '));
}

}  // namespace pristine::gui
