#pragma once

#include <QString>
#include <filesystem>
#include <optional>

#include "app/file_format.h"
#include "app/model_catalog.h"
#include "app/output_policy.h"
#include "core/restorer.h"

class QSettings;

namespace pristine::gui {

/// What the user has chosen for the task at hand; names and defaults are the command line's.
struct TaskSettings {
  QString task = QStringLiteral("denoise");  ///< "denoise", "dejpeg", "upscale"
  int scale = 2;                             ///< of upscaling
  QString model = QStringLiteral("best");    ///< variant, name or path
  int strength = 100;                        ///< percent; upscaling has none
  std::optional<FileFormat> format;          ///< of the queue's results; empty: as the source
  std::optional<SampleDepth> depth;          ///< of results; empty: as the source
  int quality = 95;                          ///< of lossy formats
  IfExists ifExists = IfExists::Auto;        ///< of the queue's results
  Precision precision = Precision::Auto;
  int threads = 0;         ///< 0: all
  bool background = true;  ///< restore more than what is visible
  QString outputFolder;    ///< empty: "restored" beside every picture

  bool operator==(const TaskSettings&) const = default;
};

/// The network that the settings ask for.
ModelChoice modelChoice(const TaskSettings& task);
/// 0 to 1.
double strengthOf(const TaskSettings& task);
/// Without the format.
WriteOptions writeOptions(const TaskSettings& task);

TaskSettings loadTaskSettings(const QSettings& settings);
void saveTaskSettings(const TaskSettings& task, QSettings& settings);

/// "auto", "f32", "bf16", as the command line says.
QString toString(Precision precision);
Precision precisionFromString(const QString& text);
/// "keep", "png", "jpg" ...; "keep", "8", "16", "f32"; "auto", "skip" ..., as the command line
/// says.
QString toString(std::optional<FileFormat> format);
QString toString(std::optional<SampleDepth> depth);
QString toString(IfExists policy);
std::optional<SampleDepth> depthFromString(const QString& text);
IfExists ifExistsFromString(const QString& text);

/// The folder of the results of a picture of the queue.
std::filesystem::path outputFolder(const std::filesystem::path& root, const TaskSettings& task);
/// Where a picture of the queue goes: `name` is its path below `root`.
std::filesystem::path outputFor(const std::filesystem::path& root,
                                const std::filesystem::path& name, const TaskSettings& task);

/// A shell command that does what the viewer would do. `inputs` is not empty.
QString commandLine(const std::vector<std::filesystem::path>& inputs,
                    const std::filesystem::path& output, const TaskSettings& task);

}  // namespace pristine::gui
