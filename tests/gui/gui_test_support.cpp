#include "tests/gui/gui_test_support.h"

#include <gtest/gtest.h>

#include <QTest>

#include "app/image_file.h"
#include "gui/text.h"
#include "tests/support/test_image.h"

namespace pristine::gui {

bool waitFor(const std::function<bool()>& condition, int milliseconds) {
  return QTest::qWaitFor(condition, milliseconds);
}

Image positionImage(int width, int height) {
  Image image;
  image.pixels.create(height, width, CV_32FC3);
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x) {
      image.pixels.at<cv::Vec3f>(y, x) = {static_cast<float>(x) / static_cast<float>(width),
                                          static_cast<float>(y) / static_cast<float>(height), 0.5F};
    }
  }
  return image;
}

std::shared_ptr<const PictureSource> stillSource(Image image) {
  return std::make_shared<StillSource>(makePicture(std::move(image), {}), nullptr);
}

WindowFixture::WindowFixture()
    : settings_(toQString(folder_ / "settings.ini"), QSettings::IniFormat) {
  // Beside other work a thread that steps back would hardly come to anything.
  settings_.setValue(QStringLiteral("inference/nice"), 0);
  make();
}

WindowFixture::~WindowFixture() = default;

void WindowFixture::make() {
  window_ = std::make_unique<MainWindow>(settings_, toQString(folder_ / "queue.json"));
  window_->setConfirm([this](const QString&, const QString&) {
    ++questions;
    return answer;
  });
  window_->resize(1000, 700);
  window_->show();
  EXPECT_TRUE(QTest::qWaitForWindowExposed(window_.get()));
}

void WindowFixture::reopen() {
  window_->close();
  dieAndReopen();
}

void WindowFixture::dieAndReopen() {
  window_.reset();
  make();
}

std::filesystem::path WindowFixture::picture(const std::string& name, int width, int height,
                                             SampleDepth depth) {
  const auto path = folder_ / name;
  std::filesystem::create_directories(path.parent_path());
  writeImage(test::photographImage(width, height, depth), path);
  return path;
}

bool WindowFixture::show(const std::filesystem::path& path) {
  window_->openPaths({path});
  return waitFor([&] {
    return window_->currentPath() == toQString(path) && window_->view()->after() &&
           window_->view()->after()->picture().path == path;
  });
}

}  // namespace pristine::gui
