#include "gui/task_panel.h"

#include <gtest/gtest.h>

#include <QComboBox>
#include <QSignalSpy>
#include <QSlider>
#include <QTabBar>

namespace pristine::gui {
namespace {

ModelInfo model(const std::string& name, const std::string& task, int scale,
                const std::string& variant) {
  ModelInfo info;
  info.name = name;
  info.task = task;
  info.scale = scale;
  info.variant = variant;
  return info;
}

class TaskPanelTest : public testing::Test {
 protected:
  TaskPanelTest() {
    panel.show();
    panel.setModels(
        {model("denoise", "denoise", 1, "best"), model("denoise_camera", "denoise", 1, "camera"),
         model("mine", "denoise", 1, "best"), model("upscale2", "upscale", 2, "best"),
         model("upscale4", "upscale", 4, "best"), model("upscale4_photo", "upscale", 4, "photo")});
  }
  QTabBar* tabs() { return panel.findChild<QTabBar*>(); }
  QComboBox* box(const QString& name) {
    for (QComboBox* box : panel.findChildren<QComboBox*>()) {
      if (box->accessibleName() == name) return box;
    }
    return nullptr;
  }
  static QStringList dataOf(const QComboBox* box) {
    QStringList data;
    for (int i = 0; i < box->count(); ++i) data << box->itemData(i).toString();
    return data;
  }
  void choose(QComboBox* box, const QVariant& data) {
    const int index = box->findData(data);
    ASSERT_GE(index, 0);
    box->setCurrentIndex(index);
    emit box->activated(index);
  }

  TaskPanel panel;
};

TEST_F(TaskPanelTest, HasATabForEveryTaskWithAModel) {
  ASSERT_EQ(tabs()->count(), 2);
  EXPECT_EQ(tabs()->tabText(0), QStringLiteral("Denoise"));
  EXPECT_EQ(tabs()->tabText(1), QStringLiteral("Upscale"));
  EXPECT_EQ(tabs()->currentIndex(), 0);
  panel.setModels({model("denoise", "denoise", 1, "best"), model("dejpeg", "dejpeg", 1, "best")});
  EXPECT_EQ(tabs()->tabText(1), QStringLiteral("JPEG"));
}

TEST_F(TaskPanelTest, OffersTheVariantsOfTheTask) {
  EXPECT_EQ(dataOf(box(QStringLiteral("Model"))),
            (QStringList{QStringLiteral("best"), QStringLiteral("camera"), QStringLiteral("mine"),
                         QString()}));
  QSignalSpy changed(&panel, &TaskPanel::engineChanged);
  choose(box(QStringLiteral("Model")), QStringLiteral("camera"));
  EXPECT_EQ(changed.count(), 1);
  EXPECT_EQ(modelChoice(panel.settings()), (ModelChoice{"denoise", 1, "camera"}));
}

TEST_F(TaskPanelTest, UpscalingHasAScaleInsteadOfAStrength) {
  QComboBox* scale = box(QStringLiteral("Scale"));
  EXPECT_FALSE(scale->isVisible());
  EXPECT_TRUE(panel.findChild<QSlider*>()->isVisible());
  QSignalSpy changed(&panel, &TaskPanel::engineChanged);
  tabs()->setCurrentIndex(1);
  EXPECT_EQ(changed.count(), 1);
  EXPECT_TRUE(scale->isVisible());
  EXPECT_FALSE(panel.findChild<QSlider*>()->isVisible());
  EXPECT_EQ(dataOf(scale), (QStringList{QStringLiteral("2"), QStringLiteral("4")}));
  EXPECT_EQ(modelChoice(panel.settings()), (ModelChoice{"upscale", 2, "best"}));
  choose(scale, 4);
  EXPECT_EQ(changed.count(), 2);
  choose(box(QStringLiteral("Model")), QStringLiteral("photo"));
  EXPECT_EQ(modelChoice(panel.settings()), (ModelChoice{"upscale", 4, "photo"}));
  // There is no photo model for the other scale.
  choose(scale, 2);
  EXPECT_EQ(modelChoice(panel.settings()), (ModelChoice{"upscale", 2, "best"}));
}

TEST_F(TaskPanelTest, TakesAScaleThatThereIs) {
  panel.setModels(
      {model("denoise", "denoise", 1, "best"), model("upscale3", "upscale", 3, "best")});
  tabs()->setCurrentIndex(1);
  EXPECT_EQ(panel.settings().scale, 3);
}

TEST_F(TaskPanelTest, KeepsATaskWithoutAModelInSight) {
  TaskSettings settings;
  settings.task = QStringLiteral("dejpeg");
  panel.setSettings(settings);
  EXPECT_EQ(tabs()->count(), 3);
  EXPECT_EQ(tabs()->tabText(tabs()->currentIndex()), QStringLiteral("JPEG"));
  EXPECT_EQ(panel.settings().task, QStringLiteral("dejpeg"));
}

}  // namespace
}  // namespace pristine::gui
