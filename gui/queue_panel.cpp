#include "gui/queue_panel.h"

#include <QAction>
#include <QComboBox>
#include <QHBoxLayout>
#include <QLabel>
#include <QListView>
#include <QPainter>
#include <QPainterPath>
#include <QProgressBar>
#include <QStyledItemDelegate>
#include <QToolButton>
#include <QVBoxLayout>

#include "gui/icons.h"
#include "gui/queue_controller.h"
#include "gui/text.h"

namespace pristine::gui {

namespace {

constexpr int kThumbnail = 44;
constexpr int kPadding = 10;
constexpr int kStateIcon = 18;

Glyph glyphOf(ItemState state) {
  switch (state) {
    case ItemState::Done:
      return Glyph::Done;
    case ItemState::Failed:
      return Glyph::Failed;
    case ItemState::Running:
      return Glyph::Start;
    case ItemState::Waiting:
      break;
  }
  return Glyph::Waiting;
}

class QueueDelegate : public QStyledItemDelegate {
 public:
  using QStyledItemDelegate::QStyledItemDelegate;

  QSize sizeHint(const QStyleOptionViewItem& option, const QModelIndex& /*index*/) const override {
    const int lines = 2 * option.fontMetrics.height() + 4;
    return {160, std::max(kThumbnail, lines) + 2 * kPadding};
  }

  void paint(QPainter* painter, const QStyleOptionViewItem& option,
             const QModelIndex& index) const override {
    painter->save();
    painter->setRenderHint(QPainter::Antialiasing);
    painter->setRenderHint(QPainter::SmoothPixmapTransform);
    const bool selected = option.state.testFlag(QStyle::State_Selected);
    const QPalette& palette = option.palette;
    const QRect row = option.rect.adjusted(4, 1, -4, -1);
    QPainterPath background;
    background.addRoundedRect(row, 6, 6);
    if (selected) {
      painter->fillPath(background, palette.color(QPalette::Highlight));
    } else if (option.state.testFlag(QStyle::State_MouseOver)) {
      painter->fillPath(background, palette.color(QPalette::Light));
    }
    if (option.state.testFlag(QStyle::State_HasFocus)) {
      painter->setPen(palette.color(selected ? QPalette::WindowText : QPalette::Highlight));
      painter->drawPath(background);
    }
    const QColor text = palette.color(selected ? QPalette::HighlightedText : QPalette::Text);
    QColor faint = selected ? text : palette.color(QPalette::PlaceholderText);

    const QRect frame(row.x() + 8, row.y() + (row.height() - kThumbnail) / 2, kThumbnail,
                      kThumbnail);
    paintThumbnail(*painter, frame, index.data(Qt::DecorationRole).value<QImage>(),
                   palette.color(QPalette::Mid));

    const auto state = static_cast<ItemState>(index.data(QueueModel::StateRole).toInt());
    const QRect mark(row.right() - kStateIcon - 8, row.y() + (row.height() - kStateIcon) / 2,
                     kStateIcon, kStateIcon);
    icon(glyphOf(state))
        .paint(painter, mark, Qt::AlignCenter, selected ? QIcon::Selected : QIcon::Normal);

    const int left = frame.right() + 10;
    const int width = mark.left() - 8 - left;
    const QFontMetrics& metrics = option.fontMetrics;
    const int top = row.y() + (row.height() - 2 * metrics.height() - 3) / 2;
    painter->setFont(option.font);
    painter->setPen(text);
    painter->drawText(QRect(left, top, width, metrics.height()), Qt::AlignLeft | Qt::AlignVCenter,
                      metrics.elidedText(index.data().toString(), Qt::ElideMiddle, width));
    const QRect second(left, top + metrics.height() + 3, width, metrics.height());
    if (state == ItemState::Running) {
      paintProgress(*painter, second, index.data(QueueModel::ShareRole).toDouble(), palette,
                    selected);
    } else {
      if (state == ItemState::Failed && !selected) {
        faint =
            palette.color(QPalette::Window).lightness() < 128 ? QColor(0xFF8A80) : QColor(0xB3261E);
      }
      painter->setPen(faint);
      painter->drawText(
          second, Qt::AlignLeft | Qt::AlignVCenter,
          metrics.elidedText(index.data(QueueModel::DetailRole).toString(), Qt::ElideRight, width));
    }
    painter->restore();
  }

