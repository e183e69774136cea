#include "gui/queue_controller.h"

#include <QCoreApplication>
#include <QFile>
#include <QJsonArray>
#include <QJsonDocument>
#include <QJsonObject>
#include <QPointer>
#include <QSaveFile>
#include <QThreadPool>
#include <algorithm>
#include <utility>

#include "app/batch_plan.h"
#include "app/image_file.h"
#include "gui/reason_text.h"
#include "gui/text.h"

namespace pristine::gui {

namespace {

namespace fs = std::filesystem;

/// Enough that decoding and encoding overlap with the network.
constexpr std::size_t kBatch = 4;
/// Waiting pictures among which those for one folder are looked for.
constexpr std::size_t kLookAhead = 64;

struct Found {
  std::vector<QueueItem> items;
  QStringList problems;
};

QueueItem itemOf(const fs::path& input, const fs::path& root) {
  QueueItem item;
  item.input = input;
  item.root = root;
  item.name = input.lexically_relative(root);
  return item;
}

bool isPicture(const fs::path& path) {
  try {
    return isImageExtension(path) || pictureSize(path).pixels() > 0;
  } catch (const std::exception&) {
    return false;
  }
}

/// The pictures of files and folders by the rules of the command line: a folder of results that
/// lies in a folder of inputs is left out.
Found find(const std::vector<fs::path>& paths, const TaskSettings& task) {
  Found found;
  for (const fs::path& path : paths) {
    std::error_code error;
    fs::path input = fs::absolute(path, error).lexically_normal();
    if (!input.has_filename()) input = input.parent_path();
    if (!fs::is_directory(input, error)) {
      if (!fs::exists(input, error)) {
        found.problems << QueueController::tr("%1: does not exist").arg(toQString(input));
      } else if (!isPicture(input)) {
        found.problems
            << QueueController::tr("%1: is no picture of a known kind").arg(toQString(input));
      } else {
        found.items.push_back(itemOf(input, input.parent_path()));
      }
      continue;
    }
    BatchPlan plan;
    const auto names = picturesIn(input, plan, true, outputFolder(input, task));
    for (const fs::path& name : names) found.items.push_back(itemOf(input / name, input));
    for (const PlanFailure& failure : plan.failures) {
      found.problems << toQString(failure.input) + QStringLiteral(": ") +
                            reasonText(failure.reason, ErrorCode::Input);
    }
    if (names.empty()) {
      found.problems << QueueController::tr("%1: holds no pictures").arg(toQString(input));
    }
  }
  return found;
}

}  // namespace

QueueController::QueueController(QueueModel& model, RestoreController& restore, QObject* parent)
    : QObject(parent), model_(model), restore_(restore) {
  connect(&restore, &RestoreController::jobStarted, this, &QueueController::jobStarted);
  connect(&restore, &RestoreController::jobProgressed, this, &QueueController::jobProgressed);
  connect(&restore, &RestoreController::jobFinished, this, &QueueController::jobFinished);
  connect(&restore, &RestoreController::jobsEnded, this, &QueueController::jobsEnded);
}

void QueueController::addPaths(const std::vector<fs::path>& paths) {
  if (paths.empty()) return;
  const QPointer<QueueController> self(this);
  QThreadPool::globalInstance()->start([self, paths, task = task_] {
    Found found = find(paths, task);
    QMetaObject::invokeMethod(
        QCoreApplication::instance(),
        [self, found = std::move(found)] {
          if (self) self->addFound(found.items, found.problems);
        },
        Qt::QueuedConnection);
  });
}

void QueueController::addFound(std::vector<QueueItem> items, const QStringList& problems) {
  const QString first = items.empty() ? QString() : toQString(items.front().input);
  const int count = model_.add(std::move(items));
  if (!problems.isEmpty()) emit refused(problems.join(QLatin1Char('\n')));
  if (!first.isEmpty()) emit added(count, first);
  emit progressed();
  if (running_ && !atWork_) startNext();
}

void QueueController::start() {
  if (running_) {
    setPaused(false);
    return;
  }
  running_ = true;
  paused_ = false;
  unfinished_ = true;
  writers_.clear();
  for (int row = 0; row < model_.rowCount(); ++row) {
    const QueueItem& item = model_.item(row);
    if (item.state == ItemState::Done) writers_.emplace(item.output, item.input);
  }
  doneSeconds_ = 0;
  doneCount_ = 0;
  restore_.pauseJobs(false);
  if (!atWork_) startNext();
  emit stateChanged();
}

void QueueController::setPaused(bool paused) {
  if (!running_ || paused == paused_) return;
  paused_ = paused;
  restore_.pauseJobs(paused);
  emit stateChanged();
}

/// At once for everybody who looks: the network lets go at the end of the operator that it is in,
/// and what it still says of its jobs is not heard.
void QueueController::stop() {
  if (!running_) return;
  restore_.stopJobs();
  ending_ = atWork_;
  waitAgain();
  halt();
}

/// What was at work waits again.
void QueueController::waitAgain() {
  for (const std::uint64_t id : batch_) {
    model_.update(id, [](QueueItem& item) {
      if (item.state == ItemState::Running) item.state = ItemState::Waiting;
      if (item.state == ItemState::Waiting) item.share = 0;
    });
  }
}

void QueueController::halt() {
  running_ = false;
  paused_ = false;
  restore_.pauseJobs(false);
  if (!atWork_) restore_.finishJobs();
  emit stateChanged();
  emit progressed();
}

void QueueController::remove(const std::vector<int>& rows) {
  const bool atWork = std::ranges::any_of(rows, [&](int row) {
    return std::ranges::find(batch_, model_.item(row).id) != batch_.end() &&
           model_.item(row).state != ItemState::Done;
  });
  model_.remove(rows);
  // The jobs at work are given up; those that are still listed begin anew.
  if (atWork_ && atWork) {
    beginAgain_ = true;
    restore_.stopJobs();
  }
  emit progressed();
}

/// Why a picture must not be restored into a file; empty if it may.
QString QueueController::problemOf(const QueueItem& item, const fs::path& output) const {
  const auto writer = writers_.find(output);
  std::error_code error;
  if (writer != writers_.end() && writer->second != item.input) {
    return tr("its output %1 is that of %2 too").arg(toQString(output), toQString(writer->second));
  }
  if (fs::equivalent(output, item.input, error)) {
    return tr("its output would replace it");
  }
  if (model_.rowOf(output) >= 0) {
    return tr("its output would replace %1, which is in the queue").arg(toQString(output));
  }
  if (!isWritableExtension(output)) {
    return tr("files of its kind cannot be written; choose a format");
  }
  return {};
}

/// Hands the next pictures to the inference thread: those that wait first and whose results go into
/// the folder of the first of them, since every folder has a journal of its own.
void QueueController::startNext() {
  std::vector<Job> jobs;
  JobOptions options;
  batch_.clear();
  for (const std::uint64_t id : model_.waiting(kLookAhead)) {
    const QueueItem& item = model_.item(model_.rowOf(id));
    const fs::path folder = outputFolder(item.root, task_);
    if (!jobs.empty() && folder != options.folder) continue;
    const fs::path output = outputFor(item.root, item.name, task_);
    const QString problem = problemOf(item, output);
    model_.update(id, [&](QueueItem& changed) {
      changed.output = output;
      if (problem.isEmpty()) return;
      changed.state = ItemState::Failed;
      changed.reason = problem;
    });
    if (!problem.isEmpty()) continue;
    writers_[output] = item.input;
    options.folder = folder;
    jobs.push_back({item.input, output});
    batch_.push_back(id);
    if (jobs.size() == kBatch) break;
  }
  if (jobs.empty()) {
    // Those that cannot be run at all may have hidden others behind them.
    if (model_.counts().waiting > 0) return startNext();
    running_ = false;
    paused_ = false;
    unfinished_ = false;
    restore_.finishJobs();
    emit stateChanged();
    emit progressed();
    emit finished();
    return;
  }
  atWork_ = true;
  beginAgain_ = false;
  endedInBatch_ = 0;
  options.ifExists = task_.ifExists;
  options.run.strength = strengthOf(task_);
  options.run.write = writeOptions(task_);
  options.run.write.format = task_.format;
  restore_.startJobs(std::move(jobs), options);
}

std::uint64_t QueueController::idAt(std::size_t index) const {
  return index < batch_.size() ? batch_[index] : 0;
}

void QueueController::jobStarted(std::size_t index, double megapixels) {
  if (ending_) return;
  model_.update(idAt(index), [&](QueueItem& item) {
    item.state = ItemState::Running;
    item.megapixels = megapixels;
    item.share = 0;
  });
  emit progressed();
}

void QueueController::jobProgressed(std::size_t index, double share) {
  if (ending_) return;
  model_.update(idAt(index), [&](QueueItem& item) {
    if (item.state == ItemState::Running) item.share = share;
  });
  emit progressed();
}

void QueueController::jobFinished(std::size_t index, const JobResult& result) {
  model_.update(idAt(index), [&](QueueItem& item) {
    item.state = result.status == JobStatus::Failed ? ItemState::Failed : ItemState::Done;
    item.skipped = result.status == JobStatus::Skipped;
    item.output = result.job.output;
    item.reason = reasonFor(item.input, result.reason, result.code);
    item.megapixels = result.megapixels;
    item.seconds = result.seconds;
    item.share = 1;
  });
  ++endedInBatch_;
  if (result.status == JobStatus::Done) {
    doneSeconds_ += result.seconds;
    ++doneCount_;
  }
  emit progressed();
}

void QueueController::jobsEnded() {
  atWork_ = false;
  const bool wasEnding = std::exchange(ending_, false);
  waitAgain();
  batch_.clear();
  if (!running_) return restore_.finishJobs();
  // Jobs that were refused altogether, for want of a model, would be refused again.
  if (endedInBatch_ == 0 && !beginAgain_ && !wasEnding) return halt();
  startNext();
}

double QueueController::share() const {
  const QueueCounts counts = model_.counts();
  if (counts.all == 0) return 0;
  double sum = counts.done + counts.failed;
  for (const std::uint64_t id : batch_) {
    const int row = model_.rowOf(id);
    if (row >= 0 && model_.item(row).state == ItemState::Running) sum += model_.item(row).share;
  }
  return sum / counts.all;
}

std::optional<double> QueueController::secondsLeft() const {
  if (doneCount_ == 0) return std::nullopt;
  const QueueCounts counts = model_.counts();
  double left = counts.waiting + counts.running;
  for (const std::uint64_t id : batch_) {
    const int row = model_.rowOf(id);
    if (row >= 0 && model_.item(row).state == ItemState::Running) left -= model_.item(row).share;
  }
  return left * doneSeconds_ / doneCount_;
}

void QueueController::savePending(const QString& file) const {
  QJsonArray pending;
  for (int row = 0; row < model_.rowCount(); ++row) {
    const QueueItem& item = model_.item(row);
    if (item.state != ItemState::Waiting && item.state != ItemState::Running) continue;
    // Base64: file names are bytes, JSON is Unicode.
    const auto text = [](const fs::path& path) {
      return QString::fromLatin1(QByteArray::fromStdString(path.string()).toBase64());
    };
    pending.append(QJsonObject{{QStringLiteral("input"), text(item.input)},
                               {QStringLiteral("root"), text(item.root)}});
  }
  if (pending.isEmpty()) {
    QFile::remove(file);
    return;
  }
  QSaveFile out(file);
  if (!out.open(QIODevice::WriteOnly)) return;
  out.write(QJsonDocument(QJsonObject{{QStringLiteral("pending"), pending}}).toJson());
  out.commit();
}

int QueueController::loadPending(const QString& file) {
  QFile in(file);
  if (!in.open(QIODevice::ReadOnly)) return 0;
  const QJsonArray pending =
      QJsonDocument::fromJson(in.readAll()).object()[QStringLiteral("pending")].toArray();
  std::vector<QueueItem> items;
  for (const auto& value : pending) {
    const auto path = [&](const char* name) {
      const QString text = value.toObject()[QLatin1String(name)].toString();
      return fs::path(QByteArray::fromBase64(text.toLatin1()).toStdString());
    };
    std::error_code error;
    if (fs::exists(path("input"), error)) items.push_back(itemOf(path("input"), path("root")));
  }
  const int count = model_.add(std::move(items));
  emit progressed();
  return count;
}

}  // namespace pristine::gui
