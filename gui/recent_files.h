#pragma once

#include <QObject>

class QMenu;
class QSettings;

namespace pristine::gui {

/// The pictures that were opened last, kept in the settings and listed in a menu.
class RecentFiles : public QObject {
  Q_OBJECT
 public:
  RecentFiles(QSettings& settings, QMenu* menu, QObject* parent = nullptr);

  void add(const QString& path);
  QMenu* menu() const { return menu_; }
  void fill();

 signals:
  void chosen(const QString& path);

 private:
  QSettings& settings_;
  QMenu* menu_;
};

}  // namespace pristine::gui