 private:
  static void paintThumbnail(QPainter& painter, const QRect& frame, const QImage& image,
                             const QColor& border) {
    QPainterPath clip;
    clip.addRoundedRect(frame, 4, 4);
    painter.fillPath(clip, border);
    if (image.isNull()) return;
    painter.save();
    painter.setClipPath(clip);
    // The middle square fills the frame.
    const int side = std::min(image.width(), image.height());
    const QRect source((image.width() - side) / 2, (image.height() - side) / 2, side, side);
    painter.drawImage(frame, image, source);
    painter.restore();
  }

  static void paintProgress(QPainter& painter, const QRect& line, double share,
                            const QPalette& palette, bool selected) {
    const QRectF groove(line.x(), line.center().y() - 2, line.width(), 5);
    painter.setPen(Qt::NoPen);
    QColor empty = selected ? QColor(255, 255, 255, 90) : palette.color(QPalette::Mid);
    painter.setBrush(empty);
    painter.drawRoundedRect(groove, 2.5, 2.5);
    painter.setBrush(selected ? QColor(Qt::white) : palette.color(QPalette::Highlight));
    painter.drawRoundedRect(
        QRectF(groove.x(), groove.y(), std::max(5.0, groove.width() * share), groove.height()), 2.5,
        2.5);
  }
};

}  // namespace

void QueueFilter::setState(int state) {
  state_ = state;
  invalidateFilter();
}

bool QueueFilter::filterAcceptsRow(int row, const QModelIndex& parent) const {
  if (state_ < 0) return true;
  return sourceModel()->index(row, 0, parent).data(QueueModel::StateRole).toInt() == state_;
}

QueuePanel::QueuePanel(QueueModel& model, QueueController& queue, QWidget* parent)
    : QWidget(parent), model_(model), queue_(queue), filter_(new QueueFilter(this)) {
  setObjectName(QStringLiteral("queuePanel"));
  setAttribute(Qt::WA_StyledBackground);
  setMinimumWidth(210);
  auto* layout = new QVBoxLayout(this);
  layout->setContentsMargins(0, 0, 1, 0);
  layout->setSpacing(0);

  auto* head = new QHBoxLayout;
  head->setContentsMargins(14, 10, 10, 10);
  auto* title = new QLabel(tr("Queue"), this);
  title->setObjectName(QStringLiteral("sectionTitle"));
  head->addWidget(title);
  head->addStretch();
  state_ = new QComboBox(this);
  state_->setAccessibleName(tr("Show"));
  state_->addItem(tr("All"), -1);
  state_->addItem(tr("Waiting"), static_cast<int>(ItemState::Waiting));
  state_->addItem(tr("Running"), static_cast<int>(ItemState::Running));
  state_->addItem(tr("Done"), static_cast<int>(ItemState::Done));
  state_->addItem(tr("Failed"), static_cast<int>(ItemState::Failed));
  head->addWidget(state_);
  layout->addLayout(head);

  filter_->setSourceModel(&model);
  list_ = new QListView(this);
  list_->setModel(filter_);
  list_->setItemDelegate(new QueueDelegate(list_));
  list_->setUniformItemSizes(true);
  list_->setSelectionMode(QAbstractItemView::ExtendedSelection);
  list_->setVerticalScrollMode(QAbstractItemView::ScrollPerPixel);
  list_->setHorizontalScrollBarPolicy(Qt::ScrollBarAlwaysOff);
  list_->setMouseTracking(true);
  list_->setTabKeyNavigation(false);
  list_->setAccessibleName(tr("Queue"));
  layout->addWidget(list_, 1);
  empty_ = new QLabel(tr("Pictures that you open or drop are listed here."), this);
  empty_->setObjectName(QStringLiteral("hint"));
  empty_->setWordWrap(true);
  empty_->setAlignment(Qt::AlignTop | Qt::AlignLeft);
  empty_->setContentsMargins(14, 4, 14, 0);
  layout->addWidget(empty_, 1);

  auto* foot = new QVBoxLayout;
  foot->setContentsMargins(14, 10, 14, 12);
  foot->setSpacing(8);
  progress_ = new QProgressBar(this);
  progress_->setRange(0, 1000);
  progress_->setTextVisible(false);
  progress_->setAccessibleName(tr("Progress of the queue"));
  foot->addWidget(progress_);
  summary_ = new QLabel(this);
  summary_->setObjectName(QStringLiteral("hint"));
  summary_->setWordWrap(true);
  foot->addWidget(summary_);
  buttons_ = new QWidget(this);
  foot->addWidget(buttons_);
  layout->addLayout(foot);

  connect(state_, &QComboBox::currentIndexChanged, this,
          [this] { filter_->setState(state_->currentData().toInt()); });
  // Return and a double click; what "activated" means varies with the platform.
  connect(list_, &QListView::activated, this, [this](const QModelIndex& index) {
    emit activated(index.data(QueueModel::PathRole).toString());
  });
  connect(list_, &QListView::clicked, this, [this](const QModelIndex& index) {
    emit activated(index.data(QueueModel::PathRole).toString());
  });
  connect(&queue, &QueueController::progressed, this, &QueuePanel::refresh);
  connect(&queue, &QueueController::stateChanged, this, &QueuePanel::refresh);
  refresh();
}

void QueuePanel::addActions(QAction* add, QAction* retry, QAction* remove, QAction* clear) {
  auto* line = new QHBoxLayout(buttons_);
  line->setContentsMargins(0, 0, 0, 0);
  line->setSpacing(4);
  for (QAction* action : {add, retry, remove, clear}) {
    auto* button = new QToolButton(buttons_);
    button->setDefaultAction(action);
    button->setFocusPolicy(Qt::StrongFocus);
    button->setAccessibleName(plainText(action->text()));
    line->addWidget(button);
  }
  line->addStretch();
}

std::vector<int> QueuePanel::selectedRows() const {
  std::vector<int> rows;
  for (const QModelIndex& index : list_->selectionModel()->selectedIndexes()) {
    rows.push_back(filter_->mapToSource(index).row());
  }
  return rows;
}

void QueuePanel::setCurrent(const QString& path) {
  const int row = model_.rowOf(toPath(path));
  if (row < 0) return;
  const QModelIndex index = filter_->mapFromSource(model_.index(row));
  if (!index.isValid() || list_->currentIndex() == index) return;
  list_->setCurrentIndex(index);
  list_->scrollTo(index);
}

QString QueuePanel::summary() const {
  const QueueCounts counts = model_.counts();
  if (counts.all == 0) return tr("no pictures");
  QStringList parts{tr("%1 of %2 done").arg(counts.done).arg(counts.all)};
  if (counts.failed > 0) parts << tr("%1 failed").arg(counts.failed);
  if (queue_.isPaused()) {
    parts << tr("paused");
  } else if (queue_.isRunning()) {
    if (const auto seconds = queue_.secondsLeft())
      parts << tr("%1 left").arg(durationText(*seconds));
  }
  return parts.join(QStringLiteral(" · "));
}

void QueuePanel::refresh() {
  summary_->setText(summary());
  progress_->setValue(static_cast<int>(queue_.share() * 1000));
  const bool any = model_.rowCount() > 0;
  progress_->setVisible(any);
  summary_->setVisible(any);
  list_->setVisible(any);
  empty_->setVisible(!any);
}

}  // namespace pristine::gui
