#include <QComboBox>
#include <QFileDialog>
#include <QFileInfo>
#include <QSignalBlocker>
#include <QTabBar>
#include <algorithm>
#include <utility>

#include "gui/model_title.h"
#include "gui/task_panel.h"

namespace pristine::gui {

namespace {

/// What every task is called, in the order of the tabs.
std::vector<std::pair<QString, QString>> taskNames() {
  return {{QStringLiteral("denoise"), TaskPanel::tr("Denoise")},
          {QStringLiteral("dejpeg"), TaskPanel::tr("JPEG")},
          {QStringLiteral("upscale"), TaskPanel::tr("Upscale")}};
}

QString variantName(const std::string& variant) {
  if (variant == "best") return TaskPanel::tr("Best");
  if (variant == "fast") return TaskPanel::tr("Fast");
  if (variant == "camera") return TaskPanel::tr("Camera noise");
  if (variant == "photo") return TaskPanel::tr("Photograph");
  return QString::fromStdString(variant);
}

}  // namespace

void TaskPanel::setModels(const std::vector<ModelInfo>& models) {
  models_ = models;
  showTasks();
}

/// The tabs: tasks that a model is installed for, and the one that is chosen.
void TaskPanel::showTasks() {
  const QSignalBlocker blocker(tasks_);
  while (tasks_->count() > 0) tasks_->removeTab(0);
  for (const auto& [task, name] : taskNames()) {
    const bool installed = std::ranges::any_of(models_, [&task = task](const ModelInfo& info) {
      return QString::fromStdString(info.task) == task;
    });
    if (!installed && task != settings_.task) continue;
    const int index = tasks_->addTab(name);
    tasks_->setTabData(index, task);
    if (task == settings_.task) tasks_->setCurrentIndex(index);
  }
  showTask();
}

/// The scales and models of the task that is chosen.
void TaskPanel::showTask() {
  const ModelChoice wanted = modelChoice(settings_);
  const bool enlarges = wanted.scale > 1;
  scaleRow_->setVisible(enlarges);
  strengthRows_->setVisible(!enlarges);
  scale_->clear();
  for (const int scale : {2, 3, 4}) {
    const bool installed = std::ranges::any_of(models_, [&](const ModelInfo& info) {
      return info.task == "upscale" && info.scale == scale;
    });
    if (installed || scale == settings_.scale) {
      scale_->addItem(QStringLiteral("× %1").arg(scale), scale);
    }
  }
  scale_->setCurrentIndex(scale_->findData(settings_.scale));
  model_->clear();
  for (const ModelInfo& info : models_) {
    if (info.task != wanted.task || info.scale != wanted.scale) continue;
    const bool variant = info.name == modelName(info.task, info.scale, info.variant);
    const QString name = QString::fromStdString(info.name);
    model_->addItem(variant ? variantName(info.variant) : name,
                    variant ? QString::fromStdString(info.variant) : name);
    model_->setItemData(model_->count() - 1, modelTitle(info.title), Qt::ToolTipRole);
  }
  showBefore();
  model_->addItem(tr("Choose a model file…"));
  selectModel(settings_.model);
}

/// Every model of the task can be the other side. One that is not there any more gives way.
void TaskPanel::showBefore() {
  constexpr int kFixed = static_cast<int>(BeforeChoice::Model);
  const QVariant chosen = before_->currentData();
  while (before_->count() > kFixed) before_->removeItem(kFixed);
  for (int i = 0; i < model_->count(); ++i) {
    before_->addItem(tr("Result of “%1”").arg(model_->itemText(i)), model_->itemData(i));
  }
  before_->setCurrentIndex(std::max(0, before_->findData(chosen)));
}

void TaskPanel::onTaskChosen(int index) {
  settings_.task = tasks_->tabData(index).toString();
  settings_.model = TaskSettings().model;
  const auto fits = [&](int scale) {
    return std::ranges::any_of(models_, [&](const ModelInfo& info) {
      return QString::fromStdString(info.task) == settings_.task && info.scale == scale;
    });
  };
  for (const int scale : {2, 3, 4}) {
    if (fits(settings_.scale)) break;
    if (fits(scale)) settings_.scale = scale;
  }
  showTask();
  emit engineChanged();
}

void TaskPanel::selectModel(const QString& model) {
  int index = model_->findData(model);
  if (index < 0) {
    index = model_->count() - 1;
    const bool standard = model == TaskSettings().model;
    model_->insertItem(
        index, standard ? variantName(model.toStdString()) : QFileInfo(model).fileName(), model);
    model_->setItemData(index, model, Qt::ToolTipRole);
  }
  model_->setCurrentIndex(index);
}

void TaskPanel::onModelActivated(int index) {
  if (index == model_->count() - 1) {
    chooseModelFile();
    return;
  }
  const QString chosen = model_->itemData(index).toString();
  if (chosen == settings_.model) return;
  settings_.model = chosen;
  emit engineChanged();
}

void TaskPanel::chooseModelFile() {
  const QString file =
      QFileDialog::getOpenFileName(this, tr("Model file"), {}, tr("Models (*.safetensors)"));
  if (!file.isEmpty()) settings_.model = file;
  selectModel(settings_.model);
  if (!file.isEmpty()) emit engineChanged();
}

}  // namespace pristine::gui
