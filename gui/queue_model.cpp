#include "gui/queue_model.h"

#include <algorithm>

#include "gui/text.h"

namespace pristine::gui {

namespace {

/// Thumbnails that are kept; each is at most 36 kB.
constexpr std::size_t kMostThumbnails = 2000;

}  // namespace

QueueModel::QueueModel(QObject* parent) : QAbstractListModel(parent) {}

int QueueModel::rowCount(const QModelIndex& parent) const {
  return parent.isValid() ? 0 : static_cast<int>(items_.size());
}

QVariant QueueModel::data(const QModelIndex& index, int role) const {
  if (!checkIndex(index, CheckIndexOption::IndexIsValid)) return {};
  const QueueItem& item = items_[static_cast<std::size_t>(index.row())];
  switch (role) {
    case Qt::DisplayRole:
      return toQString(item.name.filename());
    case Qt::DecorationRole: {
      const auto found = thumbnails_.find(item.input.string());
      if (found != thumbnails_.end()) return found->second;
      if (asked_.insert(item.input.string()).second) {
        emit thumbnailWanted(toQString(item.input));
      }
      return {};
    }
    case Qt::ToolTipRole: {
      QString text = toQString(item.input);
      if (!item.output.empty()) text += QStringLiteral("\n→ ") + toQString(item.output);
      if (!item.reason.isEmpty()) text += QLatin1Char('\n') + item.reason;
      return text;
    }
    case Qt::AccessibleTextRole:
      return tr("%1, %2").arg(toQString(item.name.filename()), data(index, DetailRole).toString());
    case StateRole:
      return static_cast<int>(item.state);
    case ShareRole:
      return item.share;
    case PathRole:
      return toQString(item.input);
    case IdRole:
      return QVariant::fromValue(static_cast<qulonglong>(item.id));
    case DetailRole:
      switch (item.state) {
        case ItemState::Running:
          return tr("%1 %").arg(static_cast<int>(item.share * 100));
        case ItemState::Done:
          if (item.skipped) return item.reason.isEmpty() ? tr("up to date") : tr("left as it was");
          return tr("%1 MP, %2 s").arg(item.megapixels, 0, 'f', 1).arg(item.seconds, 0, 'f', 1);
        case ItemState::Failed:
          return item.reason;
        case ItemState::Waiting:
          return stateText(item.state);
      }
      return {};
    default:
      return {};
  }
}

void QueueModel::indexFrom(std::size_t row) {
  for (std::size_t i = row; i < items_.size(); ++i) rows_[items_[i].id] = static_cast<int>(i);
}

int QueueModel::add(std::vector<QueueItem> items) {
  std::vector<QueueItem> fresh;
  for (QueueItem& item : items) {
    const auto [entry, inserted] = inputs_.try_emplace(item.input.string(), lastId_ + 1);
    if (!inserted) continue;
    item.id = ++lastId_;
    fresh.push_back(std::move(item));
  }
  if (fresh.empty()) return 0;
  const std::size_t first = items_.size();
  beginInsertRows({}, static_cast<int>(first), static_cast<int>(first + fresh.size()) - 1);
  items_.insert(items_.end(), std::make_move_iterator(fresh.begin()),
                std::make_move_iterator(fresh.end()));
  indexFrom(first);
  endInsertRows();
  return static_cast<int>(items_.size() - first);
}

void QueueModel::remove(std::vector<int> rows) {
  std::ranges::sort(rows, std::greater<>());
  rows.erase(std::unique(rows.begin(), rows.end()), rows.end());
  // Runs of neighbours go at once: thousands of rows may be selected.
  for (std::size_t i = 0; i < rows.size();) {
    std::size_t end = i + 1;
    while (end < rows.size() && rows[end] == rows[end - 1] - 1) ++end;
    const int first = rows[end - 1];
    const int last = rows[i];
    beginRemoveRows({}, first, last);
    for (int row = first; row <= last; ++row) {
      const QueueItem& gone = items_[static_cast<std::size_t>(row)];
      rows_.erase(gone.id);
      inputs_.erase(gone.input.string());
      thumbnails_.erase(gone.input.string());
      asked_.erase(gone.input.string());
    }
    items_.erase(items_.begin() + first, items_.begin() + last + 1);
    indexFrom(static_cast<std::size_t>(first));
    endRemoveRows();
    i = end;
  }
}

void QueueModel::clearFinished() {
  std::vector<int> rows;
  for (std::size_t i = 0; i < items_.size(); ++i) {
    if (items_[i].state == ItemState::Done) rows.push_back(static_cast<int>(i));
  }
  remove(std::move(rows));
}

int QueueModel::rowOf(std::uint64_t id) const {
  const auto found = rows_.find(id);
  return found == rows_.end() ? -1 : found->second;
}

int QueueModel::rowOf(const std::filesystem::path& input) const {
  const auto found = inputs_.find(input.string());
  return found == inputs_.end() ? -1 : rowOf(found->second);
}

std::vector<std::uint64_t> QueueModel::waiting(std::size_t most) const {
  std::vector<std::uint64_t> ids;
  for (const QueueItem& item : items_) {
    if (ids.size() == most) break;
    if (item.state == ItemState::Waiting) ids.push_back(item.id);
  }
  return ids;
}

QueueCounts QueueModel::counts() const {
  QueueCounts counts;
  counts.all = static_cast<int>(items_.size());
  for (const QueueItem& item : items_) {
    counts.waiting += item.state == ItemState::Waiting ? 1 : 0;
    counts.running += item.state == ItemState::Running ? 1 : 0;
    counts.done += item.state == ItemState::Done ? 1 : 0;
    counts.failed += item.state == ItemState::Failed ? 1 : 0;
  }
  return counts;
}

void QueueModel::retry(const std::vector<int>& rows) {
  for (const int row : rows) {
    QueueItem& item = items_[static_cast<std::size_t>(row)];
    if (item.state != ItemState::Failed && item.state != ItemState::Done) continue;
    item.state = ItemState::Waiting;
    item.reason.clear();
    item.skipped = false;
    item.share = 0;
    emit dataChanged(index(row), index(row));
  }
}

void QueueModel::setThumbnail(const QString& path, const QImage& image) {
  const std::string key = toPath(path).string();
  const int row = rowOf(std::filesystem::path(key));
  if (row < 0) return;
  if (thumbnails_.size() >= kMostThumbnails) {
    thumbnails_.clear();
    asked_.clear();
  }
  thumbnails_[key] = image;
  emit dataChanged(index(row), index(row), {Qt::DecorationRole});
}

QString stateText(ItemState state) {
  switch (state) {
    case ItemState::Waiting:
      return QueueModel::tr("waiting");
    case ItemState::Running:
      return QueueModel::tr("running");
    case ItemState::Done:
      return QueueModel::tr("done");
    case ItemState::Failed:
      return QueueModel::tr("failed");
  }
  return {};
}

}  // namespace pristine::gui
