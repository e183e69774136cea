#include "gui/image_canvas.h"

#include <QMouseEvent>
#include <QPainter>
#include <QTimer>
#include <QWheelEvent>
#include <cmath>

#include "gui/qt_image.h"

namespace pristine::gui {

namespace {

constexpr int kTile = 256;               ///< device pixels of a tile's side
constexpr std::size_t kMostTiles = 800;  ///< 200 MB
constexpr double kWheelStep = 1.2;
constexpr double kKeyStep = 1.5;

int floorDiv(int value, int by) {
  return value >= 0 ? value / by : -((-value + by - 1) / by);
}

/// A zoom step that stops at 1:1 on its way past it.
double stepped(double from, double factor) {
  const double to = from * factor;
  if ((from < 0.999 && to > 1.001) || (from > 1.001 && to < 0.999)) return 1.0;
  return std::abs(to - 1.0) < 0.01 ? 1.0 : to;
}

}  // namespace

std::size_t ImageCanvas::TileHash::operator()(const TileKey& key) const {
  return static_cast<std::size_t>(key.x) * 73856093U ^ static_cast<std::size_t>(key.y) * 19349663U ^
         static_cast<std::size_t>(key.side);
}

ImageCanvas::ImageCanvas(QWidget* parent) : QWidget(parent) {
  setFocusPolicy(Qt::StrongFocus);
  setMouseTracking(true);
  setAttribute(Qt::WA_OpaquePaintEvent);
  setMinimumSize(160, 120);
}

void ImageCanvas::setSources(std::shared_ptr<const PictureSource> before,
                             std::shared_ptr<const PictureSource> after) {
  const bool sameBefore = before == before_;
  before_ = std::move(before);
  after_ = std::move(after);
  if (!before_) before_ = after_;
  for (auto& [key, tile] : tiles_) {
    if (key.side != Side::Before || !sameBefore) tile.stale = true;
  }
  const QSize size = after_ ? sizeOf(*after_) : QSize();
  if (size != view_.picture()) {
    tiles_.clear();
    previous_.clear();
    view_.setPicture(size);
    view_.fit();
    beforeOffset_ = {};
    viewWasChanged();
  }
  update();
  tellHovered();
}

void ImageCanvas::invalidate(Side side, const QRect& picture) {
  // One pixel more on each side, for interpolation, and the pixels of coarse levels.
  const int margin = 1 << (levelFor(view_.scale(), 16) + 1);
  const QRect grown = picture.adjusted(-margin, -margin, margin, margin);
  for (auto& [key, tile] : tiles_) {
    if (key.side != side && key.side != Side::Difference) continue;
    const QRectF covered(key.x * kTile / tilesScale_, key.y * kTile / tilesScale_,
                         kTile / tilesScale_, kTile / tilesScale_);
    if (covered.intersects(grown)) tile.stale = true;
  }
  update();
  tellHovered();
}

void ImageCanvas::setDifferenceGain(double gain) {
  gain_ = gain;
  for (auto& [key, tile] : tiles_) {
    if (key.side == Side::Difference) tile.stale = true;
  }
  update();
}

void ImageCanvas::zoomFit() {
  view_.fit();
  viewWasChanged();
}

void ImageCanvas::zoomTo(double scale) {
  view_.zoomCentre(scale);
  viewWasChanged();
}

void ImageCanvas::zoomIn() {
  zoomTo(stepped(view_.scale(), kKeyStep));
}

void ImageCanvas::zoomOut() {
  zoomTo(stepped(view_.scale(), 1.0 / kKeyStep));
}

void ImageCanvas::toggleZoom() {
  if (view_.isFit()) {
    zoomTo(1.0);
  } else {
    zoomFit();
  }
}

void ImageCanvas::panBy(double x, double y) {
  view_.pan({-x * view_.viewport().width(), -y * view_.viewport().height()});
  viewWasChanged();
}

void ImageCanvas::viewWasChanged() {
  if (view_.scale() != tilesScale_) {
    // A frame that was not finished would stand in with holes; the one before it has none.
    if (!tiles_.empty() && (!incomplete_ || previous_.empty())) {
      previous_ = std::move(tiles_);
      previousScale_ = tilesScale_;
    }
    tiles_.clear();
    tilesScale_ = view_.scale();
  }
  update();
  emit viewChanged();
  tellHovered();
}

QPointF ImageCanvas::toDevicePixels(const QPointF& logical) const {
  return logical * devicePixelRatioF();
}

QSize ImageCanvas::deviceSize() const {
  return {static_cast<int>(std::lround(width() * devicePixelRatioF())),
          static_cast<int>(std::lround(height() * devicePixelRatioF()))};
}

void ImageCanvas::updateViewport() {
  view_.setViewport(viewportSize());
  viewWasChanged();
}

QPoint ImageCanvas::originOf(const Pane& pane) const {
  QPoint origin = view_.origin() + pane.corner;
  if (pane.side == Side::Before) origin += (beforeOffset_ * view_.scale()).toPoint();
  return origin;
}

void ImageCanvas::paintEvent(QPaintEvent* /*event*/) {
  QPainter painter(this);
  const double ratio = devicePixelRatioF();
  painter.scale(1.0 / ratio, 1.0 / ratio);
  painter.fillRect(QRect({0, 0}, deviceSize() + QSize(1, 1)), palette().color(QPalette::Dark));
  if (!after_) {
    painter.resetTransform();
    paintEmpty(painter);
    return;
  }
  // The device pixel ratio may have become another without a resize.
  if (viewportSize() != view_.viewport()) updateViewport();
  frameBegin_ = std::chrono::steady_clock::now();
  incomplete_ = false;
  for (const Pane& pane : panes()) paintPane(painter, pane);
  painter.setClipping(false);
  paintOverlay(painter);
  if (incomplete_) {
    QTimer::singleShot(0, this, qOverload<>(&QWidget::update));
  } else {
    previous_.clear();
  }
  dropFarTiles();
}

void ImageCanvas::paintPane(QPainter& painter, const Pane& pane) {
  const QPoint origin = originOf(pane);
  const QSize scaled(static_cast<int>(std::ceil(view_.picture().width() * tilesScale_)),
                     static_cast<int>(std::ceil(view_.picture().height() * tilesScale_)));
  const QRect covered = QRect(origin, scaled) & pane.clip;
  if (covered.isEmpty()) return;
  painter.setClipRect(covered);
  const QRect local = covered.translated(-origin);
  bool previousPainted = false;
  for (int y = floorDiv(local.top(), kTile); y <= floorDiv(local.bottom(), kTile); ++y) {
    for (int x = floorDiv(local.left(), kTile); x <= floorDiv(local.right(), kTile); ++x) {
      const Tile* tile = tileFor({pane.side, x, y});
      const QPoint target = origin + QPoint(x * kTile, y * kTile);
      if (tile != nullptr) {
        painter.drawImage(target, tile->image);
        continue;
      }
      if (!previousPainted) {
        previousPainted = true;
        painter.save();
        paintPrevious(painter, pane, origin);
        painter.restore();
        // Tiles drawn so far lie under the stand-in now.
        y = floorDiv(local.top(), kTile);
        x = floorDiv(local.left(), kTile) - 1;
      }
    }
  }
}

/// Tiles of the last scale, stretched: rough, but there at once.
void ImageCanvas::paintPrevious(QPainter& painter, const Pane& pane, const QPoint& origin) const {
  const double factor = tilesScale_ / previousScale_;
  for (const auto& [key, tile] : previous_) {
    if (key.side != pane.side) continue;
    const QRectF target(origin.x() + key.x * kTile * factor, origin.y() + key.y * kTile * factor,
                        tile.image.width() * factor, tile.image.height() * factor);
    if (!target.intersects(pane.clip)) continue;
    painter.drawImage(target, tile.image);
  }
}

/// The tile, rendered if this frame has time for it; a stale one stands in for itself.
const ImageCanvas::Tile* ImageCanvas::tileFor(const TileKey& key) {
  const auto found = tiles_.find(key);
  const bool usable = found != tiles_.end();
  if (usable && !found->second.stale) return &found->second;
  if (std::chrono::steady_clock::now() - frameBegin_ > budget_) {
    incomplete_ = true;
    return usable ? &found->second : nullptr;
  }
  Tile& tile = tiles_[key];
  tile = {render(key), false};
  return &tile;
}

QImage ImageCanvas::render(const TileKey& key) const {
  const QSize scaled(static_cast<int>(std::ceil(view_.picture().width() * tilesScale_)),
                     static_cast<int>(std::ceil(view_.picture().height() * tilesScale_)));
  const Sampling sampling{QRect(key.x * kTile, key.y * kTile, kTile, kTile) & QRect({0, 0}, scaled),
                          {tilesScale_, tilesScale_}};
  switch (key.side) {
    case Side::Before:
      return renderPicture(*before_, matched(sampling, sizeOf(*before_), sizeOf(*after_)));
    case Side::After:
      return renderPicture(*after_, sampling);
    case Side::Difference:
      return renderDifference(*before_, *after_, sampling, gain_);
  }
  return {};
}

void ImageCanvas::dropFarTiles() {
  if (tiles_.size() <= kMostTiles) return;
  const QPointF middle =
      QPointF(view_.viewport().width(), view_.viewport().height()) / 2.0 - QPointF(view_.origin());
  std::vector<std::pair<double, TileKey>> order;
  for (const auto& [key, tile] : tiles_) {
    order.emplace_back(std::hypot(key.x * kTile - middle.x(), key.y * kTile - middle.y()), key);
  }
  std::ranges::sort(order, {}, [](const auto& entry) { return -entry.first; });
  for (std::size_t i = 0; i < order.size() / 4; ++i) tiles_.erase(order[i].second);
}

void ImageCanvas::resizeEvent(QResizeEvent* /*event*/) {
  updateViewport();
}

void ImageCanvas::wheelEvent(QWheelEvent* event) {
  if (isEmpty()) return event->ignore();
  const double steps = event->angleDelta().y() / 120.0;
  if (steps != 0.0) {
    const QPointF at = toPane(toDevicePixels(event->position()));
    view_.zoomAt(at, stepped(view_.scale(), std::pow(kWheelStep, steps)));
    viewWasChanged();
  }
  event->accept();
}

void ImageCanvas::mousePressEvent(QMouseEvent* event) {
  if (isEmpty() || (event->button() != Qt::LeftButton && event->button() != Qt::MiddleButton)) {
    return;
  }
  panning_ = true;
  aligning_ = event->modifiers().testFlag(Qt::ControlModifier);
  lastMouse_ = toDevicePixels(event->position());
  setCursor(Qt::ClosedHandCursor);
}

void ImageCanvas::mouseMoveEvent(QMouseEvent* event) {
  const QPointF position = toDevicePixels(event->position());
  if (panning_) {
    const QPointF moved = position - lastMouse_;
    lastMouse_ = position;
    if (aligning_) {
      beforeOffset_ += moved / view_.scale();
      update();
    } else {
      view_.pan(moved);
      viewWasChanged();
    }
  }
  pointer_ = position;
  tellHovered();
}

void ImageCanvas::tellHovered() {
  if (!pointer_) return;
  if (isEmpty()) {
    emit hovered({-1, -1});
    return;
  }
  const QPointF pixel = view_.toPicture(toPane(*pointer_));
  const QPoint floor(static_cast<int>(std::floor(pixel.x())),
                     static_cast<int>(std::floor(pixel.y())));
  emit hovered(QRect({0, 0}, view_.picture()).contains(floor) ? floor : QPoint(-1, -1));
}

void ImageCanvas::mouseReleaseEvent(QMouseEvent* /*event*/) {
  panning_ = false;
  unsetCursor();
}

void ImageCanvas::leaveEvent(QEvent* /*event*/) {
  pointer_.reset();
  emit hovered({-1, -1});
}

}  // namespace pristine::gui
