#pragma once

#include <QAbstractListModel>
#include <QImage>
#include <filesystem>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

namespace pristine::gui {

enum class ItemState { Waiting, Running, Done, Failed };

/// A picture of the queue.
struct QueueItem {
  std::filesystem::path input;
  std::filesystem::path root;  ///< `input` is root / name; the output keeps the name
  std::filesystem::path name;
  ItemState state = ItemState::Waiting;
  QString reason;        ///< of a failure, or why nothing was done
  bool skipped = false;  ///< done because nothing was to do
  double share = 0;      ///< 0 to 1, while running
  double megapixels = 0;
  double seconds = 0;
  std::filesystem::path output;  ///< once it has run
  std::uint64_t id = 0;          ///< given by the model, never used again
};

struct QueueCounts {
  int all = 0;
  int waiting = 0;
  int running = 0;
  int done = 0;
  int failed = 0;
};

/// The pictures that are to be restored, each input once.
class QueueModel : public QAbstractListModel {
  Q_OBJECT
 public:
  enum Role { StateRole = Qt::UserRole, ShareRole, DetailRole, PathRole, IdRole };

  explicit QueueModel(QObject* parent = nullptr);

  int rowCount(const QModelIndex& parent = {}) const override;
  QVariant data(const QModelIndex& index, int role) const override;

  /// Leaves out inputs that are there already. Returns how many were added.
  int add(std::vector<QueueItem> items);
  /// Rows may be in any order.
  void remove(std::vector<int> rows);
  void clearFinished();

  const QueueItem& item(int row) const { return items_[static_cast<std::size_t>(row)]; }
  int rowOf(std::uint64_t id) const;
  int rowOf(const std::filesystem::path& input) const;
  /// Ids of the first waiting pictures, in the order of the list.
  std::vector<std::uint64_t> waiting(std::size_t most) const;
  QueueCounts counts() const;

  /// Applies `change(item)` to a picture, if it is still there.
  template <typename Change>
  void update(std::uint64_t id, const Change& change) {
    const int row = rowOf(id);
    if (row < 0) return;
    change(items_[static_cast<std::size_t>(row)]);
    const QModelIndex at = index(row);
    emit dataChanged(at, at);
  }
  /// Failed pictures wait again; of all rows, or of the given ones.
  void retry(const std::vector<int>& rows);

  void setThumbnail(const QString& path, const QImage& image);

 signals:
  /// A row without a thumbnail was asked for it.
  void thumbnailWanted(const QString& path) const;

 private:
  void indexFrom(std::size_t row);

  std::vector<QueueItem> items_;
  std::unordered_map<std::uint64_t, int> rows_;
  std::unordered_map<std::string, std::uint64_t> inputs_;
  std::uint64_t lastId_ = 0;
  std::unordered_map<std::string, QImage> thumbnails_;
  mutable std::unordered_set<std::string> asked_;  ///< inputs whose thumbnail is on its way
};

QString stateText(ItemState state);

}  // namespace pristine::gui
