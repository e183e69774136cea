#include "gui/compare_view.h"

#include <gtest/gtest.h>

#include <QAccessible>
#include <QSignalSpy>
#include <QTest>
#include <QWheelEvent>
#include <cmath>

#include "gui/qt_image.h"
#include "tests/gui/gui_test_support.h"
#include "tests/support/test_image.h"

namespace pristine::gui {
namespace {

using namespace std::chrono_literals;

Image uniform(int width, int height, float value) {
  Image image;
  image.pixels = cv::Mat(height, width, CV_32FC3, cv::Scalar::all(static_cast<double>(value)));
  return image;
}

class CompareViewTest : public testing::Test {
 protected:
  CompareViewTest() {
    view.resize(400, 300);
    view.setFrameBudget(10000ms);
    view.show();
    view.setFocus();
    EXPECT_TRUE(QTest::qWaitForWindowExposed(&view));
  }

  void showBlackAndWhite(int width = 400, int height = 300) {
    view.setSources(stillSource(uniform(width, height, 0.0F)),
                    stillSource(uniform(width, height, 1.0F)));
  }
  QImage shot() { return view.grab().toImage(); }
  /// Grey value away from labels, divider and frame.
  int greyAt(int x, int y) { return qGray(shot().pixel(x, y)); }
  void wheel(const QPointF& at, int delta) {
    QWheelEvent event(at, view.mapToGlobal(at), {}, {0, delta}, Qt::NoButton, Qt::NoModifier,
                      Qt::NoScrollPhase, false);
    QApplication::sendEvent(&view, &event);
  }

