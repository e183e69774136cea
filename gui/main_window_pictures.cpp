// Opening, stepping through and saving pictures.

#include <QApplication>
#include <QClipboard>
#include <QDragEnterEvent>
#include <QDropEvent>
#include <QFileDialog>
#include <QFileInfo>
#include <QMimeData>
#include <QSettings>
#include <QStatusBar>

#include "app/image_file.h"
#include "gui/main_window.h"
#include "gui/qt_image.h"
#include "gui/queue_panel.h"
#include "gui/text.h"

namespace pristine::gui {

namespace {

namespace fs = std::filesystem;

/// "Pictures (*.png *.jpg …)"
QString pictureFilter(bool toWrite) {
  QStringList patterns;
  for (const FileFormat format :
       {FileFormat::Png, FileFormat::Jpeg, FileFormat::Tiff, FileFormat::Webp, FileFormat::Avif,
        FileFormat::Heic, FileFormat::Jxl, FileFormat::Exr}) {
    const FormatTraits& traits = traitsOf(format);
    if (toWrite && !traits.writable) continue;
    for (const std::string& extension : traits.extensions) {
      const QString pattern = QLatin1Char('*') + QString::fromStdString(extension);
      patterns << pattern << pattern.toUpper();
    }
  }
  return MainWindow::tr("Pictures (%1)").arg(patterns.join(QLatin1Char(' ')));
}

std::vector<fs::path> localPaths(const QList<QUrl>& urls) {
  std::vector<fs::path> paths;
  for (const QUrl& url : urls) {
    if (url.isLocalFile()) paths.push_back(toPath(url.toLocalFile()));
  }
  return paths;
}

}  // namespace

void MainWindow::openPaths(const std::vector<fs::path>& paths) {
  errorBar_->hide();
  queue_->addPaths(paths);
}

void MainWindow::openDialog() {
  const QStringList files = QFileDialog::getOpenFileNames(
      this, tr("Open pictures"), settings_.value(QStringLiteral("folder")).toString(),
      pictureFilter(false));
  std::vector<fs::path> paths;
  for (const QString& file : files) paths.push_back(toPath(file));
  if (!paths.empty()) openPaths(paths);
}

void MainWindow::folderDialog() {
  const QString folder = QFileDialog::getExistingDirectory(
      this, tr("Open a folder"), settings_.value(QStringLiteral("folder")).toString());
  if (!folder.isEmpty()) openPaths({toPath(folder)});
}

void MainWindow::referenceDialog() {
  const QString file = QFileDialog::getOpenFileName(
      this, tr("Open a reference"), settings_.value(QStringLiteral("folder")).toString(),
      pictureFilter(false));
  if (!file.isEmpty()) openReference(file);
}

void MainWindow::openReference(const QString& path) {
  referenceLoader_->load(path);
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
  const QString& waiting = saver_->waitingFor();
  if (waiting.isEmpty()) return true;
  if (!confirm_(tr("“%1” is not saved yet.").arg(QFileInfo(waiting).fileName()),
                tr("Give up saving"))) {
    return false;
  }
  saver_->cancel();
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
  savedPath_.clear();
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
  recent_->add(path);
  settings_.setValue(QStringLiteral("folder"), QFileInfo(path).absolutePath());
}

void MainWindow::step(int by) {
  const int row = queueModel_.rowOf(toPath(requestedPath_));
  stepTo(row + by);
}

void MainWindow::stepTo(int row) {
  if (row < 0 || row >= queueModel_.rowCount()) return;
  showPicture(toQString(queueModel_.item(row).input));
}

void MainWindow::save() {
  if (savedPath_.isEmpty()) return saveDialog();
  saveTo(savedPath_);
}

void MainWindow::saveDialog() {
  if (!picture_.picture) return;
  const QFileInfo source(currentPath_);
  QString suffix = source.suffix();
  if (!isWritableExtension(toPath(currentPath_))) suffix = QStringLiteral("png");
  if (const auto& format = taskPanel_->settings().format) suffix = toString(format);
  const QString standard = currentPath_.isEmpty()
                               ? QStringLiteral("restored.") + suffix
                               : source.dir().filePath(source.completeBaseName() +
                                                       QStringLiteral("-restored.") + suffix);
  QString file = QFileDialog::getSaveFileName(this, tr("Save the restored picture"), standard,
                                              pictureFilter(true));
  if (file.isEmpty()) return;
  if (QFileInfo(file).suffix().isEmpty()) file += QLatin1Char('.') + suffix;
  saveTo(file);
}

void MainWindow::saveTo(const QString& path) {
  if (!picture_.picture) return;
  savingOf_ = picture_.picture;
  saver_->setTask(taskPanel_->settings());
  saver_->save(path);
}

void MainWindow::showWaitingSave() {
  const QString& path = saver_->waitingFor();
  if (path.isEmpty()) {
    noticeBar_->hide();
  } else {
    noticeBar_->say(
        tr("“%1” is saved as soon as the rest is restored.").arg(QFileInfo(path).fileName()),
        tr("Cancel"));
  }
  updateProgress();
}

}  // namespace pristine::gui
