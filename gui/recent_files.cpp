#include "gui/recent_files.h"

#include <QAction>
#include <QFileInfo>
#include <QMenu>
#include <QSettings>

namespace pristine::gui {

namespace {

constexpr int kMost = 10;
const auto kKey = QStringLiteral("recent");

}  // namespace

RecentFiles::RecentFiles(QSettings& settings, QMenu* menu, QObject* parent)
    : QObject(parent), settings_(settings), menu_(menu) {
  connect(menu_, &QMenu::aboutToShow, this, &RecentFiles::fill);
}

void RecentFiles::add(const QString& path) {
  QStringList recent = settings_.value(kKey).toStringList();
  recent.removeAll(path);
  recent.prepend(path);
  settings_.setValue(kKey, recent.mid(0, kMost));
}

void RecentFiles::fill() {
  menu_->clear();
  const QStringList recent = settings_.value(kKey).toStringList();
  for (const QString& path : recent) {
    QAction* entry = menu_->addAction(
        QFileInfo(path).fileName().replace(QLatin1Char('&'), QStringLiteral("&&")));
    entry->setToolTip(path);
    connect(entry, &QAction::triggered, this, [this, path] { emit chosen(path); });
  }
  if (recent.isEmpty()) menu_->addAction(tr("none yet"))->setEnabled(false);
}

}  // namespace pristine::gui
