#pragma once

#include <QSettings>
#include <QString>
#include <filesystem>
#include <functional>
#include <memory>
#include <opencv2/core/mat.hpp>

#include "core/image.h"
#include "gui/main_window.h"
#include "gui/picture_source.h"
#include "tests/support/temporary_folder.h"

namespace pristine::gui {

/// Runs the event loop until the condition holds; false after the timeout.
bool waitFor(const std::function<bool()>& condition, int milliseconds = 240000);

/// Every pixel tells where it is: red x / width, green y / height, blue 0.5.
Image positionImage(int width, int height);
std::shared_ptr<const PictureSource> stillSource(Image image);

/// A window on settings of its own, in a folder that goes away.
class WindowFixture {
 public:
  WindowFixture();
  ~WindowFixture();

  MainWindow& window() { return *window_; }
  QSettings& settings() { return settings_; }
  const std::filesystem::path& folder() const { return folder_.path(); }
  /// Closes the window and makes another with the same settings.
  void reopen();
  /// The same without closing, as after a kill.
  void dieAndReopen();
  /// Writes a noisy picture and returns its path.
  std::filesystem::path picture(const std::string& name, int width = 160, int height = 120,
                                SampleDepth depth = SampleDepth::U8);
  /// Opens and waits until it is on the canvas.
  bool show(const std::filesystem::path& path);
  /// Questions are answered with this, without a dialog.
  bool answer = true;
  int questions = 0;

 private:
  void make();

  test::TemporaryFolder folder_;
  QSettings settings_;
  std::unique_ptr<MainWindow> window_;
};

}  // namespace pristine::gui
