#include "gui/main_window.h"

#include <QAction>
#include <QActionGroup>
#include <QApplication>
#include <QCloseEvent>
#include <QFile>
#include <QFileInfo>
#include <QLabel>
#include <QMessageBox>
#include <QPointer>
#include <QProgressBar>
#include <QPushButton>
#include <QSettings>
#include <QSplitter>
#include <QStatusBar>
#include <QThreadPool>
#include <QVBoxLayout>

#include "app/model_catalog.h"
#include "gui/model_title.h"
#include "gui/queue_panel.h"
#include "gui/text.h"
#include "gui/thumbnailer.h"

namespace pristine::gui {

namespace {

namespace fs = std::filesystem;

bool askInDialog(QWidget* parent, const QString& question, const QString& yes) {
  QMessageBox box(QMessageBox::Question, QApplication::applicationDisplayName(), question,
                  QMessageBox::NoButton, parent);
  auto* accept = box.addButton(yes, QMessageBox::AcceptRole);
  box.addButton(MainWindow::tr("Cancel"), QMessageBox::RejectRole);
  box.exec();
  return box.clickedButton() == accept;
}

}  // namespace

MainWindow::MainWindow(QSettings& settings, const QString& pendingFile)
    : settings_(settings), pendingFile_(pendingFile) {
  setAcceptDrops(true);
  confirm_ = [this](const QString& question, const QString& yes) {
    return askInDialog(this, question, yes);
  };
  view_ = new CompareView(this);
  taskPanel_ = new TaskPanel(this);
  taskPanel_->setSettings(loadTaskSettings(settings_));
  restore_ = std::make_unique<RestoreController>(inferenceSettings());
  restore_->setBackground(taskPanel_->settings().background);
  queue_ = std::make_unique<QueueController>(queueModel_, *restore_);
  queue_->setTask(taskPanel_->settings());
  queuePanel_ = new QueuePanel(queueModel_, *queue_, this);
  thumbnailer_ = new Thumbnailer(this);
  loader_ = new PictureLoader(this);
  referenceLoader_ = new PictureLoader(this);
  saver_ = new PictureSaver(*restore_, this);
  metrics_ = new ViewMetrics(*view_, this);

  splitter_ = new QSplitter(this);
  splitter_->addWidget(queuePanel_);
  splitter_->addWidget(view_);
  splitter_->addWidget(taskPanel_);
  splitter_->setStretchFactor(1, 1);
  splitter_->setHandleWidth(1);
  splitter_->setChildrenCollapsible(false);
  makeActions();
  makeMenus();
  makeToolBar();
  makeStatusBar();
  makeBars();
  makeEmptyState();
  queuePanel_->addActions(action(QStringLiteral("open")), action(QStringLiteral("retry")),
                          action(QStringLiteral("remove")), action(QStringLiteral("clearDone")));
  auto* centre = new QWidget(this);
  auto* layout = new QVBoxLayout(centre);
  layout->setContentsMargins(0, 0, 0, 0);
  layout->setSpacing(0);
  layout->addWidget(errorBar_);
  layout->addWidget(noticeBar_);
  layout->addWidget(splitter_, 1);
  setCentralWidget(centre);
  connectAll();
  restoreLayout();
  readScreenProfile();
  updateLabels();
  updateActions();
  readModels();
  if (const int count = queue_->loadPending(pendingFile_); count > 0) {
    resumed_ = true;
    statusBar()->showMessage(tr("Pictures of the last time that wait in the queue: %1").arg(count));
  }
  view_->setFocus();
}

MainWindow::~MainWindow() {
  // Their signals must not reach a window that is half gone.
  queue_.reset();
  restore_.reset();
}

void MainWindow::connectAll() {
  connect(view_, &ImageCanvas::viewChanged, this, &MainWindow::updateView);
  connect(view_, &ImageCanvas::hovered, this, &MainWindow::showPixel);
  connect(view_, &CompareView::openRequested, this, &MainWindow::openDialog);
  connect(view_, &CompareView::modeChanged, this, [this](CompareMode mode) {
    for (QAction* action : modes_->actions()) {
      if (action->data().toInt() == static_cast<int>(mode)) action->setChecked(true);
    }
  });
  connect(metrics_, &ViewMetrics::changed, metricText_, &QLabel::setText);
  connect(loader_, &PictureLoader::loaded, this, &MainWindow::pictureLoaded);
  connect(referenceLoader_, &PictureLoader::loaded, this, &MainWindow::referenceLoaded);
  connect(recent_, &RecentFiles::chosen, this,
          [this](const QString& path) { openPaths({toPath(path)}); });

  connect(restore_.get(), &RestoreController::modelReady, this, [this](const InferenceInfo& info) {
    taskPanel_->setModelText(tr("%1 · %2 M parameters · %3 · threads: %4")
                                 .arg(modelTitle(info.model.title))
                                 .arg(static_cast<double>(info.model.parameters) / 1e6, 0, 'f', 1)
                                 .arg(QString::fromStdString(info.precision))
                                 .arg(info.threads));
  });
  connect(restore_.get(), &RestoreController::modelFailed, this, [this](const QString& reason) {
    taskPanel_->setModelText(tr("This model cannot be used."));
    showError(reason);
  });
  connect(restore_.get(), &RestoreController::liveChanged, this, &MainWindow::updateSources);
  connect(restore_.get(), &RestoreController::restored, this, [this](const QRect& changed) {
    view_->invalidateAfter(changed);
    metrics_->schedule();
  });
  connect(restore_.get(), &RestoreController::comparedRestored, view_,
          &ImageCanvas::invalidateBefore);
  connect(restore_.get(), &RestoreController::comparedFailed, this, &MainWindow::showError);
  connect(restore_.get(), &RestoreController::progressed, this, [this](double share) {
    share_ = share;
    updateProgress();
  });
  connect(restore_.get(), &RestoreController::completed, this, &MainWindow::updateProgress);
  connect(restore_.get(), &RestoreController::pictureFailed, this, &MainWindow::showError);

  connect(saver_, &PictureSaver::waitingChanged, this, &MainWindow::showWaitingSave);
  connect(saver_, &PictureSaver::writing, this, [this](const QString& path) {
    statusBar()->showMessage(tr("Writing “%1” …").arg(QFileInfo(path).fileName()));
  });
  connect(saver_, &PictureSaver::failed, this, [this](const QString& reason) {
    statusBar()->clearMessage();
    showError(reason);
  });
  connect(saver_, &PictureSaver::saved, this, [this](const QString& path) {
    if (savingOf_.lock() == picture_.picture) savedPath_ = path;
    statusBar()->showMessage(tr("Saved “%1”").arg(path), 8000);
    emit saved(path);
  });

  connect(queuePanel_, &QueuePanel::activated, this, [this](const QString& path) {
    if (path != requestedPath_) showPicture(path);
  });
  connect(&queueModel_, &QueueModel::thumbnailWanted, thumbnailer_, &Thumbnailer::request,
          Qt::QueuedConnection);
  connect(thumbnailer_, &Thumbnailer::made, &queueModel_, &QueueModel::setThumbnail);
  connect(queue_.get(), &QueueController::added, this, [this](int count, const QString& first) {
    if (count > 1) statusBar()->showMessage(tr("%1 pictures added").arg(count), 4000);
    if (requestedPath_ != first) showPicture(first);
    queuePanel_->setCurrent(first);
  });
  connect(queue_.get(), &QueueController::refused, this, &MainWindow::showError);
  connect(queue_.get(), &QueueController::stateChanged, this, &MainWindow::updateActions);
  connect(queue_.get(), &QueueController::progressed, this, &MainWindow::updateActions);
  connect(queue_.get(), &QueueController::finished, this, &MainWindow::queueFinished);

  connect(taskPanel_, &TaskPanel::strengthChanged, this, [this] {
    queue_->setTask(taskPanel_->settings());
    updateSources();
  });
  connect(taskPanel_, &TaskPanel::settingsChanged, this, [this] {
    queue_->setTask(taskPanel_->settings());
    restore_->setBackground(taskPanel_->settings().background);
    updateProgress();
  });
  connect(taskPanel_, &TaskPanel::engineChanged, this, [this] {
    queue_->setTask(taskPanel_->settings());
    share_ = 0;
    errorBar_->hide();
    restore_->setCompared(comparedModel());
    restore_->setSettings(inferenceSettings());
    updateProgress();
  });
  connect(taskPanel_, &TaskPanel::saveRequested, this, &MainWindow::saveDialog);
  connect(taskPanel_, &TaskPanel::copyCommandRequested, this, &MainWindow::copyCommand);
  connect(taskPanel_, &TaskPanel::referenceRequested, this, &MainWindow::referenceDialog);
  connect(taskPanel_, &TaskPanel::referenceCleared, this, &MainWindow::clearReference);
  connect(taskPanel_, &TaskPanel::beforeChanged, this, &MainWindow::updateSources);
  connect(taskPanel_, &TaskPanel::gainChanged, view_, &ImageCanvas::setDifferenceGain);
}

InferenceSettings MainWindow::inferenceSettings() const {
  const TaskSettings& task = taskPanel_->settings();
  InferenceSettings settings;
  settings.model = modelChoice(task);
  settings.restorer.precision = task.precision;
  settings.restorer.threads = task.threads;
  settings.nice = settings_.value(QStringLiteral("inference/nice"), settings.nice).toInt();
  return settings;
}

/// The catalogue reads whole files: not here.
void MainWindow::readModels() {
  const QPointer<MainWindow> self(this);
  QThreadPool::globalInstance()->start([self] {
    std::vector<ModelInfo> models;
    for (const fs::path& path : listModels()) {
      try {
        ModelInfo info = loadModel(path.string())->info();
        info.name = path.stem().string();
        models.push_back(std::move(info));
      } catch (const std::exception&) {
        continue;  // said when somebody chooses it
      }
    }
    QMetaObject::invokeMethod(
        qApp,
        [self, models] {
          if (self) self->taskPanel_->setModels(models);
        },
        Qt::QueuedConnection);
  });
}

QAction* MainWindow::action(const QString& name) const {
  return findChild<QAction*>(name, Qt::FindDirectChildrenOnly);
}

QString MainWindow::errorText() const {
  return errorBar_->text();
}

void MainWindow::showError(const QString& text) {
  errorBar_->add(text, tr("Dismiss"));
}

void MainWindow::updateProgress() {
  const bool goesOn = taskPanel_->settings().background || !saver_->waitingFor().isEmpty();
  const bool busy = picture_.picture && !restore_->isComplete() && goesOn;
  progressBar_->setVisible(busy);
  progressBar_->setValue(static_cast<int>(share_ * 1000));
  if (!picture_.picture) return;
  progressText_->setText(restore_->isComplete() ? tr("restored")
                         : busy ? tr("restoring, %1 %").arg(static_cast<int>(share_ * 100))
                                : tr("only what is visible is restored"));
}

void MainWindow::changeEvent(QEvent* event) {
  QMainWindow::changeEvent(event);
  // Esc also leaves the full screen.
  if (event->type() == QEvent::WindowStateChange && queue_) updateActions();
}

void MainWindow::readScreenProfile() {
  QFile file(settings_.value(QStringLiteral("screenProfile")).toString());
  std::vector<std::uint8_t> bytes;
  if (!file.fileName().isEmpty()) {
    if (!file.open(QIODevice::ReadOnly)) {
      return showError(tr("%1: %2").arg(file.fileName(), file.errorString()));
    }
    const QByteArray content = file.readAll();
    bytes.assign(content.begin(), content.end());
  }
  loader_->setScreenProfile(bytes);
  referenceLoader_->setScreenProfile(bytes);
}

void MainWindow::useScreenProfile(const QString& file) {
  settings_.setValue(QStringLiteral("screenProfile"), file);
  readScreenProfile();
  if (!currentPath_.isEmpty()) showPicture(currentPath_);
  if (reference_.picture) openReference(toQString(reference_.picture->path));
}

void MainWindow::closeEvent(QCloseEvent* event) {
  if (!mayLeaveQueue() || !mayLeavePicture()) return event->ignore();
  // Pictures that were only looked at are no work that was left.
  if (queue_->isUnfinished() || resumed_) queue_->savePending(pendingFile_);
  queue_->stop();
  saveTaskSettings(taskPanel_->settings(), settings_);
  settings_.setValue(QStringLiteral("window/geometry"), saveGeometry());
  settings_.setValue(QStringLiteral("window/splitter"), splitter_->saveState());
  settings_.setValue(QStringLiteral("window/queue"), !queuePanel_->isHidden());
  settings_.setValue(QStringLiteral("window/task"), !taskPanel_->isHidden());
  settings_.setValue(QStringLiteral("compare/mode"), static_cast<int>(view_->mode()));
  settings_.setValue(QStringLiteral("compare/divider"), view_->divider());
  settings_.sync();
  event->accept();
}

}  // namespace pristine::gui
