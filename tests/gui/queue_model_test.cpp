#include "gui/queue_model.h"

#include <gtest/gtest.h>

#include <QAbstractItemModelTester>
#include <QSignalSpy>

#include "gui/queue_panel.h"

namespace pristine::gui {
namespace {

std::vector<QueueItem> items(int count, const std::string& prefix = "a") {
  std::vector<QueueItem> result;
  for (int i = 0; i < count; ++i) {
    QueueItem item;
    item.root = "/pictures";
    item.name = prefix + std::to_string(i) + ".png";
    item.input = item.root / item.name;
    result.push_back(item);
  }
  return result;
}

void setState(QueueModel& model, int row, ItemState state) {
  model.update(model.item(row).id, [&](QueueItem& item) { item.state = state; });
}

class QueueModelTest : public testing::Test {
 protected:
  QueueModel model;
  QAbstractItemModelTester tester{&model, QAbstractItemModelTester::FailureReportingMode::Warning};
};

TEST_F(QueueModelTest, ListsEveryInputOnce) {
  EXPECT_EQ(model.add(items(5)), 5);
  EXPECT_EQ(model.add(items(7)), 2);
  EXPECT_EQ(model.rowCount(), 7);
  EXPECT_EQ(model.rowOf(std::filesystem::path("/pictures/a6.png")), 6);
}

TEST_F(QueueModelTest, AddsOnceHoweverOftenAnInputComesAtOnce) {
  auto twice = items(2);
  twice.push_back(twice.front());
  EXPECT_EQ(model.add(twice), 2);
}

TEST_F(QueueModelTest, RemovesScatteredRows) {
  model.add(items(10));
  model.remove({7, 1, 2, 9, 2});
  ASSERT_EQ(model.rowCount(), 6);
  EXPECT_EQ(model.item(1).name, "a3.png");
  EXPECT_EQ(model.item(5).name, "a8.png");
  for (int row = 0; row < model.rowCount(); ++row) {
    EXPECT_EQ(model.rowOf(model.item(row).id), row);
  }
  EXPECT_EQ(model.add(items(10)), 4) << "what was removed can come back";
}

TEST_F(QueueModelTest, CountsAndRetries) {
  model.add(items(4));
  setState(model, 0, ItemState::Done);
  setState(model, 1, ItemState::Failed);
  setState(model, 2, ItemState::Running);
  EXPECT_EQ(model.counts().done, 1);
  EXPECT_EQ(model.counts().failed, 1);
  EXPECT_EQ(model.counts().running, 1);
  EXPECT_EQ(model.counts().waiting, 1);
  model.retry({0, 1, 2});
  EXPECT_EQ(model.counts().waiting, 3);
  EXPECT_EQ(model.counts().running, 1) << "what runs goes on";
  EXPECT_EQ(model.waiting(2).size(), 2U);
}

TEST_F(QueueModelTest, FailureShowsItsReason) {
  model.add(items(1));
  model.update(model.item(0).id, [](QueueItem& item) {
    item.state = ItemState::Failed;
    item.reason = QStringLiteral("is empty");
  });
  EXPECT_EQ(model.index(0).data(QueueModel::DetailRole).toString(), QStringLiteral("is empty"));
  EXPECT_TRUE(model.index(0).data(Qt::AccessibleTextRole).toString().contains("is empty"));
}

TEST_F(QueueModelTest, TellsWhatWasSkippedFromWhatWasRestored) {
  model.add(items(2));
  for (const int row : {0, 1}) {
    model.update(model.item(row).id, [&](QueueItem& item) {
      item.state = ItemState::Done;
      item.skipped = true;
      if (row == 1) item.reason = QStringLiteral("output exists");
    });
  }
  EXPECT_EQ(model.index(0).data(QueueModel::DetailRole).toString(), QStringLiteral("up to date"));
  EXPECT_EQ(model.index(1).data(QueueModel::DetailRole).toString(),
            QStringLiteral("left as it was"));
  model.retry({0});
  EXPECT_FALSE(model.item(0).skipped);
}

TEST_F(QueueModelTest, AsksForAThumbnailOnce) {
  model.add(items(2));
  QSignalSpy wanted(&model, &QueueModel::thumbnailWanted);
  model.index(0).data(Qt::DecorationRole);
  model.index(0).data(Qt::DecorationRole);
  ASSERT_EQ(wanted.count(), 1);
  QImage image(4, 4, QImage::Format_RGB32);
  image.fill(Qt::red);
  model.setThumbnail(wanted[0][0].toString(), image);
  EXPECT_EQ(model.index(0).data(Qt::DecorationRole).value<QImage>(), image);
}

TEST_F(QueueModelTest, FilterFollowsTheState) {
  QueueFilter filter;
  filter.setSourceModel(&model);
  const QAbstractItemModelTester filterTester(
      &filter, QAbstractItemModelTester::FailureReportingMode::Warning);
  model.add(items(6));
  filter.setState(static_cast<int>(ItemState::Failed));
  EXPECT_EQ(filter.rowCount(), 0);
  setState(model, 3, ItemState::Failed);
  setState(model, 5, ItemState::Failed);
  EXPECT_EQ(filter.rowCount(), 2);
  setState(model, 3, ItemState::Waiting);
  EXPECT_EQ(filter.rowCount(), 1);
  filter.setState(-1);
  EXPECT_EQ(filter.rowCount(), 6);
}

TEST_F(QueueModelTest, TakesFiveThousandAtOnce) {
  QSignalSpy inserted(&model, &QAbstractItemModel::rowsInserted);
  EXPECT_EQ(model.add(items(5000)), 5000);
  EXPECT_EQ(inserted.count(), 1) << "one insertion, or views are rebuilt thousands of times";
}

}  // namespace
}  // namespace pristine::gui
