#pragma once

#include <QMainWindow>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "gui/compare_view.h"
#include "gui/message_bar.h"
#include "gui/picture_loader.h"
#include "gui/picture_saver.h"
#include "gui/queue_controller.h"
#include "gui/recent_files.h"
#include "gui/restore_controller.h"
#include "gui/shortcuts.h"
#include "gui/task_panel.h"
#include "gui/view_metrics.h"

class QActionGroup;
class QLabel;
class QMenu;
class QMimeData;
class QProgressBar;
class QSettings;
class QSplitter;
class QToolBar;

namespace pristine::gui {

class QueuePanel;
class Thumbnailer;

/// The viewer's window: wires the picture, the queue, the task and their controllers.
class MainWindow : public QMainWindow {
  Q_OBJECT
 public:
  /// Settings are read now and written on closing; `pendingFile` keeps what a queue left undone.
  MainWindow(QSettings& settings, const QString& pendingFile);
  ~MainWindow() override;

  /// Lists pictures of files and folders and shows the first.
  void openPaths(const std::vector<std::filesystem::path>& paths);
  void openReference(const QString& path);
  /// Waits for the rest of the picture, then writes. Replaces an existing file.
  void saveTo(const QString& path);
  void paste();

  CompareView* view() const { return view_; }
  QueuePanel* queuePanel() const { return queuePanel_; }
  TaskPanel* taskPanel() const { return taskPanel_; }
  QueueModel& queueModel() { return queueModel_; }
  QueueController& queue() { return *queue_; }
  RestoreController& restore() { return *restore_; }
  const QString& currentPath() const { return currentPath_; }
  QString errorText() const;
  QAction* action(const QString& name) const;
  Shortcuts& shortcuts() { return shortcuts_; }
  /// How questions are asked; the standard asks in a dialog.
  using Confirm = std::function<bool(const QString& question, const QString& yes)>;
  void setConfirm(Confirm confirm) { confirm_ = std::move(confirm); }

 signals:
  void pictureShown(const QString& path);
  void saved(const QString& path);

 protected:
  void closeEvent(QCloseEvent* event) override;
  void dragEnterEvent(QDragEnterEvent* event) override;
  void dropEvent(QDropEvent* event) override;
  void changeEvent(QEvent* event) override;

 private:
  QAction* addAction(const QString& name, const QString& text, const QList<QKeySequence>& keys,
                     const std::function<void()>& run);
  void makeActions();
  void makeMenus();
  void makeToolBar();
  void makeStatusBar();
  void makeBars();
  void makeEmptyState();
  void connectAll();
  void readModels();
  void restoreLayout();

  void openDialog();
  void folderDialog();
  /// Again to the file that this picture went to, or as saveDialog().
  void save();
  void saveDialog();
  void showWaitingSave();
  void referenceDialog();
  void takeClipboard(const QMimeData& content);
  void showPicture(const QString& path);
  void pictureLoaded(const LoadedPicture& loaded);
  void step(int by);
  void stepTo(int row);
  void updateSources();
  void updateLabels();
  void updateView();
  void updateActions();
  void updateProgress();
  void showPixel(const QPoint& pixel);
  void referenceLoaded(const LoadedPicture& loaded);
  void clearReference();
  bool mayLeavePicture();
  bool mayLeaveQueue();
  void remember(const QString& path);
  /// Empty: sRGB.
  void useScreenProfile(const QString& file);
  void readScreenProfile();
  void showError(const QString& text);
  void pinResult();
  void copyCommand();
  void startQueue();
  void stopQueue();
  void retryFailed();
  void queueFinished();
  InferenceSettings inferenceSettings() const;
  /// The model of the before side, where that is a result.
  std::optional<ModelChoice> comparedModel() const;
  LiveView liveView() const;

  QSettings& settings_;
  QString pendingFile_;
  Shortcuts shortcuts_;
  Confirm confirm_;

  QueueModel queueModel_;
  std::unique_ptr<RestoreController> restore_;
  std::unique_ptr<QueueController> queue_;
  Thumbnailer* thumbnailer_;
  PictureLoader* loader_;
  PictureLoader* referenceLoader_;
  PictureSaver* saver_;
  ViewMetrics* metrics_;
  RecentFiles* recent_;

  CompareView* view_;
  QueuePanel* queuePanel_;
  TaskPanel* taskPanel_;
  QSplitter* splitter_;
  QWidget* emptyState_;
  MessageBar* errorBar_;
  MessageBar* noticeBar_;
  QActionGroup* modes_;
  QLabel* zoomText_;
  QLabel* pixelText_;
  QLabel* metricText_;
  QLabel* progressText_;
  QProgressBar* progressBar_;

  QString currentPath_;    ///< of the picture on the canvas; empty: it was pasted
  QString requestedPath_;  ///< of the picture that was asked for last
  LoadedPicture picture_;
  LoadedPicture reference_;
  std::shared_ptr<const PictureSource> pinned_;
  std::shared_ptr<const PictureSource> original_;
  double share_ = 0;
  bool resumed_ = false;  ///< the queue began with what was left undone
  std::weak_ptr<const Picture> savingOf_;
  QString savedPath_;  ///< where the picture on the canvas went last
};

}  // namespace pristine::gui