  CompareView view;
};

TEST_F(CompareViewTest, SplitShowsBeforeLeftAndAfterRight) {
  showBlackAndWhite();
  EXPECT_EQ(greyAt(60, 200), 0);
  EXPECT_EQ(greyAt(340, 200), 255);
}

TEST_F(CompareViewTest, RestingPointerIsToldOfWhatChangesUnderIt) {
  showBlackAndWhite();
  QTest::mouseMove(&view, {100, 80});
  QSignalSpy hovered(&view, &CompareView::hovered);
  const auto told = [&] {
    const QPoint pixel = hovered.isEmpty() ? QPoint(-2, -2) : hovered.last().first().toPoint();
    hovered.clear();
    return pixel;
  };
  showBlackAndWhite();
  EXPECT_EQ(told(), QPoint(100, 80)) << "other pictures";
  view.invalidateAfter({90, 70, 20, 20});
  EXPECT_EQ(told(), QPoint(100, 80)) << "other pixels";
  view.zoomTo(2.0);
  EXPECT_EQ(told(), QPoint(150, 115)) << "another view, around the middle";
  QEvent leave(QEvent::Leave);
  QApplication::sendEvent(&view, &leave);
  EXPECT_EQ(told(), QPoint(-1, -1));
  view.invalidateAfter({90, 70, 20, 20});
  EXPECT_TRUE(hovered.isEmpty());
}

TEST_F(CompareViewTest, DividerFollowsTheMouse) {
  showBlackAndWhite();
  QTest::mousePress(&view, Qt::LeftButton, {}, view.handleRect().center());
  QTest::mouseMove(&view, QPoint(100, 150));
  QTest::mouseRelease(&view, Qt::LeftButton, {}, QPoint(100, 150));
  EXPECT_NEAR(view.divider(), 0.25, 0.01);
  EXPECT_EQ(greyAt(60, 220), 0);
  EXPECT_EQ(greyAt(160, 220), 255);
}

TEST_F(CompareViewTest, HandleCanBeGrabbedAtTheEdgesAndZoomedOut) {
  showBlackAndWhite(2000, 1500);
  for (const double scale : {0.02, 1.0, 8.0}) {
    view.zoomTo(scale);
    for (const double share : {0.0, 1.0}) {
      view.setDivider(share);
      const QRect handle = view.handleRect();
      EXPECT_TRUE(view.rect().contains(handle)) << scale << " " << share;
      EXPECT_GE(handle.width(), 24);
      QTest::mousePress(&view, Qt::LeftButton, {}, handle.center());
      QTest::mouseMove(&view, QPoint(200, 150));
      QTest::mouseRelease(&view, Qt::LeftButton, {}, QPoint(200, 150));
      EXPECT_NEAR(view.divider(), 0.5, 0.01) << scale << " " << share;
    }
  }
}

TEST_F(CompareViewTest, DividerTurnsOnDoubleClickAndMovesByKeyAndAltClick) {
  showBlackAndWhite();
  QTest::mouseDClick(&view, Qt::LeftButton, {}, view.handleRect().center());
  EXPECT_FALSE(view.isDividerVertical());
  EXPECT_EQ(greyAt(330, 100), 0);
  EXPECT_EQ(greyAt(60, 280), 255);
  QTest::keyClick(&view, Qt::Key_Right, Qt::ShiftModifier);
  EXPECT_NEAR(view.divider(), 0.51, 1e-9);
  QTest::mouseClick(&view, Qt::LeftButton, Qt::AltModifier, QPoint(200, 60));
  EXPECT_NEAR(view.divider(), 0.2, 0.01);
}

TEST_F(CompareViewTest, WheelKeepsThePixelUnderTheCursor) {
  view.setSources(nullptr, stillSource(positionImage(3000, 2000)));
  view.setMode(CompareMode::Blink);
  view.zoomTo(1.0);
  const QPointF cursor(123, 211);
  for (const int delta : {120, 240, -120, 600, -360, -240}) {
    const QPointF before = view.view().toPicture(cursor);
    wheel(cursor, delta);
    const QPointF after = view.view().toPicture(cursor);
    const double moved = std::hypot(after.x() - before.x(), after.y() - before.y());
    EXPECT_LE(moved * view.view().scale(), 1.0) << delta;
    // And what is painted there is that pixel.
    const QColor painted = shot().pixelColor(cursor.toPoint());
    EXPECT_NEAR(painted.red(), after.x() / 3000 * 255, 2.0);
    EXPECT_NEAR(painted.green(), after.y() / 2000 * 255, 2.0);
  }
}

TEST_F(CompareViewTest, OneToOneIsInDevicePixels) {
  view.setSources(nullptr, stillSource(positionImage(3000, 2000)));
  view.setMode(CompareMode::Blink);
  view.zoomTo(1.0);
  const QImage image = shot();
  ASSERT_EQ(image.size(), view.size() * view.devicePixelRatioF());
  EXPECT_EQ(view.view().viewport(), image.size());
  for (const QPoint at : {QPoint(60, 200), QPoint(191, 100), QPoint(330, 250)}) {
    const QPointF pixel = view.view().toPicture(at);
    EXPECT_NEAR(image.pixelColor(at).red(), pixel.x() / 3000 * 255, 1.0);
    EXPECT_NEAR(image.pixelColor(at).green(), pixel.y() / 2000 * 255, 1.0);
    EXPECT_EQ(view.view().toPicture(at + QPoint(1, 0)) - pixel, QPointF(1, 0));
  }
}

TEST_F(CompareViewTest, SidesOfDifferentSizesStayInStep) {
  view.setSources(stillSource(positionImage(500, 400)), stillSource(positionImage(1000, 800)));
  view.setMode(CompareMode::SideBySide);
  for (const double scale : {0.1, 0.4, 1.0, 2.6}) {
    view.zoomTo(scale);
    view.panBy(0.11, -0.07);
    const QImage image = shot();
    for (const QPoint at : {QPoint(60, 100), QPoint(140, 210)}) {
      const QColor left = image.pixelColor(at);
      const QColor right = image.pixelColor(at + QPoint(201, 0));
      EXPECT_NEAR(left.red(), right.red(), 2) << scale;
      EXPECT_NEAR(left.green(), right.green(), 2) << scale;
    }
  }
}

TEST_F(CompareViewTest, CtrlDragMovesTheBeforeSideAlone) {
  view.setSources(stillSource(positionImage(1000, 800)), stillSource(positionImage(1000, 800)));
  view.setMode(CompareMode::SideBySide);
  view.zoomTo(1.0);
  const QImage before = shot();
  QTest::mousePress(&view, Qt::LeftButton, Qt::ControlModifier, QPoint(100, 150));
  QMouseEvent move(QEvent::MouseMove, QPointF(130, 150), view.mapToGlobal(QPointF(130, 150)),
                   Qt::LeftButton, Qt::LeftButton, Qt::ControlModifier);
  QApplication::sendEvent(&view, &move);
  QTest::mouseRelease(&view, Qt::LeftButton, Qt::ControlModifier, QPoint(130, 150));
  const QImage after = shot();
  EXPECT_EQ(after.pixel(90, 200), before.pixel(60, 200));
  EXPECT_EQ(after.pixel(300, 200), before.pixel(300, 200));
}

TEST_F(CompareViewTest, SpaceShowsTheOriginalWhileItIsDown) {
  showBlackAndWhite();
  view.setMode(CompareMode::Blink);
  EXPECT_EQ(greyAt(60, 200), 255);
  QTest::keyPress(&view, Qt::Key_Space);
  EXPECT_EQ(greyAt(60, 200), 0);
  // A held key repeats: on X11 as pairs of release and press.
  for (int i = 0; i < 3; ++i) {
    QKeyEvent release(QEvent::KeyRelease, Qt::Key_Space, Qt::NoModifier, QString(), true);
    QApplication::sendEvent(&view, &release);
    EXPECT_TRUE(view.showsOriginal());
    QKeyEvent press(QEvent::KeyPress, Qt::Key_Space, Qt::NoModifier, QString(), true);
    QApplication::sendEvent(&view, &press);
    EXPECT_TRUE(view.showsOriginal());
  }
  QTest::keyRelease(&view, Qt::Key_Space);
  EXPECT_EQ(greyAt(60, 200), 255);
}

TEST_F(CompareViewTest, LosingTheFocusLetsTheOriginalGo) {
  showBlackAndWhite();
  QTest::keyPress(&view, Qt::Key_Space);
  view.clearFocus();
  EXPECT_FALSE(view.showsOriginal());
}

TEST_F(CompareViewTest, DifferenceOfEqualSidesIsBlack) {
  const auto source = stillSource(test::photographImage(400, 300));
  view.setSources(source, source);
  view.setMode(CompareMode::Difference);
  EXPECT_EQ(greyAt(200, 200), 0);
  view.setSources(stillSource(uniform(400, 300, 0.5F)), stillSource(uniform(400, 300, 0.51F)));
  EXPECT_NEAR(greyAt(200, 200), 0.01 * 8 * 255, 1.5);
  view.setDifferenceGain(32);
  EXPECT_NEAR(greyAt(200, 200), 0.01 * 32 * 255, 1.5);
}

TEST_F(CompareViewTest, LensShowsTheOriginalUnderTheCursor) {
  view.resize(900, 700);
  view.setSources(stillSource(uniform(900, 700, 0.0F)), stillSource(uniform(900, 700, 1.0F)));
  view.setMode(CompareMode::Lens);
  QTest::mouseMove(&view, QPoint(300, 350));
  EXPECT_TRUE(waitFor([&] { return greyAt(300, 400) == 0; }));
  EXPECT_EQ(greyAt(700, 400), 255);
}

TEST_F(CompareViewTest, RestoredPixelsAppear) {
  Image image = uniform(1000, 800, 0.25F);
  const auto before = stillSource(image);
  view.setSources(before, before);
  view.setMode(CompareMode::Blink);
  EXPECT_NEAR(greyAt(60, 200), 64, 1);
  // The pixels of the picture are shared, as those of a restoration are.
  image.pixels.setTo(cv::Scalar::all(0.75));
  EXPECT_NEAR(greyAt(60, 200), 64, 1) << "nothing is rendered again without need";
  view.zoomTo(1.0);
  image.pixels.setTo(cv::Scalar::all(0.5));
  view.invalidateAfter(QRect(0, 0, 1000, 800));
  EXPECT_NEAR(greyAt(60, 200), 128, 1);
}

TEST_F(CompareViewTest, FramesKeepTheirBudgetAndFinishLater) {
  view.resize(1200, 900);
  view.setSources(nullptr, stillSource(positionImage(3000, 2500)));
  view.setMode(CompareMode::Blink);
  view.zoomTo(1.0);
  shot();
  view.setFrameBudget(0ms);
  view.zoomTo(1.3);
  // The grab has little time for tiles; the old ones stand in, so nothing is left empty.
  const QColor rough = shot().pixelColor(900, 700);
  EXPECT_GT(rough.red() + rough.green() + rough.blue(), 60);
  view.setFrameBudget(16ms);
  const QPointF at = view.view().toPicture({900, 700});
  EXPECT_TRUE(waitFor(
      [&] { return std::abs(shot().pixelColor(900, 700).red() - at.x() / 3000 * 255) < 2.0; }));
}

TEST_F(CompareViewTest, ViewIsKeptForPicturesOfOneSize) {
  showBlackAndWhite(2000, 1500);
  view.zoomTo(2.0);
  view.panBy(0.3, 0.1);
  const QPointF centre = view.view().centre();
  showBlackAndWhite(2000, 1500);
  EXPECT_EQ(view.view().scale(), 2.0);
  EXPECT_EQ(view.view().centre(), centre);
}

TEST_F(CompareViewTest, TellsScreenReadersZoomAndDivider) {
  showBlackAndWhite();
  view.zoomTo(2.0);
  view.setDivider(0.25);
  EXPECT_TRUE(view.accessibleDescription().contains(QStringLiteral("200")));
  EXPECT_TRUE(view.accessibleDescription().contains(QStringLiteral("25")));
  QAccessibleInterface* accessible = QAccessible::queryAccessibleInterface(&view);
  ASSERT_NE(accessible, nullptr);
  EXPECT_EQ(accessible->role(), QAccessible::Graphic);
  ASSERT_NE(accessible->valueInterface(), nullptr);
  EXPECT_EQ(accessible->valueInterface()->currentValue().toInt(), 25);
  accessible->valueInterface()->setCurrentValue(60);
  EXPECT_NEAR(view.divider(), 0.6, 1e-9);
}

}  // namespace
}  // namespace pristine::gui
