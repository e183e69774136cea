#include "app/job_runner.h"

#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <thread>
#include <utility>

#include "app/bounded_queue.h"
#include "app/file_state.h"
#include "app/output_size.h"
#include "app/picture_restoration.h"
#include "app/pixel_gate.h"
#include "app/row_restoration.h"
#include "core/error.h"

namespace pristine {

namespace {

/// Pixels of all pictures between decoding and encoding: each takes 24 bytes while it is restored.
constexpr std::int64_t kPixelsInFlight = 24'000'000;

/// What went wrong; nothing if the reason is empty.
struct Failure {
  std::string reason;
  std::optional<ErrorCode> code;
};

/// What was thrown. Being stopped is no failure.
template <typename Action>
Failure failureOf(const Action& action) {
  try {
    action();
  } catch (const std::bad_alloc&) {
    return {"does not fit into memory", ErrorCode::Memory};
  } catch (const Error& error) {
    if (error.code() != ErrorCode::Stopped) return {error.what(), error.code()};
  } catch (const std::exception& error) {
    const std::string what = error.what();
    return {what.empty() ? "unknown error" : what, std::nullopt};
  }
  return {};
}

/// The gate counts the source and a result of its size as one.
std::int64_t pixelsInMemory(std::int64_t source, int scale) {
  return source * (1 + std::int64_t{scale} * scale) / 2;
}

struct Decoded {
  std::size_t index = 0;
  std::int64_t pixels = 0;  ///< that the gate let in
  double megapixels = 0;    ///< of the input
  std::optional<Image> image;
  bool byRows = false;  ///< instead of an image: too large for one
  std::optional<PictureChoice> choice;
  JournalRecord origin;
  Failure failure;
};

struct Restored {
  std::size_t index = 0;
  std::int64_t pixels = 0;
  Image image;
  JournalRecord origin;
};

struct Encoded {
  std::size_t index = 0;
  Failure failure;
  std::vector<std::string> notes;
  bool stopped = false;
};

/// Makes the output's folder. Throws Error(Output) if no file can be put there.
void prepareFolder(const Job& job) {
  std::filesystem::path folder = job.output.parent_path();
  if (folder.empty()) folder = ".";
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  if (!error && ::access(folder.c_str(), W_OK | X_OK) != 0) {
    error = std::error_code(errno, std::generic_category());
  }
  if (error) throw Error(ErrorCode::Output, "folder '" + folder.string() + "': " + error.message());
}

/// Pixels that may be in memory at a time.
std::int64_t pixelsInFlight(const RunOptions& options) {
  if (options.pictureMemory == 0) return kPixelsInFlight;
  return std::min(kPixelsInFlight, options.pictureMemory / kBytesPerPixel);
}

/// Whether a picture must be restored row by row. Throws Error(Memory) where it cannot.
bool needsRows(const Job& job, const PictureSize& size, int scale, const RunOptions& options) {
  const std::int64_t bytes = pixelsInMemory(size.pixels(), scale) * kBytesPerPixel;
  if (options.pictureMemory == 0 || bytes <= options.pictureMemory) return false;
  const std::string obstacle = options.choose
                                   ? "choosing the task goes by whole pictures"
                                   : obstacleToRows(size, job.output, options.write);
  if (obstacle.empty()) return true;
  throw Error(ErrorCode::Memory, "picture '" + job.input.string() + "': takes " +
                                     std::to_string(bytes >> 20U) + " MiB as a whole, " +
                                     std::to_string(options.pictureMemory >> 20U) +
                                     " are left, and " + obstacle + "; raise --max-memory");
}

/// What the journal says of an output that this run is about to make.
JournalRecord originOf(const Job& job, const RunOptions& options) {
  JournalRecord record;
  record.input = job.input;
  record.output = job.output;
  record.settings = options.settings;
  const auto state = fileState(job.input);
  if (state) record.sourceState = *state;
  record.source = fileDigest(job.input);
  record.file = fileState(job.output);
  return record;
}

void recordDone(JournalRecord origin, Journal& journal) {
  origin.file = fileState(origin.output);
  // The picture is in place whatever becomes of its digest.
  const Failure failure = failureOf([&] { origin.content = fileDigest(origin.output); });
  if (failure.reason.empty() && origin.file) journal.done(std::move(origin));
}

/// Writes a picture that nothing is done with: byte by byte where the output is to be of its format
/// and nothing else is asked for. Throws Error(Output).
void copyPicture(const Job& job, const Image& image, const JournalRecord& origin,
                 const RunOptions& options) {
  const WriteOptions& write = options.write;
  const auto format = write.format ? write.format : formatOfName(job.output);
  const bool asked =
      write.depth || write.quality || write.lossless || write.strip != Strip::Nothing;
  if (options.journal) options.journal->begun(origin);
  if (!asked && format && image.format == traitsOf(*format).name) {
    copyImageFile(job.input, job.output);
  } else {
    writeImage(image, job.output, write);
  }
  if (options.journal) recordDone(origin, *options.journal);
}

/// Encoders tell little of a full disk: says it where less is free than the pixels take.
void explainFullDisk(Failure& failure, const std::filesystem::path& output, std::int64_t pixels) {
  if (failure.code != ErrorCode::Output) return;
  struct statvfs disk {};
  if (::statvfs(output.parent_path().empty() ? "." : output.parent_path().c_str(), &disk) != 0) {
    return;
  }
  const auto free = static_cast<std::int64_t>(disk.f_bavail * disk.f_frsize);
  const std::string known = std::strerror(ENOSPC);
  if (free < 3 * pixels && failure.reason.find(known) == std::string::npos) {
    failure.reason += ": " + known;
  }
}

/// Ends the waiting of other threads at the end of a scope, however it is left.
template <typename... Closeable>
class CloseAtEnd {
 public:
  explicit CloseAtEnd(Closeable&... all) : close_([&all...] { (all.close(), ...); }) {}
  ~CloseAtEnd() { close_(); }
  CloseAtEnd(const CloseAtEnd&) = delete;
  CloseAtEnd& operator=(const CloseAtEnd&) = delete;

