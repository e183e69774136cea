#pragma once

#include <QString>
#include <filesystem>

#include "app/model_catalog.h"
#include "core/restorer.h"

class QSettings;

namespace pristine::gui {

/// What the user has chosen for the task at hand; names and defaults are the command line's.
struct TaskSettings {
  QString task = QStringLiteral("denoise");  ///< "denoise", "dejpeg", "upscale"
  int scale = 2;                             ///< of upscaling
  QString model = QStringLiteral("best");    ///< variant, name or path
  int strength = 100;                        ///< percent; upscaling has none
  int quality = 95;                          ///< of JPEG and WebP
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

TaskSettings loadTaskSettings(const QSettings& settings);
void saveTaskSettings(const TaskSettings& task, QSettings& settings);

/// "auto", "f32", "bf16", as the command line says.
QString toString(Precision precision);
Precision precisionFromString(const QString& text);

/// Where a picture of the queue goes: `name` is its path below `root`.
std::filesystem::path outputFor(const std::filesystem::path& root,
                                const std::filesystem::path& name, const TaskSettings& task);

/// A shell command that does what the viewer would do. `inputs` is not empty.
QString commandLine(const std::vector<std::filesystem::path>& inputs,
                    const std::filesystem::path& output, const TaskSettings& task);

}  // namespace pristine::gui
