#pragma once

#include <QWidget>
#include <vector>

#include "core/model.h"
#include "gui/task_settings.h"

class QCheckBox;
class QComboBox;
class QLabel;
class QLineEdit;
class QPushButton;
class QSlider;
class QSpinBox;
class QTabBar;

namespace pristine::gui {

/// Which picture is compared against.
enum class BeforeChoice { Original, Reference, Pinned, Model };

/// The right side: the task with its model and strength, the comparison, the output.
class TaskPanel : public QWidget {
  Q_OBJECT
 public:
  explicit TaskPanel(QWidget* parent = nullptr);

  const TaskSettings& settings() const { return settings_; }
  void setSettings(const TaskSettings& settings);
  /// The installed models; a task gets a tab when there is a model for it.
  /// `name` is that of the file without its extension.
  void setModels(const std::vector<ModelInfo>& models);
  void setModelText(const QString& text);
  void setPictureOpen(bool open);
  void setReferenceText(const QString& text);
  void setPinned(bool pinned);
  BeforeChoice beforeChoice() const;
  /// Original, Reference or Pinned.
  void setBeforeChoice(BeforeChoice choice);
  /// What BeforeChoice::Model stands for, as in the settings, and its name; empty otherwise.
  QString beforeModel() const;
  QString beforeModelName() const;

 signals:
  void strengthChanged(int percent);
  /// Something that needs the network to begin anew.
  void engineChanged();
  /// Anything but strength and engine.
  void settingsChanged();
  void saveRequested();
  void copyCommandRequested();
  void referenceRequested();
  void referenceCleared();
  void beforeChanged();
  void gainChanged(int gain);

 private:
  QWidget* makeTask();
  QWidget* makeCompare();
  QWidget* makeOutput();
  void chooseModelFile();
  void chooseFolder();
  void showFolder();
  void showOutput();
  void selectModel(const QString& model);
  void showTasks();
  void showTask();
  void showBefore();
  void onTaskChosen(int index);
  void onModelActivated(int index);

  TaskSettings settings_;
  std::vector<ModelInfo> models_;
  QTabBar* tasks_;
  QComboBox* model_;
  QLabel* modelText_;
  QWidget* scaleRow_;
  QComboBox* scale_;
  QWidget* strengthRows_;
  QSlider* strength_;
  QSpinBox* strengthBox_;
  QCheckBox* background_;
  QComboBox* precision_;
  QSpinBox* threads_;
  QComboBox* before_;
  QPushButton* reference_;
  QPushButton* clearReference_;
  QLabel* referenceText_;
  QSpinBox* gain_;
  QComboBox* folder_;
  QComboBox* format_;
  QComboBox* depth_;
  QComboBox* ifExists_;
  QSpinBox* quality_;
  QPushButton* save_;
  QPushButton* copy_;
};

}  // namespace pristine::gui
