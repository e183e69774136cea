#include "gui/compare_view.h"

#include <QAccessible>
#include <QKeyEvent>
#include <QMouseEvent>
#include <QPainter>
#include <QPainterPath>
#include <algorithm>
#include <cmath>

#include "gui/accessible_view.h"

namespace pristine::gui {

namespace {

constexpr int kHandle = 36;  ///< logical pixels of the round handle
constexpr int kGrab = 8;     ///< on each side of the divider's line
constexpr int kLens = 280;   ///< logical pixels of the lens
constexpr int kGap = 2;      ///< between the panes
constexpr double kKeyMove = 0.01;

}  // namespace

CompareView::CompareView(QWidget* parent) : ImageCanvas(parent) {
  installAccessibleView();
  setAccessibleName(tr("Picture"));
  connect(this, &ImageCanvas::viewChanged, this, &CompareView::describe);
  describe();
}

void CompareView::setMode(CompareMode mode) {
  if (mode == mode_) return;
  mode_ = mode;
  updateViewport();
  describe();
  emit modeChanged(mode);
}

void CompareView::setDivider(double share) {
  divider_ = std::clamp(share, 0.0, 1.0);
  update();
  describe();
  QAccessibleValueChangeEvent changed(this, static_cast<int>(std::lround(divider_ * 100)));
  QAccessible::updateAccessibility(&changed);
  emit dividerMoved(divider_);
}

void CompareView::setDividerVertical(bool vertical) {
  dividerVertical_ = vertical;
  update();
}

void CompareView::setLabels(const QString& before, const QString& after) {
  beforeLabel_ = before;
  afterLabel_ = after;
  update();
}

/// For screen readers: what a sighted user reads off the view.
void CompareView::describe() {
  const QString zoom = tr("zoom %1 %").arg(std::lround(view().scale() * 100));
  setAccessibleDescription(
      mode_ == CompareMode::Split
          ? tr("%1, divider at %2 %").arg(zoom).arg(std::lround(divider_ * 100))
          : zoom);
}

int CompareView::dividerPosition() const {
  const QSize size = deviceSize();
  return static_cast<int>(
      std::lround(divider_ * (dividerVertical_ ? size.width() : size.height())));
}

/// The handle stays inside the view even where the divider's line leaves it.
QPoint CompareView::handleCentre() const {
  const int along = dividerVertical_ ? width() : height();
  const int across = dividerVertical_ ? height() : width();
  const int half = kHandle / 2 + 2;
  const int position = std::clamp(static_cast<int>(std::lround(divider_ * along)), half,
                                  std::max(half, along - half));
  return dividerVertical_ ? QPoint(position, across / 2) : QPoint(across / 2, position);
}

QRect CompareView::handleRect() const {
  const QPoint centre = handleCentre();
  return {centre.x() - kHandle / 2, centre.y() - kHandle / 2, kHandle, kHandle};
}

QRect CompareView::lensRect() const {
  const int side = static_cast<int>(kLens * devicePixelRatioF());
  const QSize size = deviceSize();
  const QPoint centre = lens_.x() < 0 ? QPoint(size.width() / 2, size.height() / 2) : lens_;
  return {centre.x() - side / 2, centre.y() - side / 2, side, side};
}

QSize CompareView::viewportSize() const {
  const QSize size = deviceSize();
  if (mode_ != CompareMode::SideBySide) return size;
  return {(size.width() - kGap) / 2, size.height()};
}

QPointF CompareView::toPane(const QPointF& device) const {
  if (mode_ != CompareMode::SideBySide) return device;
  const int second = viewportSize().width() + kGap;
  return device.x() >= second ? device - QPointF(second, 0) : device;
}

std::vector<ImageCanvas::Pane> CompareView::panes() const {
  const QSize size = deviceSize();
  const QRect all({0, 0}, size);
  if (mode_ == CompareMode::SideBySide) {
    const QSize pane = viewportSize();
    const QPoint second(pane.width() + kGap, 0);
    return {{Side::Before, QRect({0, 0}, pane), {}},
            {showsOriginal() ? Side::Before : Side::After, QRect(second, pane), second}};
  }
  if (showsOriginal()) return {{Side::Before, all, {}}};
  switch (mode_) {
    case CompareMode::Split: {
      const int position = dividerPosition();
      const QRect first = dividerVertical_ ? QRect(0, 0, position, size.height())
                                           : QRect(0, 0, size.width(), position);
      const QRect second = dividerVertical_
                               ? QRect(position, 0, size.width() - position, size.height())
                               : QRect(0, position, size.width(), size.height() - position);
      return {{Side::Before, first, {}}, {Side::After, second, {}}};
    }
    case CompareMode::Difference:
      return {{Side::Difference, all, {}}};
    case CompareMode::Lens:
      return {{Side::After, all, {}}, {Side::Before, lensRect() & all, {}}};
    default:
      return {{Side::After, all, {}}};
  }
}

void CompareView::paintLabel(QPainter& painter, const QRect& area, const QString& text,
                             Qt::Alignment where) {
  if (text.isEmpty()) return;
  const int margin = 10;
  const QFontMetrics metrics(painter.font());
  const int room = area.width() - 2 * margin - 20;
  if (room < 40) return;
  const QString shown = metrics.elidedText(text, Qt::ElideMiddle, room);
  QRect box(0, 0, metrics.horizontalAdvance(shown) + 20, metrics.height() + 8);
  box.moveTop(area.top() + margin);
  if (where.testFlag(Qt::AlignRight)) {
    box.moveRight(area.right() - margin);
  } else {
    box.moveLeft(area.left() + margin);
  }
  painter.setPen(Qt::NoPen);
  painter.setBrush(QColor(0, 0, 0, 150));
  painter.drawRoundedRect(box, box.height() / 2.0, box.height() / 2.0);
  painter.setPen(Qt::white);
  painter.drawText(box, Qt::AlignCenter, shown);
}

void CompareView::paintDivider(QPainter& painter) {
  const double at = dividerPosition() / devicePixelRatioF();
  const QLineF line = dividerVertical_ ? QLineF(at, 0, at, height()) : QLineF(0, at, width(), at);
  painter.setPen(QPen(QColor(0, 0, 0, 110), 3));
  painter.drawLine(line);
  painter.setPen(QPen(Qt::white, 1.4));
  painter.drawLine(line);
  const QRectF handle(handleRect());
  painter.setPen(QPen(QColor(0, 0, 0, 60), 1));
  painter.setBrush(draggingDivider_ ? palette().color(QPalette::Highlight) : QColor(Qt::white));
  painter.drawEllipse(handle);
  painter.setPen(QPen(draggingDivider_ ? Qt::white : QColor(60, 60, 60), 2, Qt::SolidLine,
                      Qt::RoundCap, Qt::RoundJoin));
  painter.setBrush(Qt::NoBrush);
  painter.save();
  painter.translate(handle.center());
  if (!dividerVertical_) painter.rotate(90);
  for (const int side : {-1, 1}) {
    painter.drawPolyline(QPolygonF{{side * 5.0, -5.0}, {side * 10.0, 0.0}, {side * 5.0, 5.0}});
  }
  painter.restore();
}

void CompareView::paintOverlay(QPainter& painter) {
  painter.resetTransform();
  painter.setRenderHint(QPainter::Antialiasing);
  const QRect all = rect();
  const QRect left(0, 0, width() / 2, height());
  const QRect right(width() / 2, 0, width() - width() / 2, height());
  if (mode_ == CompareMode::SideBySide) {
    paintLabel(painter, left, beforeLabel_, Qt::AlignLeft);
    paintLabel(painter, right, showsOriginal() ? beforeLabel_ : afterLabel_, Qt::AlignRight);
  } else if (showsOriginal()) {
    paintLabel(painter, all, beforeLabel_, Qt::AlignLeft);
  } else if (mode_ == CompareMode::Split) {
    const int position = static_cast<int>(dividerPosition() / devicePixelRatioF());
    const QRect first =
        dividerVertical_ ? QRect(0, 0, position, height()) : QRect(0, 0, width(), position);
    const QRect second = dividerVertical_ ? QRect(position, 0, width() - position, height())
                                          : QRect(0, position, width(), height() - position);
    if (dividerVertical_ || first.height() > 60) {
      paintLabel(painter, first, beforeLabel_, Qt::AlignLeft);
    }
    if (dividerVertical_ || second.height() > 60) {
      paintLabel(painter, second, afterLabel_, Qt::AlignRight);
    }
    paintDivider(painter);
  } else if (mode_ == CompareMode::Difference) {
    paintLabel(painter, all, tr("difference × %1").arg(differenceGain()), Qt::AlignLeft);
  } else if (mode_ == CompareMode::Lens) {
    const double ratio = devicePixelRatioF();
    const QRect lens = lensRect();
    const QRectF frame(lens.x() / ratio, lens.y() / ratio, lens.width() / ratio,
                       lens.height() / ratio);
    painter.setBrush(Qt::NoBrush);
    painter.setPen(QPen(QColor(0, 0, 0, 110), 4));
    painter.drawRect(frame);
    painter.setPen(QPen(Qt::white, 2));
    painter.drawRect(frame);
    paintLabel(painter, frame.toRect(), beforeLabel_, Qt::AlignLeft);
    paintLabel(painter, all, afterLabel_, Qt::AlignRight);
  } else {
    paintLabel(painter, all, afterLabel_, Qt::AlignRight);
  }
  if (hasFocus()) {
    painter.setBrush(Qt::NoBrush);
    painter.setPen(QPen(palette().color(QPalette::Highlight), 2));
    painter.drawRect(QRectF(all).adjusted(1, 1, -1, -1));
  }
}

void CompareView::paintEmpty(QPainter& painter) {
  painter.setRenderHint(QPainter::Antialiasing);
  const QColor text = palette().color(QPalette::WindowText);
  QColor faint = text;
  faint.setAlphaF(0.35F);
  const QRectF frame = QRectF(rect()).adjusted(28, 28, -28, -28);
  painter.setPen(QPen(faint, 2, Qt::DashLine));
  painter.setBrush(Qt::NoBrush);
  painter.drawRoundedRect(frame, 16, 16);
}

bool CompareView::event(QEvent* event) {
  // Space is the canvas's even where a shortcut has it.
  if (event->type() == QEvent::ShortcutOverride &&
      static_cast<QKeyEvent*>(event)->key() == Qt::Key_Space) {
    event->accept();
    return true;
  }
  return ImageCanvas::event(event);
}

void CompareView::setHeld(bool held) {
  if (held == held_) return;
  held_ = held;
  update();
  emit originalShown(showsOriginal());
}

void CompareView::toggleOriginal() {
  toggled_ = !toggled_;
  update();
  emit originalShown(showsOriginal());
}

void CompareView::keyPressEvent(QKeyEvent* event) {
  if (isEmpty()) return ImageCanvas::keyPressEvent(event);
  if (event->key() == Qt::Key_Space) {
    if (!event->isAutoRepeat()) setHeld(true);
    return;
  }
  const int key = event->key();
  const bool back = key == Qt::Key_Left || key == Qt::Key_Up;
  const bool forward = key == Qt::Key_Right || key == Qt::Key_Down;
  if (back || forward) {
    if (event->modifiers().testFlag(Qt::ShiftModifier)) {
      setDivider(divider_ + (back ? -kKeyMove : kKeyMove));
      return;
    }
    if (event->modifiers().testFlag(Qt::AltModifier)) {
      const double step = back ? -0.1 : 0.1;
      const bool horizontal = key == Qt::Key_Left || key == Qt::Key_Right;
      panBy(horizontal ? step : 0.0, horizontal ? 0.0 : step);
      return;
    }
  }
  ImageCanvas::keyPressEvent(event);
}

void CompareView::keyReleaseEvent(QKeyEvent* event) {
  // With auto-repeat X11 sends a release before every repeated press.
  if (event->key() == Qt::Key_Space) {
    if (!event->isAutoRepeat()) setHeld(false);
    return;
  }
  ImageCanvas::keyReleaseEvent(event);
}

void CompareView::focusInEvent(QFocusEvent* event) {
  ImageCanvas::focusInEvent(event);
  update();
}

void CompareView::focusOutEvent(QFocusEvent* event) {
  setHeld(false);  // the release goes elsewhere
  update();
  ImageCanvas::focusOutEvent(event);
}

bool CompareView::onDivider(const QPointF& logical) const {
  if (mode_ != CompareMode::Split || isEmpty()) return false;
  if (QRectF(handleRect()).contains(logical)) return true;
  const double at = dividerPosition() / devicePixelRatioF();
  return std::abs((dividerVertical_ ? logical.x() : logical.y()) - at) <= kGrab;
}

void CompareView::moveDividerTo(const QPointF& logical) {
  setDivider(dividerVertical_ ? logical.x() / std::max(1, width())
                              : logical.y() / std::max(1, height()));
}

void CompareView::mousePressEvent(QMouseEvent* event) {
  if (isEmpty()) {
    if (event->button() == Qt::LeftButton) emit openRequested();
    return;
  }
  const bool place = mode_ == CompareMode::Split && event->modifiers().testFlag(Qt::AltModifier);
  if (event->button() == Qt::LeftButton && (place || onDivider(event->position()))) {
    draggingDivider_ = true;
    if (place) moveDividerTo(event->position());
    update();
    return;
  }
  if (mode_ == CompareMode::Blink && event->button() == Qt::RightButton) setHeld(true);
  ImageCanvas::mousePressEvent(event);
}

void CompareView::mouseMoveEvent(QMouseEvent* event) {
  if (draggingDivider_) {
    moveDividerTo(event->position());
    return;
  }
  if (mode_ == CompareMode::Lens) {
    lens_ = toDevicePixels(event->position()).toPoint();
    update();
  }
  if (event->buttons() == Qt::NoButton) {
    if (onDivider(event->position())) {
      setCursor(dividerVertical_ ? Qt::SplitHCursor : Qt::SplitVCursor);
    } else {
      unsetCursor();
    }
  }
  ImageCanvas::mouseMoveEvent(event);
}

void CompareView::mouseReleaseEvent(QMouseEvent* event) {
  draggingDivider_ = false;
  if (event->button() == Qt::RightButton) setHeld(false);
  update();
  ImageCanvas::mouseReleaseEvent(event);
}

void CompareView::mouseDoubleClickEvent(QMouseEvent* event) {
  if (isEmpty()) return;
  if (onDivider(event->position())) {
    setDividerVertical(!dividerVertical_);
  } else {
    toggleZoom();
  }
}

void CompareView::leaveEvent(QEvent* event) {
  lens_ = {-1, -1};
  update();
  ImageCanvas::leaveEvent(event);
}

}  // namespace pristine::gui
