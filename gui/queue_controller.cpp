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
#include <map>

#include "app/batch_plan.h"
#include "app/image_file.h"
#include "gui/text.h"

namespace pristine::gui {

namespace {

namespace fs = std::filesystem;

/// Enough that decoding and encoding overlap with the network.
constexpr std::size_t kBatch = 4;

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

/// The pictures of files and folders by the rules of the command line.
Found find(const std::vector<fs::path>& paths) {
  Found found;
  for (const fs::path& path : paths) {
    std::error_code error;
    fs::path input = fs::absolute(path, error).lexically_normal();
    if (!input.has_filename()) input = input.parent_path();
    if (!fs::is_directory(input, error)) {
      if (!fs::exists(input, error)) {
        found.problems << QueueController::tr("%1: does not exist").arg(toQString(input));
      } else if (!isImageExtension(input)) {
        found.problems
            << QueueController::tr("%1: is not PNG, JPEG, TIFF or WebP").arg(toQString(input));
      } else {
        found.items.push_back(itemOf(input, input.parent_path()));
      }
      continue;
    }
    try {
      const BatchPlan plan =
          planBatch({input}, outputFor(input, fs::path(), TaskSettings()), {true});
      for (const Job& job : plan.jobs) found.items.push_back(itemOf(job.input, input));
      for (const PlanFailure& failure : plan.failures) {
        found.problems << toQString(failure.input) + QStringLiteral(": ") +
                              QString::fromStdString(failure.reason);
      }
      if (plan.jobs.empty()) {
        found.problems << QueueController::tr("%1: holds no pictures").arg(toQString(input));
      }
    } catch (const std::exception& failure) {
      found.problems << QString::fromStdString(failure.what());
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
  QThreadPool::globalInstance()->start([self, paths] {
    Found found = find(paths);
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
  stopping_ = false;
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

void QueueController::stop() {
  if (!running_) return;
  stopping_ = true;
  restore_.stopJobs();
  if (!atWork_) jobsEnded();
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

void QueueController::startNext() {
  std::vector<Job> jobs;
  batch_.clear();
  while (jobs.empty()) {
    const auto ids = model_.waiting(kBatch);
    if (ids.empty()) break;
    std::map<fs::path, fs::path> writers;
    for (int row = 0; row < model_.rowCount(); ++row) {
      const QueueItem& item = model_.item(row);
      if (item.state == ItemState::Done) writers.emplace(item.output, item.input);
    }
    for (const std::uint64_t id : ids) {
      const QueueItem& item = model_.item(model_.rowOf(id));
      const fs::path output = outputFor(item.root, item.name, task_);
      const auto [other, free] = writers.try_emplace(output, item.input);
      std::error_code error;
      std::string problem;
      if (!free && other->second != item.input) {
        problem = tr("its output %1 was written for %2")
                      .arg(toQString(output), toQString(other->second))
                      .toStdString();
      } else if (fs::equivalent(output, item.input, error)) {
        problem = tr("its output would replace it").toStdString();
      }
      if (problem.empty()) {
        jobs.push_back({item.input, output});
        batch_.push_back(id);
      }
      model_.update(id, [&](QueueItem& changed) {
        changed.output = output;
        if (problem.empty()) return;
        changed.state = ItemState::Failed;
        changed.reason = problem;
      });
    }
  }
  if (jobs.empty()) {
    running_ = false;
    paused_ = false;
    emit stateChanged();
    emit progressed();
    emit finished();
    return;
  }
  atWork_ = true;
  beginAgain_ = false;
  endedInBatch_ = 0;
  RunOptions options;
  options.strength = strengthOf(task_);
  options.write.quality = task_.quality;
  restore_.startJobs(std::move(jobs), options);
}

std::uint64_t QueueController::idAt(std::size_t index) const {
  return index < batch_.size() ? batch_[index] : 0;
}

void QueueController::jobStarted(std::size_t index, double megapixels) {
  model_.update(idAt(index), [&](QueueItem& item) {
    item.state = ItemState::Running;
    item.megapixels = megapixels;
    item.share = 0;
  });
  emit progressed();
}

void QueueController::jobProgressed(std::size_t index, double share) {
  model_.update(idAt(index), [&](QueueItem& item) {
    if (item.state == ItemState::Running) item.share = share;
  });
  emit progressed();
}

void QueueController::jobFinished(std::size_t index, const JobResult& result) {
  model_.update(idAt(index), [&](QueueItem& item) {
    item.state = result.status == JobStatus::Done ? ItemState::Done : ItemState::Failed;
    item.reason = result.reason;
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
  for (const std::uint64_t id : batch_) {
    model_.update(id, [](QueueItem& item) {
      if (item.state == ItemState::Running) item.state = ItemState::Waiting;
      if (item.state == ItemState::Waiting) item.share = 0;
    });
  }
  batch_.clear();
  // Jobs that were refused altogether, for want of a model, would be refused again.
  if (stopping_ || (endedInBatch_ == 0 && !beginAgain_)) {
    running_ = false;
    paused_ = false;
    stopping_ = false;
    restore_.pauseJobs(false);
    emit stateChanged();
    emit progressed();
    return;
  }
  if (running_) startNext();
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
