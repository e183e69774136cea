// What the main window consists of.

#include <QAction>
#include <QActionGroup>
#include <QHBoxLayout>
#include <QLabel>
#include <QProgressBar>
#include <QPushButton>
#include <QSettings>
#include <QSplitter>
#include <QStatusBar>
#include <QToolBar>
#include <QToolButton>
#include <QVBoxLayout>

#include "gui/icons.h"
#include "gui/main_window.h"
#include "gui/queue_panel.h"
#include "gui/text.h"

namespace pristine::gui {

namespace {

constexpr int kStandardWidth = 1280;
constexpr int kStandardHeight = 800;

}  // namespace

void MainWindow::makeToolBar() {
  auto* bar = new QToolBar(tr("Tools"), this);
  bar->setObjectName(QStringLiteral("tools"));
  bar->setMovable(false);
  bar->setIconSize({20, 20});
  bar->setContextMenuPolicy(Qt::PreventContextMenu);
  addToolBar(bar);
  struct Entry {
    const char* name;
    bool text;
  };
  for (const auto& [name, text] : std::initializer_list<Entry>{
           {"open", true},        {"openFolder", false}, {"paste", false},      {"save", false},
           {"", false},           {"start", true},       {"pause", false},      {"stop", false},
           {"", false},           {"split", false},      {"sideBySide", false}, {"blink", false},
           {"difference", false}, {"lens", false},       {"", false},           {"fit", false},
           {"actualSize", false}, {"", false},           {"previous", false},   {"next", false}}) {
    if (*name == '\0') {
      bar->addSeparator();
      continue;
    }
    QAction* const entry = action(QLatin1String(name));
    bar->addAction(entry);
    auto* button = qobject_cast<QToolButton*>(bar->widgetForAction(entry));
    if (text) button->setToolButtonStyle(Qt::ToolButtonTextBesideIcon);
    button->setFocusPolicy(Qt::TabFocus);
    button->setAccessibleName(plainText(entry->text()));
  }
}

void MainWindow::makeStatusBar() {
  const auto label = [this](int width) {
    auto* text = new QLabel(this);
    text->setMinimumWidth(width);
    return text;
  };
  zoomText_ = label(64);
  pixelText_ = label(0);
  metricText_ = label(0);
  progressText_ = label(0);
  progressBar_ = new QProgressBar(this);
  progressBar_->setRange(0, 1000);
  progressBar_->setTextVisible(false);
  progressBar_->setFixedWidth(140);
  progressBar_->setAccessibleName(tr("Progress of the picture"));
  progressBar_->hide();
  statusBar()->setSizeGripEnabled(false);
  statusBar()->setContentsMargins(6, 0, 12, 0);
  statusBar()->addWidget(zoomText_);
  statusBar()->addWidget(pixelText_);
  statusBar()->addWidget(metricText_);
  statusBar()->addPermanentWidget(progressText_);
  statusBar()->addPermanentWidget(progressBar_);
}

void MainWindow::makeBars() {
  errorBar_ = new MessageBar(QStringLiteral("errorBar"), this);
  noticeBar_ = new MessageBar(QStringLiteral("noticeBar"), this);
  connect(noticeBar_, &MessageBar::dismissed, saver_, &PictureSaver::cancel);
}

void MainWindow::makeEmptyState() {
  emptyState_ = new QWidget(view_);
  auto* layout = new QVBoxLayout(emptyState_);
  layout->setSpacing(14);
  auto* title = new QLabel(tr("Drop photographs or a folder here"), emptyState_);
  title->setObjectName(QStringLiteral("emptyTitle"));
  title->setAlignment(Qt::AlignCenter);
  title->setWordWrap(true);
  auto* text = new QLabel(
      tr("What you see is restored first, the rest follows. Nothing leaves this computer."),
      emptyState_);
  text->setObjectName(QStringLiteral("hint"));
  text->setAlignment(Qt::AlignCenter);
  text->setWordWrap(true);
  layout->addStretch();
  layout->addWidget(title);
  layout->addWidget(text);
  auto* line = new QHBoxLayout;
  line->setSpacing(10);
  line->addStretch();
  bool first = true;
  for (const char* name : {"open", "openFolder", "paste"}) {
    QAction* source = action(QLatin1String(name));
    auto* button = new QPushButton(source->text(), emptyState_);
    if (first) button->setObjectName(QStringLiteral("primary"));
    first = false;
    connect(button, &QPushButton::clicked, source, &QAction::trigger);
    line->addWidget(button);
  }
  line->addStretch();
  layout->addSpacing(6);
  layout->addLayout(line);
  layout->addStretch();
  auto* fill = new QVBoxLayout(view_);
  fill->setContentsMargins(48, 48, 48, 48);
  fill->addWidget(emptyState_);
}

void MainWindow::restoreLayout() {
  resize(kStandardWidth, kStandardHeight);
  restoreGeometry(settings_.value(QStringLiteral("window/geometry")).toByteArray());
  splitter_->setSizes({260, 760, 280});
  splitter_->restoreState(settings_.value(QStringLiteral("window/splitter")).toByteArray());
  queuePanel_->setHidden(!settings_.value(QStringLiteral("window/queue"), true).toBool());
  taskPanel_->setHidden(!settings_.value(QStringLiteral("window/task"), true).toBool());
  const auto mode = settings_.value(QStringLiteral("compare/mode"), 0).toInt();
  for (QAction* action : modes_->actions()) {
    if (action->data().toInt() == mode) action->trigger();
  }
  view_->setDivider(settings_.value(QStringLiteral("compare/divider"), 0.5).toDouble());
}

}  // namespace pristine::gui
