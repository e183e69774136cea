#include <gtest/gtest.h>

#include <QApplication>
#include <QStandardPaths>
#include <cstdlib>

#include "app/image_file.h"
#include "gui/theme.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/tiny_model.h"

namespace {

/// Nothing may warn: a warning of Qt is a mistake that nobody has seen yet.
void onMessage(QtMsgType type, const QMessageLogContext& /*context*/, const QString& message) {
  // The platform without a screen says so of itself, for every window.
  if (message.startsWith(QLatin1String("This plugin does not support"))) return;
  if (type == QtWarningMsg || type == QtCriticalMsg) {
    ADD_FAILURE() << "Qt says: " << message.toStdString();
  }
  if (type == QtFatalMsg) std::abort();
}

}  // namespace

int main(int argc, char** argv) {
  // gtest_discover_tests runs this at build time, where there is no screen.
  qputenv("QT_QPA_PLATFORM", "offscreen");
  qputenv("LANG", "C.UTF-8");
  ::testing::InitGoogleTest(&argc, argv);
  const QApplication application(argc, argv);
  QStandardPaths::setTestModeEnabled(true);
  pristine::initializeImageFiles();
  pristine::gui::applyTheme(*qApp, pristine::gui::Theme::Light);
  const pristine::test::TemporaryFolder models;
  pristine::test::writeTinyModel(models / "denoise.safetensors", 1);
  pristine::test::writeTinyModel(models / "second.safetensors", 2);
  pristine::test::writeTinyModel(models / "upscale2.safetensors", 1, 2);
  qputenv("PRISTINE_MODELS", QByteArray::fromStdString(models.path().string()));
  qInstallMessageHandler(onMessage);
  return RUN_ALL_TESTS();
}
