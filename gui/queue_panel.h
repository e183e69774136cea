#pragma once

#include <QSortFilterProxyModel>
#include <QWidget>
#include <vector>

#include "gui/queue_model.h"

class QComboBox;
class QLabel;
class QListView;
class QProgressBar;
class QPushButton;
class QToolButton;

namespace pristine::gui {

class QueueController;

/// The rows of one state, or all.
class QueueFilter : public QSortFilterProxyModel {
  Q_OBJECT
 public:
  using QSortFilterProxyModel::QSortFilterProxyModel;
  /// Negative: all.
  void setState(int state);

 protected:
  bool filterAcceptsRow(int row, const QModelIndex& parent) const override;

 private:
  int state_ = -1;
};

/// The left side: pictures with thumbnails and states, a filter, overall progress.
class QueuePanel : public QWidget {
  Q_OBJECT
 public:
  QueuePanel(QueueModel& model, QueueController& queue, QWidget* parent = nullptr);

  QListView* list() const { return list_; }
  /// Rows of the model.
  std::vector<int> selectedRows() const;
  /// Marks the picture that is on the canvas.
  void setCurrent(const QString& path);
  /// Buttons below the list do what these actions do.
  void addActions(QAction* add, QAction* retry, QAction* remove, QAction* clear);
  /// "12 of 500 done, 3 failed, 14 min left"
  QString summary() const;

 signals:
  /// Somebody wants to see a picture of the list.
  void activated(const QString& path);

 private:
  void refresh();

  QueueModel& model_;
  QueueController& queue_;
  QueueFilter* filter_;
  QListView* list_;
  QComboBox* state_;
  QLabel* empty_;
  QLabel* summary_;
  QProgressBar* progress_;
  QWidget* buttons_;
};

}  // namespace pristine::gui
