// The queue and the command line that does the same.

#include <QAction>
#include <QApplication>
#include <QClipboard>
#include <QStatusBar>

#include "gui/main_window.h"
#include "gui/queue_panel.h"
#include "gui/text.h"

namespace pristine::gui {

namespace fs = std::filesystem;

void MainWindow::startQueue() {
  if (queue_->isRunning() && queue_->isPaused()) return queue_->setPaused(false);
  queue_->start();
  // Even if the program is killed.
  queue_->savePending(pendingFile_);
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

void MainWindow::retryFailed() {
  std::vector<int> failed;
  for (int row = 0; row < queueModel_.rowCount(); ++row) {
    if (queueModel_.item(row).state == ItemState::Failed) failed.push_back(row);
  }
  queueModel_.retry(failed);
  emit queue_->progressed();
}

void MainWindow::queueFinished() {
  const QueueCounts counts = queueModel_.counts();
  queue_->savePending(pendingFile_);
  statusBar()->showMessage(counts.failed > 0
                               ? tr("Done: %1, failed: %2").arg(counts.done).arg(counts.failed)
                               : tr("Done: %1").arg(counts.done),
                           8000);
}

bool MainWindow::mayLeaveQueue() {
  const QueueCounts counts = queueModel_.counts();
  const int left = counts.waiting + counts.running;
  if (!queue_->isUnfinished() || left == 0) return true;
  return confirm_(
      tr("Pictures of the queue that are not done: %1. They wait for the next time.").arg(left),
      tr("Quit"));
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
  // A folder for one picture too: its journal is the queue's then.
  const int row = queueModel_.rowOf(inputs.front());
  const fs::path root = row >= 0 ? queueModel_.item(row).root : inputs.front().parent_path();
  fs::path output = outputFolder(root, task);
  if (inputs.size() == 1 && row >= 0) output /= queueModel_.item(row).name.parent_path();
  output /= "";
  QApplication::clipboard()->setText(commandLine(inputs, output, task));
  statusBar()->showMessage(tr("The command line is in the clipboard"), 4000);
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
  for (const char* name : {"save", "saveAs", "copyCommand", "pin", "reload", "split", "sideBySide",
                           "blink", "difference", "lens", "original", "fit", "actualSize",
                           "doubleSize", "toggleZoom", "zoomIn", "zoomOut", "flipDivider"}) {
    enable(name, open);
  }
  for (const char* name : {"next", "previous", "first", "last"}) enable(name, counts.all > 1);
  taskPanel_->setPictureOpen(open);
}

}  // namespace pristine::gui
