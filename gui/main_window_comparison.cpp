// What is compared with what.

#include <QLabel>
#include <cmath>

#include "gui/main_window.h"
#include "gui/pixel_text.h"
#include "gui/qt_image.h"
#include "gui/text.h"

namespace pristine::gui {

LiveView MainWindow::liveView() const {
  LiveView live;
  const auto& source = view_->after();
  if (!source) return live;
  live.level = levelFor(view_->view().scale(), static_cast<int>(source->picture().levels.size()));
  live.visible = toCv(view_->view().visible());
  return live;
}

std::optional<ModelChoice> MainWindow::comparedModel() const {
  if (taskPanel_->beforeChoice() != BeforeChoice::Model) return std::nullopt;
  TaskSettings task = taskPanel_->settings();
  task.model = taskPanel_->beforeModel();
  return modelChoice(task);
}

void MainWindow::updateSources() {
  restore_->setCompared(comparedModel());
  if (!picture_.picture) return;
  const double strength = strengthOf(taskPanel_->settings());
  std::shared_ptr<const PictureSource> after = original_;
  if (const auto& live = restore_->live()) {
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
    case BeforeChoice::Model:
      if (const auto& live = restore_->compared()) {
        before = std::make_shared<LiveSource>(live, strength, picture_.colours);
      }
      break;
    case BeforeChoice::Original:
      break;
  }
  view_->setSources(before, after);
  updateLabels();
  metrics_->schedule();
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
  } else if (restore_->compared()) {
    before = tr("result of “%1”").arg(taskPanel_->beforeModelName());
  }
  const int strength = static_cast<int>(std::lround(100 * strengthOf(taskPanel_->settings())));
  view_->setLabels(before, strength == 100 ? tr("restored") : tr("restored, %1 %").arg(strength));
}

void MainWindow::updateView() {
  const double scale = view_->view().scale();
  zoomText_->setText(view_->isEmpty() ? QString()
                                      : tr("%1 %").arg(scale * 100, 0, 'f', scale < 0.1 ? 1 : 0));
  restore_->setView(liveView());
  metrics_->schedule();
}

void MainWindow::showPixel(const QPoint& pixel) {
  pixelText_->setText(view_->isEmpty() || pixel.x() < 0
                          ? QString()
                          : pixelText(*view_->before(), *view_->after(), pixel));
}

void MainWindow::referenceLoaded(const LoadedPicture& loaded) {
  if (!loaded.picture) return showError(loaded.reason);
  reference_ = loaded;
  metrics_->setReference(loaded.picture);
  taskPanel_->setReferenceText(toQString(loaded.picture->path.filename()));
  updateSources();
}

void MainWindow::clearReference() {
  reference_ = {};
  metrics_->setReference(nullptr);
  taskPanel_->setReferenceText({});
  if (taskPanel_->beforeChoice() == BeforeChoice::Reference) {
    taskPanel_->setBeforeChoice(BeforeChoice::Original);
  }
  updateSources();
}

void MainWindow::pinResult() {
  if (!restore_->live()) return;
  pinned_ = view_->after();
  taskPanel_->setPinned(true);
  taskPanel_->setBeforeChoice(BeforeChoice::Pinned);
  updateSources();
}

}  // namespace pristine::gui
