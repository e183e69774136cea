#include "gui/main_window.h"

#include <QAction>
#include <QActionGroup>
#include <QApplication>
#include <QClipboard>
#include <QCloseEvent>
#include <QFile>
#include <QFileDialog>
#include <QFileInfo>
#include <QLabel>
#include <QListView>
#include <QMenu>
#include <QMessageBox>
#include <QMimeData>
#include <QPointer>
#include <QProgressBar>
#include <QPushButton>
#include <QSettings>
#include <QSplitter>
#include <QStatusBar>
#include <QStyle>
#include <QThreadPool>
#include <QVBoxLayout>
#include <cmath>

#include "app/image_file.h"
#include "app/model_catalog.h"
#include "core/metrics.h"
#include "gui/qt_image.h"
#include "gui/queue_panel.h"
#include "gui/text.h"
#include "gui/thumbnailer.h"

namespace pristine::gui {

namespace {

namespace fs = std::filesystem;

constexpr int kMostRecent = 10;
constexpr int kMetricDelay = 200;                      ///< ms that the view must rest
constexpr std::int64_t kMostMetricPixels = 4'000'000;  ///< a larger view is measured in its middle

QString pictureFilter() {
  return QCoreApplication::translate("pristine::gui::MainWindow",
                                     "Pictures (*.png *.jpg *.jpeg *.tif *.tiff *.webp)");
}

bool askInDialog(QWidget* parent, const QString& question, const QString& yes) {
  QMessageBox box(QMessageBox::Question, QApplication::applicationDisplayName(), question,
                  QMessageBox::Cancel, parent);
  auto* accept = box.addButton(yes, QMessageBox::AcceptRole);
  box.exec();
  return box.clickedButton() == accept;
}

/// The part of both pictures as images that core's metrics can compare.
Image cropped(const PictureSource& source, const QRect& rect) {
  Image image = source.picture().image;
  image.pixels = source.read(0, toCv(rect));
  image.alpha = cv::Mat();
  return image;
}

QString metricText(const Comparison& c) {
  const QString psnr = std::isinf(c.psnr) ? QStringLiteral("∞") : QString::number(c.psnr, 'f', 2);
  return QCoreApplication::translate("pristine::gui::MainWindow", "%1 dB, SSIM %2")
      .arg(psnr, QString::number(c.ssim, 'f', 4));
}

std::vector<fs::path> localPaths(const QList<QUrl>& urls) {
  std::vector<fs::path> paths;
  for (const QUrl& url : urls) {
    if (url.isLocalFile()) paths.push_back(toPath(url.toLocalFile()));
  }
  return paths;
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
  metricTimer_.setSingleShot(true);
  metricTimer_.setInterval(kMetricDelay);
  connectAll();
  restoreLayout();
  readScreenProfile();
  updateLabels();
  updateActions();
  readModels();
  if (const int count = queue_->loadPending(pendingFile_); count > 0) {
    resumed_ = true;
    statusBar()->showMessage(tr("%1 pictures of the last time wait in the queue").arg(count));
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
  connect(&metricTimer_, &QTimer::timeout, this, &MainWindow::measure);
  connect(loader_, &PictureLoader::loaded, this, &MainWindow::pictureLoaded);
  connect(referenceLoader_, &PictureLoader::loaded, this, [this](const LoadedPicture& loaded) {
    if (!loaded.picture) return showError(loaded.reason);
    reference_ = loaded;
    taskPanel_->setReferenceText(toQString(loaded.picture->path.filename()));
    updateSources();
  });

  connect(restore_.get(), &RestoreController::modelReady, this, [this](const InferenceInfo& info) {
    taskPanel_->setModelText(tr("%1 · %2 M parameters · %3 · threads: %4")
                                 .arg(QString::fromStdString(info.model.title))
                                 .arg(static_cast<double>(info.model.parameters) / 1e6, 0, 'f', 1)
                                 .arg(QString::fromStdString(info.precision))
                                 .arg(info.threads));
  });
  connect(restore_.get(), &RestoreController::modelFailed, this, [this](const QString& reason) {
    taskPanel_->setModelText(tr("This model cannot be used."));
    showError(reason);
    cancelSave();
  });
  connect(restore_.get(), &RestoreController::liveChanged, this, &MainWindow::updateSources);
  connect(restore_.get(), &RestoreController::restored, this, [this](const QRect& changed) {
    view_->invalidateAfter(changed);
    metricTimer_.start();
  });
  connect(restore_.get(), &RestoreController::progressed, this, [this](double share) {
    share_ = share;
    updateProgress();
  });
  connect(restore_.get(), &RestoreController::completed, this, [this] {
    updateProgress();
    if (!pendingSave_.isEmpty()) writeNow();
  });
  connect(restore_.get(), &RestoreController::pictureFailed, this, [this](const QString& reason) {
    showError(reason);
    cancelSave();
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
  connect(queue_.get(), &QueueController::finished, this, [this] {
    const QueueCounts counts = queueModel_.counts();
    statusBar()->showMessage(
        counts.failed > 0
            ? tr("%1 pictures restored, %2 failed").arg(counts.done).arg(counts.failed)
            : tr("%1 pictures restored").arg(counts.done),
        8000);
  });

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
    restore_->setSettings(inferenceSettings());
    updateProgress();
  });
  connect(taskPanel_, &TaskPanel::saveRequested, this, &MainWindow::saveDialog);
  connect(taskPanel_, &TaskPanel::copyCommandRequested, this, &MainWindow::copyCommand);
  connect(taskPanel_, &TaskPanel::referenceRequested, this, &MainWindow::referenceDialog);
  connect(taskPanel_, &TaskPanel::referenceCleared, this, [this] {
    reference_ = {};
    taskPanel_->setReferenceText({});
    if (taskPanel_->beforeChoice() == BeforeChoice::Reference) {
      taskPanel_->setBeforeChoice(BeforeChoice::Original);
    }
    updateSources();
  });
  connect(taskPanel_, &TaskPanel::beforeChanged, this, &MainWindow::updateSources);
  connect(taskPanel_, &TaskPanel::gainChanged, view_, &ImageCanvas::setDifferenceGain);
}

InferenceSettings MainWindow::inferenceSettings() const {
  const TaskSettings& task = taskPanel_->settings();
  InferenceSettings settings;
  settings.model = modelChoice(task);
  settings.restorer.precision = task.precision;
  settings.restorer.threads = task.threads;
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
  return errorBar_->isHidden() ? QString() : errorText_->text();
}

void MainWindow::showError(const QString& text) {
  // A long list would push the picture out of the window.
  const QStringList lines = text.split(QLatin1Char('\n'));
  constexpr int kMost = 4;
  QString shown = lines.mid(0, kMost).join(QLatin1Char('\n'));
  if (lines.size() > kMost) {
    shown += QLatin1Char('\n') + tr("… and %1 more").arg(lines.size() - kMost);
  }
  errorText_->setText(shown);
  errorBar_->show();
}

// --- opening ---------------------------------------------------------------------------------

void MainWindow::openPaths(const std::vector<fs::path>& paths) {
  errorBar_->hide();
  queue_->addPaths(paths);
}

void MainWindow::openDialog() {
  const QStringList files = QFileDialog::getOpenFileNames(
      this, tr("Open pictures"), settings_.value(QStringLiteral("folder")).toString(),
      pictureFilter());
  std::vector<fs::path> paths;
  for (const QString& file : files) paths.push_back(toPath(file));
  if (!paths.empty()) openPaths(paths);
}

void MainWindow::folderDialog() {
  const QString folder = QFileDialog::getExistingDirectory(
      this, tr("Open a folder"), settings_.value(QStringLiteral("folder")).toString());
  if (!folder.isEmpty()) openPaths({toPath(folder)});
}

void MainWindow::paste() {
  takeClipboard(*QApplication::clipboard()->mimeData());
}

void MainWindow::takeClipboard(const QMimeData& content) {
  const auto paths = localPaths(content.urls());
  if (!paths.empty()) {
    openPaths(paths);
  } else if (content.hasImage()) {
    if (!mayLeavePicture()) return;
    requestedPath_.clear();
    loader_->take(fromQImage(qvariant_cast<QImage>(content.imageData())));
  } else {
    showError(tr("The clipboard holds no picture."));
  }
}

void MainWindow::dragEnterEvent(QDragEnterEvent* event) {
  if (event->mimeData()->hasUrls() || event->mimeData()->hasImage()) event->acceptProposedAction();
}

void MainWindow::dropEvent(QDropEvent* event) {
  takeClipboard(*event->mimeData());
  event->acceptProposedAction();
}

bool MainWindow::mayLeavePicture() {
  if (pendingSave_.isEmpty()) return true;
  if (!confirm_(tr("“%1” is not saved yet.").arg(QFileInfo(pendingSave_).fileName()),
                tr("Give up saving"))) {
    return false;
  }
  cancelSave();
  return true;
}

void MainWindow::showPicture(const QString& path) {
  if (!mayLeavePicture()) return;
  requestedPath_ = path;
  loader_->load(path);
  queuePanel_->setCurrent(path);
}

void MainWindow::pictureLoaded(const LoadedPicture& loaded) {
  if (!loaded.picture) return showError(loaded.reason);
  errorBar_->hide();
  currentPath_ = requestedPath_;
  picture_ = loaded;
  share_ = 0;
  original_ = std::make_shared<StillSource>(loaded.picture, loaded.colours);
  if (pinned_) {
    // A result of another picture is no "before" of this one.
    pinned_.reset();
    taskPanel_->setPinned(false);
  }
  if (taskPanel_->beforeChoice() == BeforeChoice::Pinned) {
    taskPanel_->setBeforeChoice(BeforeChoice::Original);
  }
  emptyState_->hide();
  restore_->open(loaded.picture, liveView());
  restore_->setView(liveView());
  remember(currentPath_);
  updateActions();
  updateProgress();
  emit pictureShown(currentPath_);
}

void MainWindow::remember(const QString& path) {
  const QString name = path.isEmpty() ? tr("pasted picture") : QFileInfo(path).fileName();
  const Image& image = picture_.picture->image;
  const QString depth = image.depth == SampleDepth::U8    ? tr("8 bit")
                        : image.depth == SampleDepth::U16 ? tr("16 bit")
                                                          : tr("float");
  setWindowTitle(QStringLiteral("%1[*] · %2 × %3 · %4")
                     .arg(name)
                     .arg(image.width())
                     .arg(image.height())
                     .arg(depth));
  if (path.isEmpty()) return;
  QStringList recent = settings_.value(QStringLiteral("recent")).toStringList();
  recent.removeAll(path);
  recent.prepend(path);
  settings_.setValue(QStringLiteral("recent"), recent.mid(0, kMostRecent));
  settings_.setValue(QStringLiteral("folder"), QFileInfo(path).absolutePath());
}

void MainWindow::fillRecent() {
  recent_->clear();
  const QStringList recent = settings_.value(QStringLiteral("recent")).toStringList();
  for (const QString& path : recent) {
    QAction* entry = recent_->addAction(
        QFileInfo(path).fileName().replace(QLatin1Char('&'), QStringLiteral("&&")));
    entry->setToolTip(path);
    connect(entry, &QAction::triggered, this, [this, path] { openPaths({toPath(path)}); });
  }
  if (recent.isEmpty()) recent_->addAction(tr("none yet"))->setEnabled(false);
}

void MainWindow::step(int by) {
  const int row = queueModel_.rowOf(toPath(requestedPath_));
  stepTo(row + by);
}

void MainWindow::stepTo(int row) {
  if (row < 0 || row >= queueModel_.rowCount()) return;
  showPicture(toQString(queueModel_.item(row).input));
}

// --- comparing -------------------------------------------------------------------------------

LiveView MainWindow::liveView() const {
  LiveView live;
  const auto& source = view_->after();
  if (!source) return live;
  live.level = levelFor(view_->view().scale(), static_cast<int>(source->picture().levels.size()));
  live.visible = toCv(view_->view().visible());
  return live;
}

void MainWindow::updateSources() {
  if (!picture_.picture) return;
  std::shared_ptr<const PictureSource> after = original_;
  if (const auto& live = restore_->live()) {
    const double strength = strengthOf(taskPanel_->settings());
    after = std::make_shared<LiveSource>(live, strength, picture_.colours);
  }
  std::shared_ptr<const PictureSource> before = original_;
  switch (taskPanel_->beforeChoice()) {
    case BeforeChoice::Reference:
      if (reference_.picture) {
        before = std::make_shared<StillSource>(reference_.picture, reference_.colours);
      }
      break;
    case BeforeChoice::Pinned:
      if (pinned_) before = pinned_;
      break;
    case BeforeChoice::Original:
      break;
  }
  view_->setSources(before, after);
  updateLabels();
  metricTimer_.start();
}

void MainWindow::updateLabels() {
  QString before = tr("original");
  if (taskPanel_->beforeChoice() == BeforeChoice::Reference && reference_.picture) {
    before = tr("reference");
    const auto size = reference_.picture->sizeAt(0);
    if (view_->after() && size != view_->after()->picture().sizeAt(0)) {
      before = tr("reference, scaled from %1 × %2").arg(size.width).arg(size.height);
    }
  } else if (taskPanel_->beforeChoice() == BeforeChoice::Pinned) {
    before = tr("pinned result");
  }
  const int strength = static_cast<int>(std::lround(100 * strengthOf(taskPanel_->settings())));
  view_->setLabels(before, strength == 100 ? tr("restored") : tr("restored, %1 %").arg(strength));
}

void MainWindow::updateView() {
  const double scale = view_->view().scale();
  zoomText_->setText(view_->isEmpty() ? QString()
                                      : tr("%1 %").arg(scale * 100, 0, 'f', scale < 0.1 ? 1 : 0));
  restore_->setView(liveView());
  metricTimer_.start();
}

void MainWindow::showPixel(const QPoint& pixel) {
  if (view_->isEmpty() || pixel.x() < 0) {
    pixelText_->clear();
    return;
  }
  // As the file would hold them; floats as they are.
  const auto values = [&](const PictureSource& source) {
    const QSize size = sizeOf(source);
    const QSize full = sizeOf(*view_->after());
    const int x = std::min(pixel.x() * size.width() / full.width(), size.width() - 1);
    const int y = std::min(pixel.y() * size.height() / full.height(), size.height() - 1);
    const cv::Mat value = source.read(0, {x, y, 1, 1});
    const SampleDepth depth = source.picture().image.depth;
    QStringList parts;
    for (int c = 0; c < 3; ++c) {
      const double v = static_cast<double>(value.ptr<float>()[c]);
      const double peak = depth == SampleDepth::U16 ? 65535.0 : 255.0;
      parts << (depth == SampleDepth::F32
                    ? QString::number(v, 'f', 4)
                    : QString::number(std::lround(std::clamp(v, 0.0, 1.0) * peak)));
    }
    return parts.join(QLatin1Char(' '));
  };
  pixelText_->setText(QStringLiteral("%1, %2   %3 → %4")
                          .arg(pixel.x())
                          .arg(pixel.y())
                          .arg(values(*view_->before()), values(*view_->after())));
}

/// PSNR and SSIM of what is visible against the reference, beside the interface.
void MainWindow::measure() {
  const quint64 generation = ++metricGeneration_;
  if (!reference_.picture || view_->isEmpty() ||
      reference_.picture->sizeAt(0) != view_->after()->picture().sizeAt(0)) {
    metricText_->setText(
        reference_.picture && !view_->isEmpty() ? tr("the reference has another size") : QString());
    return;
  }
  QRect rect = view_->view().visible();
  const double excess =
      static_cast<double>(rect.width()) * rect.height() / static_cast<double>(kMostMetricPixels);
  if (excess > 1) {
    const QSize smaller = rect.size() / std::sqrt(excess);
    rect = QRect(rect.center() - QPoint(smaller.width() / 2, smaller.height() / 2), smaller);
  }
  const QPointer<MainWindow> self(this);
  const auto target = std::make_shared<StillSource>(reference_.picture, nullptr);
  // Of an enlarged picture: what cubic interpolation makes of the original.
  const auto original = std::make_shared<StillSource>(view_->after()->sharedPicture(), nullptr);
  const auto& after = view_->after();
  QThreadPool::globalInstance()->start([=] {
    QString text;
    try {
      const Image truth = cropped(*target, rect);
      text = tr("view: %1 → %2")
                 .arg(metricText(compare(cropped(*original, rect), truth)),
                      metricText(compare(cropped(*after, rect), truth)));
    } catch (const std::exception& error) {
      text = QString::fromStdString(error.what());
    }
    QMetaObject::invokeMethod(
        qApp,
        [self, generation, text] {
          if (self && self->metricGeneration_ == generation) self->metricText_->setText(text);
        },
        Qt::QueuedConnection);
  });
}

void MainWindow::pinResult() {
  if (!restore_->live()) return;
  pinned_ = view_->after();
  taskPanel_->setPinned(true);
  taskPanel_->setBeforeChoice(BeforeChoice::Pinned);
  updateSources();
}

void MainWindow::openReference(const QString& path) {
  referenceLoader_->load(path);
}

void MainWindow::referenceDialog() {
  const QString file = QFileDialog::getOpenFileName(
      this, tr("Open a reference"), settings_.value(QStringLiteral("folder")).toString(),
      pictureFilter());
  if (!file.isEmpty()) openReference(file);
}

// --- saving ----------------------------------------------------------------------------------

void MainWindow::saveDialog() {
  if (!picture_.picture) return;
  const QFileInfo source(currentPath_);
  const QString standard =
      currentPath_.isEmpty()
          ? QStringLiteral("restored.png")
          : source.dir().filePath(source.completeBaseName() + QStringLiteral("-restored.") +
                                  source.suffix());
  QString file = QFileDialog::getSaveFileName(this, tr("Save the restored picture"), standard,
                                              pictureFilter());
  if (file.isEmpty()) return;
  if (QFileInfo(file).suffix().isEmpty()) file += QStringLiteral(".png");
  saveTo(file);
}

void MainWindow::saveTo(const QString& path) {
  if (!picture_.picture || !restore_->live() || writing_) return;
  if (!isWritableExtension(toPath(path))) {
    return showError(
        tr("%1: the name must end with .png, .jpg, .tif or .webp").arg(QFileInfo(path).fileName()));
  }
  pendingSave_ = path;
  if (restore_->isComplete() || strengthOf(taskPanel_->settings()) == 0) {
    writeNow();
    return;
  }
  noticeButton_->setText(tr("Cancel"));
  noticeText_->setText(
      tr("“%1” is saved as soon as the rest is restored.").arg(QFileInfo(path).fileName()));
  noticeBar_->show();
  restore_->setHurry(true);
  updateProgress();
}

void MainWindow::writeNow() {
  const QString path = std::exchange(pendingSave_, QString());
  noticeBar_->hide();
  restore_->setHurry(false);
  writing_ = true;
  statusBar()->showMessage(tr("Writing “%1” …").arg(QFileInfo(path).fileName()));
  const QPointer<MainWindow> self(this);
  const auto& live = restore_->live();
  const TaskSettings task = taskPanel_->settings();
  QThreadPool::globalInstance()->start([self, live, task, path] {
    QString reason;
    try {
      WriteOptions options;
      options.quality = task.quality;
      writeImage(live->blended(strengthOf(task)), toPath(path), options);
    } catch (const std::bad_alloc&) {
      reason = tr("%1: does not fit into memory").arg(path);
    } catch (const std::exception& error) {
      reason = QString::fromStdString(error.what());
    }
    QMetaObject::invokeMethod(
        qApp,
        [self, path, reason] {
          if (!self) return;
          self->writing_ = false;
          self->statusBar()->clearMessage();
          if (!reason.isEmpty()) return self->showError(reason);
          self->statusBar()->showMessage(tr("Saved “%1”").arg(path), 8000);
          emit self->saved(path);
        },
        Qt::QueuedConnection);
  });
}

void MainWindow::cancelSave() {
  pendingSave_.clear();
  noticeBar_->hide();
  restore_->setHurry(false);
  updateProgress();
}

void MainWindow::copyCommand() {
  const TaskSettings& task = taskPanel_->settings();
  std::vector<fs::path> inputs;
  for (const int row : queuePanel_->selectedRows()) {
    inputs.push_back(queueModel_.item(row).input);
  }
  if (inputs.size() < 2) {
    if (currentPath_.isEmpty()) return showError(tr("A pasted picture has no file name."));
    inputs = {toPath(currentPath_)};
  }
  const int row = queueModel_.rowOf(inputs.front());
  const fs::path root = row >= 0 ? queueModel_.item(row).root : inputs.front().parent_path();
  // With one input the command line takes a file; with several a folder.
  const fs::path output =
      inputs.size() == 1 ? outputFor(root, inputs[0].filename(), task) : outputFor(root, {}, task);
  QApplication::clipboard()->setText(commandLine(inputs, output, task));
  statusBar()->showMessage(tr("The command line is in the clipboard"), 4000);
}

// --- queue -----------------------------------------------------------------------------------

void MainWindow::startQueue() {
  if (queue_->isRunning() && queue_->isPaused()) return queue_->setPaused(false);
  queue_->start();
}

void MainWindow::stopQueue() {
  if (isFullScreen()) {
    showNormal();
    return;
  }
  if (!queue_->isRunning()) return;
  if (confirm_(tr("Stop the queue? The picture at hand will begin anew."), tr("Stop"))) {
    queue_->stop();
  }
}

void MainWindow::updateActions() {
  const QueueCounts counts = queueModel_.counts();
  const bool running = queue_->isRunning();
  const bool open = picture_.picture != nullptr;
  const auto enable = [this](const char* name, bool on) {
    action(QLatin1String(name))->setEnabled(on);
  };
  enable("start", (counts.waiting > 0 && !running) || queue_->isPaused());
  enable("pause", running);
  enable("stop", running || isFullScreen());
  action(QStringLiteral("pause"))->setChecked(queue_->isPaused());
  enable("retry", counts.failed > 0);
  enable("clearDone", counts.done > 0);
  enable("remove", counts.all > 0);
  for (const char* name : {"saveAs", "copyCommand", "pin", "reload", "split", "sideBySide", "blink",
                           "difference", "lens", "original", "fit", "actualSize", "doubleSize",
                           "toggleZoom", "zoomIn", "zoomOut", "flipDivider"}) {
    enable(name, open);
  }
  for (const char* name : {"next", "previous", "first", "last"}) enable(name, counts.all > 1);
  taskPanel_->setPictureOpen(open);
}

void MainWindow::updateProgress() {
  const bool goesOn = taskPanel_->settings().background || !pendingSave_.isEmpty();
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
  if (queue_->isRunning() &&
      !confirm_(tr("The queue is not done. What is left waits for the next time."), tr("Quit"))) {
    return event->ignore();
  }
  if (!mayLeavePicture()) return event->ignore();
  // Pictures that were only looked at are no work that was left.
  if (queue_->isRunning() || resumed_) queue_->savePending(pendingFile_);
  queue_->stop();
  saveTaskSettings(taskPanel_->settings(), settings_);
  settings_.setValue(QStringLiteral("window/geometry"), saveGeometry());
  settings_.setValue(QStringLiteral("window/splitter"), splitter_->saveState());
  settings_.setValue(QStringLiteral("compare/mode"), static_cast<int>(view_->mode()));
  settings_.setValue(QStringLiteral("compare/divider"), view_->divider());
  settings_.sync();
  event->accept();
}

}  // namespace pristine::gui
