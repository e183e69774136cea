#include "gui/view_transform.h"

#include <gtest/gtest.h>

#include <cmath>

namespace pristine::gui {
namespace {

ViewTransform viewOf(const QSize& viewport, const QSize& picture) {
  ViewTransform view;
  view.setViewport(viewport);
  view.setPicture(picture);
  return view;
}

TEST(ViewTransform, FitsWholePictureAndNeverEnlarges) {
  const ViewTransform large = viewOf({800, 600}, {4000, 2000});
  EXPECT_DOUBLE_EQ(large.scale(), 0.2);
  EXPECT_EQ(large.visible(), QRect(0, 0, 4000, 2000));
  EXPECT_DOUBLE_EQ(viewOf({800, 600}, {40, 30}).scale(), 1.0);
}

TEST(ViewTransform, FollowsViewportUntilZoomed) {
  ViewTransform view = viewOf({800, 600}, {4000, 3000});
  view.setViewport({400, 300});
  EXPECT_DOUBLE_EQ(view.scale(), 0.1);
  view.zoomCentre(1.0);
  view.setViewport({800, 600});
  EXPECT_DOUBLE_EQ(view.scale(), 1.0);
}

TEST(ViewTransform, ZoomKeepsPixelUnderCursor) {
  ViewTransform view = viewOf({801, 603}, {4000, 3000});
  view.zoomCentre(0.6);
  for (const double scale : {0.7, 1.0, 1.3, 2.5, 7.9, 3.1, 0.9}) {
    const QPointF cursor(233, 417);
    const QPointF before = view.toPicture(cursor);
    view.zoomAt(cursor, scale);
    const QPointF after = view.toPicture(cursor);
    // The corner of the picture lies on whole device pixels.
    EXPECT_LE(std::hypot(after.x() - before.x(), after.y() - before.y()) * scale, 1.0) << scale;
  }
}

TEST(ViewTransform, KeepsPictureInReach) {
  ViewTransform view = viewOf({800, 600}, {4000, 3000});
  view.zoomCentre(1.0);
  view.pan({1e6, -1e6});
  EXPECT_FALSE(view.visible().isEmpty());
  view.pan({-2e6, 2e6});
  EXPECT_FALSE(view.visible().isEmpty());
}

TEST(ViewTransform, VisibleHoldsPixelsThatAreOnlyPartlyInside) {
  ViewTransform view = viewOf({100, 100}, {1000, 1000});
  view.zoomCentre(8.0);
  const QRect visible = view.visible();
  EXPECT_GE(visible.width(), 100 / 8);
  EXPECT_LE(visible.width(), 100 / 8 + 2);
  EXPECT_TRUE(visible.contains(QPoint(500, 500)));
}

TEST(ViewTransform, ScaleHasLimits) {
  ViewTransform view = viewOf({800, 600}, {4000, 3000});
  view.zoomCentre(1e9);
  EXPECT_DOUBLE_EQ(view.scale(), ViewTransform::kLargestScale);
  view.zoomCentre(0.0);
  EXPECT_GT(view.scale(), 0.0);
}

}  // namespace
}  // namespace pristine::gui
