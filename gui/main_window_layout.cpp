// What the main window consists of; main_window.cpp has what it does.

#include <QAction>
#include <QActionGroup>
#include <QApplication>
#include <QFileDialog>
#include <QHBoxLayout>
#include <QLabel>
#include <QListView>
#include <QMenuBar>
#include <QMessageBox>
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
#include "gui/theme.h"

namespace pristine::gui {

namespace {

constexpr int kStandardWidth = 1280;
constexpr int kStandardHeight = 800;

struct Keys {
  static QList<QKeySequence> of(std::initializer_list<const char*> keys) {
    QList<QKeySequence> list;
    for (const char* key : keys) list << QKeySequence(QLatin1String(key));
    return list;
  }
};

}  // namespace

QAction* MainWindow::addAction(const QString& name, const QString& text,
                               const QList<QKeySequence>& keys, const std::function<void()>& run) {
  auto* action = new QAction(text, this);
  action->setObjectName(name);
  action->setIconText(plainText(text));
  connect(action, &QAction::triggered, this, run);
  QMainWindow::addAction(action);
  shortcuts_.add(action, name, keys, settings_);
  return action;
}

void MainWindow::makeActions() {
  const auto add = [this](const char* name, const QString& text,
                          std::initializer_list<const char*> keys, Glyph glyph,
                          const std::function<void()>& run) {
    QAction* action = addAction(QLatin1String(name), text, Keys::of(keys), run);
    action->setIcon(icon(glyph));
    return action;
  };
  const auto plain = [this](const char* name, const QString& text,
                            std::initializer_list<const char*> keys,
                            const std::function<void()>& run) {
    return addAction(QLatin1String(name), text, Keys::of(keys), run);
  };
  add("open", tr("&Open…"), {"Ctrl+O"}, Glyph::Open, [this] { openDialog(); });
  add("openFolder", tr("Open &folder…"), {"Ctrl+Shift+O"}, Glyph::Folder,
      [this] { folderDialog(); });
  add("paste", tr("&Paste"), {"Ctrl+V"}, Glyph::Paste, [this] { paste(); });
  add("saveAs", tr("&Save as…"), {"Ctrl+S"}, Glyph::Save, [this] { saveDialog(); });
  add("copyCommand", tr("Copy as &command line"), {"Ctrl+Shift+C"}, Glyph::Copy,
      [this] { copyCommand(); });
  add("reference", tr("Open &reference…"), {"Ctrl+E"}, Glyph::Reference,
      [this] { referenceDialog(); });
  add("pin", tr("P&in this result as before"), {"Ctrl+I"}, Glyph::Pin, [this] { pinResult(); });
  plain("reload", tr("Re&load"), {"F5"}, [this] {
    if (!currentPath_.isEmpty()) showPicture(currentPath_);
  });
  plain("recent", tr("Recent files"), {"Ctrl+H"}, [this] {
    fillRecent();
    recent_->popup(view_->mapToGlobal(QPoint(24, 24)));
  });
  plain("quit", tr("&Quit"), {"Ctrl+Q"}, [this] { close(); });

  add("start", tr("&Start"), {"Ctrl+Return", "Ctrl+Enter"}, Glyph::Start, [this] { startQueue(); });
  add("pause", tr("&Pause"), {"Ctrl+P"}, Glyph::Pause, [this] {
    queue_->setPaused(!queue_->isPaused());
  })->setCheckable(true);
  add("stop", tr("S&top"), {"Esc"}, Glyph::Stop, [this] { stopQueue(); });
  add("retry", tr("&Retry failed"), {"Ctrl+R"}, Glyph::Retry, [this] {
    std::vector<int> failed;
    for (int row = 0; row < queueModel_.rowCount(); ++row) {
      if (queueModel_.item(row).state == ItemState::Failed) failed.push_back(row);
    }
    queueModel_.retry(failed);
    emit queue_->progressed();
  });
  QAction* remove = add("remove", tr("Re&move from the queue"), {"Del"}, Glyph::Remove,
                        [this] { queue_->remove(queuePanel_->selectedRows()); });
  remove->setShortcutContext(Qt::WidgetShortcut);
  queuePanel_->list()->addAction(remove);
  add("clearDone", tr("&Clear finished"), {}, Glyph::Done, [this] {
    queueModel_.clearFinished();
    emit queue_->progressed();
  });
  add("next", tr("&Next picture"), {"Right", "PgDown"}, Glyph::Next, [this] { step(1); });
  add("previous", tr("Pre&vious picture"), {"Left", "PgUp"}, Glyph::Previous, [this] { step(-1); });
  plain("first", tr("First picture"), {"Home"}, [this] { stepTo(0); });
  plain("last", tr("Last picture"), {"End"}, [this] { stepTo(queueModel_.rowCount() - 1); });
  // Sliders and lists need these keys for themselves.
  for (const char* name : {"next", "previous", "first", "last"}) {
    QAction* action = this->action(QLatin1String(name));
    action->setShortcutContext(Qt::WidgetShortcut);
    view_->addAction(action);
  }

  modes_ = new QActionGroup(this);
  const auto mode = [&](const char* name, const QString& text, const char* key, Glyph glyph,
                        CompareMode which) {
    QAction* action = add(name, text, {key}, glyph, [this, which] { view_->setMode(which); });
    action->setCheckable(true);
    action->setData(static_cast<int>(which));
    modes_->addAction(action);
  };
  mode("split", tr("S&plit"), "S", Glyph::Split, CompareMode::Split);
  mode("sideBySide", tr("Side by side"), "Y", Glyph::SideBySide, CompareMode::SideBySide);
  mode("blink", tr("&Blink"), "B", Glyph::Blink, CompareMode::Blink);
  mode("difference", tr("&Difference"), "D", Glyph::Difference, CompareMode::Difference);
  mode("lens", tr("&Lens"), "L", Glyph::Lens, CompareMode::Lens);
  plain("original", tr("Show the original"), {"\\"}, [this] { view_->toggleOriginal(); });
  plain("flipDivider", tr("Turn the divider"), {"Shift+S"},
        [this] { view_->setDividerVertical(!view_->isDividerVertical()); });
  add("fit", tr("&Fit"), {"0", "F", "Ctrl+0"}, Glyph::Fit, [this] { view_->zoomFit(); });
  add("actualSize", tr("&100 %"), {"1", "Ctrl+1"}, Glyph::ActualSize,
      [this] { view_->zoomTo(1.0); });
  plain("doubleSize", tr("&200 %"), {"2", "Ctrl+2"}, [this] { view_->zoomTo(2.0); });
  plain("toggleZoom", tr("Fit or 100 %"), {"Z"}, [this] { view_->toggleZoom(); });
  plain("zoomIn", tr("Zoom &in"), {"+", "=", "Ctrl++", "Ctrl+="}, [this] { view_->zoomIn(); });
  plain("zoomOut", tr("Zoom &out"), {"-", "Ctrl+-"}, [this] { view_->zoomOut(); });
  plain("fullScreen", tr("F&ull screen"), {"F11"},
        [this] { setWindowState(windowState() ^ Qt::WindowFullScreen); });
  plain("toggleQueue", tr("Show the &queue"), {"F6"},
        [this] { queuePanel_->setVisible(queuePanel_->isHidden()); });
  plain("toggleTask", tr("Show the &settings"), {"F7"},
        [this] { taskPanel_->setVisible(taskPanel_->isHidden()); });
  plain("screenSrgb", tr("&sRGB"), {}, [this] { useScreenProfile({}); });
  plain("screenProfile", tr("ICC &profile…"), {}, [this] {
    const QString file = QFileDialog::getOpenFileName(this, tr("Profile of the screen"), {},
                                                      tr("ICC profiles (*.icc *.icm)"));
    if (!file.isEmpty()) useScreenProfile(file);
  });
  add("shortcuts", tr("&Keyboard shortcuts…"), {"F1", "?"}, Glyph::Keyboard, [this] {
    auto* dialog = new ShortcutDialog(shortcuts_, settings_, this);
    dialog->setAttribute(Qt::WA_DeleteOnClose);
    dialog->open();
  });
  plain("about", tr("&About Pristine"), {}, [this] {
    QMessageBox::about(this, tr("About Pristine"),
                       tr("<h3>Pristine %1</h3><p>Restores photographs on the processor.</p>")
                           .arg(QApplication::applicationVersion()));
  });
}

void MainWindow::makeMenus() {
  const auto fill = [this](QMenu* menu, std::initializer_list<const char*> names) {
    for (const char* name : names) {
      if (*name == '\0') {
        menu->addSeparator();
      } else {
        menu->addAction(action(QLatin1String(name)));
      }
    }
  };
  QMenu* file = menuBar()->addMenu(tr("&File"));
  fill(file, {"open", "openFolder", "paste"});
  recent_ = file->addMenu(tr("Recent &files"));
  connect(recent_, &QMenu::aboutToShow, this, &MainWindow::fillRecent);
  fill(file, {"", "saveAs", "copyCommand", "", "reload", "", "quit"});
  fill(menuBar()->addMenu(tr("&Queue")), {"start", "pause", "stop", "", "retry", "remove",
                                          "clearDone", "", "previous", "next", "first", "last"});
  fill(menuBar()->addMenu(tr("&Compare")), {"split", "sideBySide", "blink", "difference", "lens",
                                            "", "original", "flipDivider", "", "reference", "pin"});
  QMenu* look = menuBar()->addMenu(tr("&View"));
  fill(look, {"fit", "actualSize", "doubleSize", "toggleZoom", "zoomIn", "zoomOut", "",
              "toggleQueue", "toggleTask", "fullScreen", ""});
  const auto choices = [this](QMenu* menu, const QString& key, const QString& standard,
                              const std::vector<std::pair<QString, QString>>& entries,
                              const std::function<void(const QString&)>& chosen) {
    auto* group = new QActionGroup(menu);
    for (const auto& [value, text] : entries) {
      QAction* action = menu->addAction(text);
      action->setCheckable(true);
      action->setChecked(settings_.value(key, standard).toString() == value);
      group->addAction(action);
      connect(action, &QAction::triggered, this, [this, key, value = value, chosen] {
        settings_.setValue(key, value);
        chosen(value);
      });
    }
  };
  choices(look->addMenu(tr("&Theme")), QStringLiteral("theme"), QStringLiteral("system"),
          {{QStringLiteral("system"), tr("As the system")},
           {QStringLiteral("light"), tr("Light")},
           {QStringLiteral("dark"), tr("Dark")}},
          [](const QString& value) { applyTheme(*qApp, themeFromString(value)); });
  choices(look->addMenu(tr("L&anguage")), QStringLiteral("language"), QString(),
          {{QString(), tr("As the system")},
           {QStringLiteral("en"), QStringLiteral("English")},
           {QStringLiteral("zh_CN"), QStringLiteral("简体中文")}},
          [this](const QString&) {
            noticeButton_->setText(tr("Dismiss"));
            noticeText_->setText(tr("The language changes when the program starts again."));
            noticeBar_->show();
          });
  fill(look->addMenu(tr("Colours of the &screen")), {"screenSrgb", "screenProfile"});
  fill(menuBar()->addMenu(tr("&Help")), {"shortcuts", "about"});
}

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
           {"open", true},        {"openFolder", false}, {"paste", false},      {"saveAs", false},
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
  const auto bar = [this](const char* name, QLabel*& text, QPushButton*& button) {
    auto* widget = new QWidget(this);
    widget->setObjectName(QLatin1String(name));
    widget->setAttribute(Qt::WA_StyledBackground);
    auto* line = new QHBoxLayout(widget);
    line->setContentsMargins(14, 7, 10, 7);
    text = new QLabel(widget);
    text->setWordWrap(true);
    text->setTextInteractionFlags(Qt::TextSelectableByMouse);
    line->addWidget(text, 1);
    button = new QPushButton(widget);
    line->addWidget(button);
    widget->hide();
    return widget;
  };
  QPushButton* close = nullptr;
  errorBar_ = bar("errorBar", errorText_, close);
  close->setText(tr("Dismiss"));
  connect(close, &QPushButton::clicked, errorBar_, &QWidget::hide);
  noticeBar_ = bar("noticeBar", noticeText_, noticeButton_);
  connect(noticeButton_, &QPushButton::clicked, this, &MainWindow::cancelSave);
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
  const auto mode = settings_.value(QStringLiteral("compare/mode"), 0).toInt();
  for (QAction* action : modes_->actions()) {
    if (action->data().toInt() == mode) action->trigger();
  }
  view_->setDivider(settings_.value(QStringLiteral("compare/divider"), 0.5).toDouble());
}

}  // namespace pristine::gui
