#pragma once

#include <QAction>
#include <QDialog>
#include <QKeySequence>
#include <vector>

class QSettings;
class QTableWidget;

namespace pristine::gui {

/// The program's actions, each with a name for the settings and the keys it comes with.
class Shortcuts {
 public:
  /// The action's shortcuts become the ones from the settings, if there are any.
  void add(QAction* action, const QString& name, const QList<QKeySequence>& standard,
           const QSettings& settings);
  void set(std::size_t index, const QList<QKeySequence>& keys, QSettings& settings);
  void resetAll(QSettings& settings);

  struct Entry {
    QAction* action;
    QString name;
    QList<QKeySequence> standard;
  };
  const std::vector<Entry>& entries() const { return entries_; }
  /// Another action that has this key, or null.
  const Entry* userOf(const QKeySequence& key, std::size_t except) const;

 private:
  std::vector<Entry> entries_;
};

/// All shortcuts in a table; every row can be given another key.
class ShortcutDialog : public QDialog {
  Q_OBJECT
 public:
  ShortcutDialog(Shortcuts& shortcuts, QSettings& settings, QWidget* parent = nullptr);

 private:
  void fill();
  void edit(int row);

  Shortcuts& shortcuts_;
  QSettings& settings_;
  QTableWidget* table_;
};

}  // namespace pristine::gui
