#pragma once

#include <QWidget>
#include <chrono>
#include <memory>
#include <optional>
#include <unordered_map>

#include "gui/picture_source.h"
#include "gui/view_transform.h"

namespace pristine::gui {

/// What a tile of the canvas shows.
enum class Side { Before, After, Difference };

/// Paints pictures from a cache of tiles that are rendered at the scale of the view, so that
/// panning copies and nothing is scaled twice. Rendering is spread over frames: a frame never takes
/// much longer than its budget, and shows what the last scale had where tiles are missing. All
/// positions are device pixels.
class ImageCanvas : public QWidget {
  Q_OBJECT
 public:
  explicit ImageCanvas(QWidget* parent = nullptr);

  /// `after` gives the canvas its size; `before` is scaled to it. Null: an empty canvas. The view
  /// is kept while the size stays.
  void setSources(std::shared_ptr<const PictureSource> before,
                  std::shared_ptr<const PictureSource> after);
  const std::shared_ptr<const PictureSource>& before() const { return before_; }
  const std::shared_ptr<const PictureSource>& after() const { return after_; }
  bool isEmpty() const { return !after_; }
  /// Pixels of the after side have changed, in picture pixels.
  void invalidateAfter(const QRect& picture) { invalidate(Side::After, picture); }
  /// The same of a before side that has the size of the other.
  void invalidateBefore(const QRect& picture) { invalidate(Side::Before, picture); }

  const ViewTransform& view() const { return view_; }
  double differenceGain() const { return gain_; }
  void setDifferenceGain(double gain);
  /// Time that a frame may spend on rendering tiles.
  void setFrameBudget(std::chrono::milliseconds budget) { budget_ = budget; }

 public slots:
  void zoomFit();
  void zoomTo(double scale);
  void zoomIn();
  void zoomOut();
  /// Between fit and 1:1.
  void toggleZoom();
  /// By a share of the viewport.
  void panBy(double x, double y);

 signals:
  void viewChanged();
  /// The picture pixel under the cursor; (-1, -1) when it is outside.
  void hovered(const QPoint& pixel);

 protected:
  /// A part of the widget that shows one side; `corner` is where the pane's view begins.
  struct Pane {
    Side side = Side::After;
    QRect clip;
    QPoint corner;
  };
  virtual std::vector<Pane> panes() const = 0;
  /// Over the panes, in device pixels.
  virtual void paintOverlay(QPainter& painter) = 0;
  virtual void paintEmpty(QPainter& painter) = 0;
  /// Size of one pane.
  virtual QSize viewportSize() const = 0;

  void paintEvent(QPaintEvent* event) override;
  void resizeEvent(QResizeEvent* event) override;
  void wheelEvent(QWheelEvent* event) override;
  void mousePressEvent(QMouseEvent* event) override;
  void mouseMoveEvent(QMouseEvent* event) override;
  void mouseReleaseEvent(QMouseEvent* event) override;
  void leaveEvent(QEvent* event) override;

  QPointF toDevicePixels(const QPointF& logical) const;
  QSize deviceSize() const;
  /// Position inside the pane that is under a position of the widget.
  virtual QPointF toPane(const QPointF& device) const = 0;
  void updateViewport();
  void viewWasChanged();
  /// Shift of the before side against the other, in picture pixels.
  QPointF beforeOffset_;

 private:
  struct TileKey {
    Side side;
    int x;
    int y;
    bool operator==(const TileKey&) const = default;
  };
  struct TileHash {
    std::size_t operator()(const TileKey& key) const;
  };
  struct Tile {
    QImage image;
    bool stale = false;
  };
  using Tiles = std::unordered_map<TileKey, Tile, TileHash>;

  void invalidate(Side side, const QRect& picture);
  /// hovered() of where the pointer is, which may rest while pixels or the view change.
  void tellHovered();
  void paintPane(QPainter& painter, const Pane& pane);
  void paintPrevious(QPainter& painter, const Pane& pane, const QPoint& origin) const;
  const Tile* tileFor(const TileKey& key);
  QImage render(const TileKey& key) const;
  void dropFarTiles();
  QPoint originOf(const Pane& pane) const;

  std::shared_ptr<const PictureSource> before_;
  std::shared_ptr<const PictureSource> after_;
  ViewTransform view_;
  double gain_ = 8.0;
  Tiles tiles_;
  double tilesScale_ = 1.0;
  Tiles previous_;  ///< tiles of the scale before, to fill gaps
  double previousScale_ = 1.0;
  std::chrono::milliseconds budget_{16};
  std::chrono::steady_clock::time_point frameBegin_;
  bool incomplete_ = false;
  bool panning_ = false;
  bool aligning_ = false;
  QPointF lastMouse_;
  std::optional<QPointF> pointer_;  ///< in device pixels; none: outside
};

}  // namespace pristine::gui
