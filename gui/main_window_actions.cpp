// Actions of the main window, their keys, and the menus.

#include <QAction>
#include <QActionGroup>
#include <QApplication>
#include <QFileDialog>
#include <QListView>
#include <QMenuBar>
#include <QMessageBox>
#include <QSettings>

#include "gui/icons.h"
#include "gui/main_window.h"
#include "gui/queue_panel.h"
#include "gui/text.h"
#include "gui/theme.h"

namespace pristine::gui {

namespace {

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
  add("save", tr("&Save"), {"Ctrl+S"}, Glyph::Save, [this] { save(); });
  plain("saveAs", tr("Save &as…"), {"Ctrl+Shift+S"}, [this] { saveDialog(); });
  add("copyCommand", tr("Copy as &command line"), {"Ctrl+Shift+C"}, Glyph::Copy,
      [this] { copyCommand(); });
  add("reference", tr("Open &reference…"), {"Ctrl+E"}, Glyph::Reference,
      [this] { referenceDialog(); });
  add("pin", tr("P&in this result as before"), {"Ctrl+I"}, Glyph::Pin, [this] { pinResult(); });
  plain("reload", tr("Re&load"), {"F5"}, [this] {
    if (!currentPath_.isEmpty()) showPicture(currentPath_);
  });
  plain("recent", tr("Recent files"), {"Ctrl+H"}, [this] {
    recent_->fill();
    recent_->menu()->popup(view_->mapToGlobal(QPoint(24, 24)));
  });
  plain("quit", tr("&Quit"), {"Ctrl+Q"}, [this] { close(); });

  add("start", tr("&Start"), {"Ctrl+Return", "Ctrl+Enter"}, Glyph::Start, [this] { startQueue(); });
  add("pause", tr("&Pause"), {"Ctrl+P"}, Glyph::Pause, [this] {
    queue_->setPaused(!queue_->isPaused());
  })->setCheckable(true);
  add("stop", tr("S&top"), {"Esc"}, Glyph::Stop, [this] { stopQueue(); });
  add("retry", tr("&Retry failed"), {"Ctrl+R"}, Glyph::Retry, [this] { retryFailed(); });
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
  recent_ = new RecentFiles(settings_, file->addMenu(tr("Recent &files")), this);
  fill(file, {"", "save", "saveAs", "copyCommand", "", "reload", "", "quit"});
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
            noticeBar_->say(tr("The language changes when the program starts again."),
                            tr("Dismiss"));
          });
  fill(look->addMenu(tr("Colours of the &screen")), {"screenSrgb", "screenProfile"});
  fill(menuBar()->addMenu(tr("&Help")), {"shortcuts", "about"});
}

}  // namespace pristine::gui
