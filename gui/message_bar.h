#pragma once

#include <QWidget>

class QLabel;
class QPushButton;

namespace pristine::gui {

/// A line above the picture with something to read and one button that hides it.
class MessageBar : public QWidget {
  Q_OBJECT
 public:
  /// `name`: for the style sheet.
  explicit MessageBar(const QString& name, QWidget* parent = nullptr);

  /// Of a long list the first lines are shown and the rest is counted: it would push the picture
  /// out of the window.
  void say(const QString& text, const QString& button);
  /// The same after what it says already.
  void add(const QString& text, const QString& button);
  /// Empty while hidden.
  QString text() const;

 signals:
  void dismissed();

 private:
  QString all_;
  QLabel* text_;
  QPushButton* button_;
};

}  // namespace pristine::gui
