#pragma once

#include "gui/image_canvas.h"

namespace pristine::gui {

enum class CompareMode { Split, SideBySide, Blink, Difference, Lens };

/// Compares the two sides of the canvas. Both share zoom and position; dragging with Ctrl moves
/// the before side alone. While the original is held everything shows the before side.
class CompareView : public ImageCanvas {
  Q_OBJECT
 public:
  explicit CompareView(QWidget* parent = nullptr);

  CompareMode mode() const { return mode_; }
  void setMode(CompareMode mode);
  /// Share of the view that the divider leaves to the before side, 0 to 1.
  double divider() const { return divider_; }
  void setDivider(double share);
  bool isDividerVertical() const { return dividerVertical_; }
  void setDividerVertical(bool vertical);
  /// Shown while the key is down, or after a toggle.
  bool showsOriginal() const { return held_ != toggled_; }
  void toggleOriginal();
  void setLabels(const QString& before, const QString& after);

  /// Where the handle of the divider is painted and can be grabbed, logical pixels.
  QRect handleRect() const;

 signals:
  void modeChanged(pristine::gui::CompareMode mode);
  void dividerMoved(double share);
  void originalShown(bool shown);
  /// Something was dropped or asked for on the empty view.
  void openRequested();

 protected:
  std::vector<Pane> panes() const override;
  void paintOverlay(QPainter& painter) override;
  void paintEmpty(QPainter& painter) override;
  QSize viewportSize() const override;
  QPointF toPane(const QPointF& device) const override;

  bool event(QEvent* event) override;
  void keyPressEvent(QKeyEvent* event) override;
  void keyReleaseEvent(QKeyEvent* event) override;
  void focusOutEvent(QFocusEvent* event) override;
  void mousePressEvent(QMouseEvent* event) override;
  void mouseMoveEvent(QMouseEvent* event) override;
  void mouseReleaseEvent(QMouseEvent* event) override;
  void mouseDoubleClickEvent(QMouseEvent* event) override;
  void leaveEvent(QEvent* event) override;
  void focusInEvent(QFocusEvent* event) override;

 private:
  int dividerPosition() const;
  QPoint handleCentre() const;
  QRect lensRect() const;
  bool onDivider(const QPointF& logical) const;
  void moveDividerTo(const QPointF& logical);
  void setHeld(bool held);
  void describe();
  void paintLabel(QPainter& painter, const QRect& area, const QString& text, Qt::Alignment where);
  void paintDivider(QPainter& painter);

  CompareMode mode_ = CompareMode::Split;
  double divider_ = 0.5;
  bool dividerVertical_ = true;
  bool draggingDivider_ = false;
  bool held_ = false;
  bool toggled_ = false;
  QPoint lens_{-1, -1};  ///< device pixels; negative: in the middle
  QString beforeLabel_;
  QString afterLabel_;
};

}  // namespace pristine::gui
