#include "gui/task_panel.h"

#include <QCheckBox>
#include <QComboBox>
#include <QFileDialog>
#include <QFormLayout>
#include <QLabel>
#include <QPushButton>
#include <QScrollArea>
#include <QSignalBlocker>
#include <QSlider>
#include <QSpinBox>
#include <QStandardItemModel>
#include <QTabBar>
#include <QVBoxLayout>

#include "gui/icons.h"
#include "gui/text.h"

namespace pristine::gui {

namespace {

constexpr int kMargin = 16;

QLabel* title(const QString& text, QWidget* parent) {
  auto* label = new QLabel(text, parent);
  label->setObjectName(QStringLiteral("sectionTitle"));
  return label;
}

QLabel* hint(QWidget* parent) {
  auto* label = new QLabel(parent);
  label->setObjectName(QStringLiteral("hint"));
  label->setWordWrap(true);
  return label;
}

/// A label over its field: long words of any language have room.
QLabel* field(QVBoxLayout* layout, const QString& text, QWidget* widget) {
  auto* label = new QLabel(text, widget->parentWidget());
  label->setBuddy(widget);
  layout->addWidget(label);
  layout->addWidget(widget);
  widget->setAccessibleName(plainText(text));
  return label;
}

/// A label beside its field, for fields that are narrow.
void row(QVBoxLayout* layout, const QString& text, QWidget* widget) {
  auto* label = new QLabel(text, widget->parentWidget());
  label->setBuddy(widget);
  label->setWordWrap(true);
  auto* line = new QHBoxLayout;
  line->addWidget(label, 1);
  line->addWidget(widget);
  layout->addLayout(line);
  widget->setAccessibleName(plainText(text));
  widget->setMinimumWidth(76);
}

}  // namespace

TaskPanel::TaskPanel(QWidget* parent) : QWidget(parent) {
  setObjectName(QStringLiteral("taskPanel"));
  setAttribute(Qt::WA_StyledBackground);
  auto* layout = new QVBoxLayout(this);
  layout->setContentsMargins(1, 0, 0, 0);
  layout->setSpacing(0);
  tasks_ = new QTabBar(this);
  tasks_->setAccessibleName(tr("Task"));
  tasks_->setDrawBase(false);
  tasks_->setExpanding(false);
  layout->addWidget(tasks_);

  auto* scroll = new QScrollArea(this);
  scroll->setFrameShape(QFrame::NoFrame);
  scroll->setWidgetResizable(true);
  scroll->setHorizontalScrollBarPolicy(Qt::ScrollBarAlwaysOff);
  scroll->setFocusPolicy(Qt::NoFocus);
  auto* content = new QWidget(scroll);
  content->setObjectName(QStringLiteral("taskContent"));
  auto* sections = new QVBoxLayout(content);
  sections->setContentsMargins(kMargin, kMargin, kMargin, kMargin);
  sections->setSpacing(20);
  sections->addWidget(makeTask());
  sections->addWidget(makeCompare());
  sections->addWidget(makeOutput());
  sections->addStretch();
  scroll->setWidget(content);
  layout->addWidget(scroll, 1);

  auto* actions = new QVBoxLayout;
  actions->setContentsMargins(kMargin, 8, kMargin, kMargin);
  actions->setSpacing(8);
  save_ = new QPushButton(tr("Save as…"), this);
  save_->setObjectName(QStringLiteral("primary"));
  copy_ = new QPushButton(tr("Copy as command line"), this);
  actions->addWidget(save_);
  actions->addWidget(copy_);
  layout->addLayout(actions);
  connect(save_, &QPushButton::clicked, this, &TaskPanel::saveRequested);
  connect(copy_, &QPushButton::clicked, this, &TaskPanel::copyCommandRequested);
  setPictureOpen(false);
  setModels({});
  setMinimumWidth(248);
}

QWidget* TaskPanel::makeTask() {
  auto* box = new QWidget(this);
  auto* layout = new QVBoxLayout(box);
  layout->setContentsMargins(0, 0, 0, 0);
  layout->setSpacing(6);
  model_ = new QComboBox(box);
  model_->setSizeAdjustPolicy(QComboBox::AdjustToMinimumContentsLengthWithIcon);
  field(layout, tr("&Model"), model_);
  modelText_ = hint(box);
  layout->addWidget(modelText_);
  layout->addSpacing(10);

  scaleRow_ = new QWidget(box);
  auto* scaleLayout = new QVBoxLayout(scaleRow_);
  scaleLayout->setContentsMargins(0, 0, 0, 0);
  scale_ = new QComboBox(scaleRow_);
  row(scaleLayout, tr("Sc&ale"), scale_);
  layout->addWidget(scaleRow_);

  strengthRows_ = new QWidget(box);
  auto* strengthLayout = new QVBoxLayout(strengthRows_);
  strengthLayout->setContentsMargins(0, 0, 0, 0);
  strengthLayout->setSpacing(6);
  strengthBox_ = new QSpinBox(strengthRows_);
  strengthBox_->setRange(0, 100);
  strengthBox_->setSuffix(tr(" %"));
  row(strengthLayout, tr("St&rength"), strengthBox_);
  strengthBox_->setAccessibleName(tr("Strength in percent"));
  strength_ = new QSlider(Qt::Horizontal, strengthRows_);
  strength_->setRange(0, 100);
  strength_->setPageStep(10);
  strength_->setAccessibleName(tr("Strength"));
  strengthLayout->addWidget(strength_);
  layout->addWidget(strengthRows_);
  layout->addSpacing(6);
  background_ = new QCheckBox(tr("Restore the whole picture"), box);
  background_->setToolTip(tr("Go on beyond the visible part in the background"));
  layout->addWidget(background_);
  layout->addSpacing(10);
  precision_ = new QComboBox(box);
  precision_->addItem(tr("Automatic"), toString(Precision::Auto));
  precision_->addItem(tr("f32, the reference"), toString(Precision::F32));
  precision_->addItem(tr("bf16, where the processor has it"), toString(Precision::BF16));
  precision_->addItem(tr("int8, where processor and model have it"), toString(Precision::Int8));
  precision_->setSizeAdjustPolicy(QComboBox::AdjustToMinimumContentsLengthWithIcon);
  field(layout, tr("&Precision"), precision_);
  layout->addSpacing(4);
  threads_ = new QSpinBox(box);
  threads_->setRange(0, 1024);
  threads_->setSpecialValueText(tr("All"));
  threads_->setKeyboardTracking(false);
  row(layout, tr("&Threads"), threads_);

  connect(model_, &QComboBox::activated, this, &TaskPanel::onModelActivated);
  connect(tasks_, &QTabBar::currentChanged, this, &TaskPanel::onTaskChosen);
  connect(scale_, &QComboBox::activated, this, [this] {
    const int scale = scale_->currentData().toInt();
    if (scale == settings_.scale) return;
    settings_.scale = scale;
    settings_.model = TaskSettings().model;
    showTask();
    emit engineChanged();
  });
  connect(strength_, &QSlider::valueChanged, this, [this](int value) {
    strengthBox_->setValue(value);
    if (settings_.strength == value) return;
    settings_.strength = value;
    emit strengthChanged(value);
  });
  connect(strengthBox_, &QSpinBox::valueChanged, strength_, &QSlider::setValue);
  connect(background_, &QCheckBox::toggled, this, [this](bool on) {
    settings_.background = on;
    emit settingsChanged();
  });
  connect(precision_, &QComboBox::activated, this, [this] {
    settings_.precision = precisionFromString(precision_->currentData().toString());
    emit engineChanged();
  });
  connect(threads_, &QSpinBox::valueChanged, this, [this](int value) {
    settings_.threads = value;
    emit engineChanged();
  });
  return box;
}

QWidget* TaskPanel::makeCompare() {
  auto* box = new QWidget(this);
  auto* layout = new QVBoxLayout(box);
  layout->setContentsMargins(0, 0, 0, 0);
  layout->setSpacing(6);
  layout->addWidget(title(tr("Compare"), box));
  before_ = new QComboBox(box);
  before_->addItem(tr("Original"), static_cast<int>(BeforeChoice::Original));
  before_->addItem(tr("Reference file"), static_cast<int>(BeforeChoice::Reference));
  before_->addItem(tr("Pinned result"), static_cast<int>(BeforeChoice::Pinned));
  before_->setSizeAdjustPolicy(QComboBox::AdjustToMinimumContentsLengthWithIcon);
  field(layout, tr("&Before"), before_);
  layout->addSpacing(4);
  auto* line = new QHBoxLayout;
  line->setSpacing(6);
  reference_ = new QPushButton(tr("Reference…"), box);
  reference_->setToolTip(tr("A file to compare with and to measure PSNR and SSIM against"));
  clearReference_ = new QPushButton(icon(Glyph::Remove), {}, box);
  clearReference_->setAccessibleName(tr("Forget the reference"));
  clearReference_->setToolTip(tr("Forget the reference"));
  clearReference_->setFixedWidth(40);
  line->addWidget(reference_, 1);
  line->addWidget(clearReference_);
  layout->addLayout(line);
  referenceText_ = hint(box);
  layout->addWidget(referenceText_);
  layout->addSpacing(4);
  gain_ = new QSpinBox(box);
  gain_->setRange(1, 64);
  gain_->setValue(8);
  gain_->setPrefix(QStringLiteral("× "));
  row(layout, tr("Difference &gain"), gain_);
  connect(before_, &QComboBox::activated, this, &TaskPanel::beforeChanged);
  connect(reference_, &QPushButton::clicked, this, &TaskPanel::referenceRequested);
  connect(clearReference_, &QPushButton::clicked, this, &TaskPanel::referenceCleared);
  connect(gain_, &QSpinBox::valueChanged, this, &TaskPanel::gainChanged);
  setReferenceText({});
  setPinned(false);
  return box;
}

QWidget* TaskPanel::makeOutput() {
  auto* box = new QWidget(this);
  auto* layout = new QVBoxLayout(box);
  layout->setContentsMargins(0, 0, 0, 0);
  layout->setSpacing(6);
  layout->addWidget(title(tr("Output"), box));
  folder_ = new QComboBox(box);
  folder_->setSizeAdjustPolicy(QComboBox::AdjustToMinimumContentsLengthWithIcon);
  field(layout, tr("Queue fold&er"), folder_);
  layout->addSpacing(4);
  format_ = new QComboBox(box);
  format_->addItem(tr("As the source"), toString(std::optional<FileFormat>()));
  for (const FileFormat format :
       {FileFormat::Png, FileFormat::Jpeg, FileFormat::Tiff, FileFormat::Webp, FileFormat::Avif,
        FileFormat::Jxl, FileFormat::Exr}) {
    format_->addItem(QString::fromLatin1(traitsOf(format).title), toString(std::optional(format)));
  }
  field(layout, tr("F&ormat"), format_);
  layout->addSpacing(4);
  depth_ = new QComboBox(box);
  depth_->addItem(tr("As the source"), toString(std::optional<SampleDepth>()));
  depth_->addItem(tr("8 bit"), toString(std::optional(SampleDepth::U8)));
  depth_->addItem(tr("16 bit"), toString(std::optional(SampleDepth::U16)));
  depth_->addItem(tr("32-bit float"), toString(std::optional(SampleDepth::F32)));
  field(layout, tr("&Depth"), depth_);
  layout->addSpacing(4);
  quality_ = new QSpinBox(box);
  quality_->setRange(1, 100);
  row(layout, tr("Qual&ity of lossy formats"), quality_);
  layout->addSpacing(4);
  ifExists_ = new QComboBox(box);
  ifExists_->addItem(tr("Redo what is out of date"), toString(IfExists::Auto));
  ifExists_->addItem(tr("Leave it"), toString(IfExists::Skip));
  ifExists_->addItem(tr("Overwrite"), toString(IfExists::Overwrite));
  ifExists_->addItem(tr("Add a number to the name"), toString(IfExists::Rename));
  ifExists_->addItem(tr("Fail"), toString(IfExists::Fail));
  field(layout, tr("If a result e&xists"), ifExists_);
  for (QComboBox* choice : {format_, depth_, ifExists_}) {
    choice->setSizeAdjustPolicy(QComboBox::AdjustToMinimumContentsLengthWithIcon);
  }
  connect(format_, &QComboBox::activated, this, [this] {
    settings_.format = formatOfWord(format_->currentData().toString().toStdString());
    emit settingsChanged();
  });
  connect(depth_, &QComboBox::activated, this, [this] {
    settings_.depth = depthFromString(depth_->currentData().toString());
    emit settingsChanged();
  });
  connect(ifExists_, &QComboBox::activated, this, [this] {
    settings_.ifExists = ifExistsFromString(ifExists_->currentData().toString());
    emit settingsChanged();
  });
  connect(folder_, &QComboBox::activated, this, [this](int index) {
    if (index == 0) {
      settings_.outputFolder.clear();
      emit settingsChanged();
    } else if (index == folder_->count() - 1) {
      chooseFolder();
    }
    showFolder();
  });
  connect(quality_, &QSpinBox::valueChanged, this, [this](int value) {
    settings_.quality = value;
    emit settingsChanged();
  });
  showFolder();
  showOutput();
  return box;
}

void TaskPanel::showOutput() {
  format_->setCurrentIndex(format_->findData(toString(settings_.format)));
  depth_->setCurrentIndex(depth_->findData(toString(settings_.depth)));
  ifExists_->setCurrentIndex(ifExists_->findData(toString(settings_.ifExists)));
}

void TaskPanel::showFolder() {
  folder_->clear();
  folder_->addItem(tr("“restored” beside each picture"));
  if (!settings_.outputFolder.isEmpty()) {
    folder_->addItem(settings_.outputFolder);
    folder_->setCurrentIndex(1);
  }
  folder_->addItem(tr("Choose a folder…"));
  folder_->setToolTip(settings_.outputFolder);
}

void TaskPanel::chooseFolder() {
  const QString folder = QFileDialog::getExistingDirectory(this, tr("Folder for restored pictures"),
                                                           settings_.outputFolder);
  if (folder.isEmpty()) return;
  settings_.outputFolder = folder;
  emit settingsChanged();
}

void TaskPanel::setSettings(const TaskSettings& settings) {
  settings_ = settings;
  const QSignalBlocker blockers[] = {QSignalBlocker(strength_), QSignalBlocker(strengthBox_),
                                     QSignalBlocker(background_), QSignalBlocker(threads_),
                                     QSignalBlocker(quality_)};
  strength_->setValue(settings.strength);
  strengthBox_->setValue(settings.strength);
  background_->setChecked(settings.background);
  threads_->setValue(settings.threads);
  quality_->setValue(settings.quality);
  precision_->setCurrentIndex(precision_->findData(toString(settings.precision)));
  showTasks();
  showFolder();
  showOutput();
}

void TaskPanel::setModelText(const QString& text) {
  modelText_->setText(text);
}

void TaskPanel::setPictureOpen(bool open) {
  save_->setEnabled(open);
  copy_->setEnabled(open);
}

void TaskPanel::setReferenceText(const QString& text) {
  referenceText_->setText(text);
  referenceText_->setVisible(!text.isEmpty());
  clearReference_->setEnabled(!text.isEmpty());
  auto* items = qobject_cast<QStandardItemModel*>(before_->model());
  items->item(static_cast<int>(BeforeChoice::Reference))->setEnabled(!text.isEmpty());
}

void TaskPanel::setPinned(bool pinned) {
  auto* items = qobject_cast<QStandardItemModel*>(before_->model());
  items->item(static_cast<int>(BeforeChoice::Pinned))->setEnabled(pinned);
}

BeforeChoice TaskPanel::beforeChoice() const {
  const QVariant chosen = before_->currentData();
  if (chosen.userType() == QMetaType::QString) return BeforeChoice::Model;
  return static_cast<BeforeChoice>(chosen.toInt());
}

QString TaskPanel::beforeModel() const {
  return beforeChoice() == BeforeChoice::Model ? before_->currentData().toString() : QString();
}

QString TaskPanel::beforeModelName() const {
  const QString model = beforeModel();
  return model.isEmpty() ? QString() : model_->itemText(model_->findData(model));
}

void TaskPanel::setBeforeChoice(BeforeChoice choice) {
  before_->setCurrentIndex(before_->findData(static_cast<int>(choice)));
}

}  // namespace pristine::gui