 private:
  std::function<void()> close_;
};

}  // namespace

std::string settingsDigest(const ModelInfo& model, const std::string& precision, int tile,
                           const RunOptions& options) {
  const WriteOptions& write = options.write;
  std::string text = "model " + model.digest + " precision " + precision + " tile " +
                     std::to_string(tile) + " strength " + std::to_string(options.strength) +
                     " lossless " + std::to_string(static_cast<int>(write.lossless)) + " strip " +
                     std::to_string(static_cast<int>(write.strip));
  if (write.format) text += std::string(" format ") + traitsOf(*write.format).name;
  if (write.depth) text += " depth " + std::to_string(static_cast<int>(*write.depth));
  if (write.quality) text += " quality " + std::to_string(*write.quality);
  return textDigest(text);
}

std::vector<JobResult> runJobs(const std::vector<Job>& jobs, Restorer& restorer,
                               const RunOptions& options, std::stop_token stop,
                               JobObserver& observer) {
  std::vector<JobResult> results(jobs.size());
  for (std::size_t i = 0; i < jobs.size(); ++i) {
    results[i].job = jobs[i];
    results[i].status = JobStatus::Stopped;
  }

  const int scale = restorer.info().scale;
  PixelGate gate(pixelsInFlight(options));
  BoundedQueue<Decoded> decoded(1);
  BoundedQueue<Restored> restored(1);
  BoundedQueue<Encoded> encoded(jobs.size() + 1);
  std::jthread decoder([&] {
    for (std::size_t i = 0; i < jobs.size() && !stop.stop_requested(); ++i) {
      Decoded item;
      item.index = i;
      item.failure = failureOf([&] {
        const PictureSize size = pictureSize(jobs[i].input, options.read);
        // Turned or not, the longer side is the same.
        requireOutputSize(jobs[i].output, std::int64_t{scale} * size.width,
                          std::int64_t{scale} * size.height);
        const bool byRows = needsRows(jobs[i], size, scale, options);
        const std::int64_t pixels = pixelsInMemory(size.pixels(), scale);
        if (!gate.enter(pixels)) return;
        item.pixels = pixels;
        item.megapixels = 1e-6 * static_cast<double>(size.pixels());
        if (options.journal) item.origin = originOf(jobs[i], options);
        if (!byRows) item.image = readImage(jobs[i].input, stop, options.read);
        if (item.image && options.choose) {
          item.choice = options.choose(*item.image, jobs[i].input);
          if (item.choice->task.empty() && !item.choice->copy) return;
        }
        prepareFolder(jobs[i]);
        item.byRows = byRows;
      });
      if (!item.failure.reason.empty()) item.image.reset();
      if (!item.image && !item.byRows) gate.leave(std::exchange(item.pixels, 0));
      if (!decoded.put(std::move(item))) return;
    }
    decoded.close();
  });
  std::jthread encoder([&] {
    while (auto item = restored.take()) {
      const std::size_t index = item->index;
      Encoded end;
      end.index = index;
      std::unique_ptr<ImageWriter> writer;
      end.failure = failureOf([&] {
        writer = std::make_unique<ImageWriter>(item->image, jobs[index].output, options.write);
      });
      gate.leave(item->pixels);
      const std::int64_t pixels = item->pixels;
      const JournalRecord origin = std::move(item->origin);
      item.reset();  // the writer has a copy in the file's depth
      if (writer) {
        end.notes = writer->notes();
        bool written = false;
        end.failure = failureOf([&] {
          if (options.journal) options.journal->begun(origin);
          writer->write(stop);
          written = true;
        });
        explainFullDisk(end.failure, jobs[index].output, pixels);
        end.stopped = !written && end.failure.reason.empty();
        if (written && options.journal) recordDone(origin, *options.journal);
        if (written && options.check) {
          // The picture is in place whatever a look at it says.
          const Failure unread =
              failureOf([&] { end.notes.push_back(options.check(jobs[index].output)); });
          if (!unread.reason.empty()) end.notes.push_back(unread.reason);
        }
      }
      encoded.put(std::move(end));
    }
    encoded.close();
  });
  // Declared after the threads, so that it closes before they are joined.
  const CloseAtEnd closeAtEnd(gate, decoded, restored);

  const auto finish = [&](std::size_t index, const Failure& failure,
                          JobStatus status = JobStatus::Done) {
    results[index].status = failure.reason.empty() ? status : JobStatus::Failed;
    results[index].reason = failure.reason;
    if (results[index].status == JobStatus::Skipped) results[index].reason = results[index].finding;
    results[index].code = failure.code;
    if (options.journal && !failure.reason.empty()) {
      options.journal->failed(jobs[index].output, jobs[index].input, failure.reason);
    }
    observer.finished(index, results[index]);
  };
  std::size_t inFlight = 0;
  const auto collect = [&](const std::optional<Encoded>& item) {
    --inFlight;
    auto& notes = results[item->index].notes;
    notes.insert(notes.end(), item->notes.begin(), item->notes.end());
    if (!item->stopped) finish(item->index, item->failure);
  };

  while (auto item = decoded.take()) {
    if (stop.stop_requested()) break;
    const std::size_t index = item->index;
    if (!item->image && !item->byRows) {
      if (!item->failure.reason.empty()) finish(index, item->failure);
      continue;
    }
    if (item->image) results[index].notes = item->image->notes;
    results[index].megapixels = item->megapixels;
    if (item->choice) {
      results[index].task = item->choice->task;
      results[index].finding = item->choice->finding;
      if (item->choice->task.empty()) {
        gate.leave(item->pixels);
        Failure failure;
        if (item->choice->copy) {
          failure =
              failureOf([&] { copyPicture(jobs[index], *item->image, item->origin, options); });
        }
        item->image.reset();
        finish(index, failure, JobStatus::Skipped);
        continue;
      }
    }
    observer.started(index, jobs[index], results[index].megapixels);
    const auto begin = std::chrono::steady_clock::now();
    std::optional<Image> image;
    const auto progress = [&](double share) {
      if (const auto ended = encoded.tryTake()) collect(ended);
      observer.progressed(index, share);
    };
    bool wholeDone = false;
    Failure failure = failureOf([&] {
      if (item->byRows) {
        if (options.journal) options.journal->begun(item->origin);
        const auto notes =
            restoreRows(jobs[index].input, jobs[index].output, restorer,
                        {options.strength, options.read, options.write, options.pictureMemory},
                        {stop, progress});
        if (notes) results[index].notes = *notes;
        wholeDone = notes.has_value();
        if (wholeDone && options.journal) recordDone(item->origin, *options.journal);
        return;
      }
      Restorer& chosen = item->choice ? options.restorerOf(item->choice->task) : restorer;
      const double strength = item->choice ? item->choice->strength : options.strength;
      image = restorePicture(chosen, *item->image, strength, {stop, progress});
    });
    if (item->byRows) explainFullDisk(failure, jobs[index].output, item->pixels);
    item->image.reset();
    results[index].seconds =
        std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
    if (!image) gate.leave(item->pixels);
    if (!failure.reason.empty() || wholeDone) {
      finish(index, failure);
    } else if (image) {
      if (inFlight > 0) collect(encoded.take());
      ++inFlight;
      restored.put({index, item->pixels, std::move(*image), std::move(item->origin)});
    }
  }
  restored.close();
  while (inFlight > 0) collect(encoded.take());
  return results;
}

}  // namespace pristine
