#include "app/job_runner.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <thread>
#include <utility>

#include "app/bounded_queue.h"
#include "app/picture_restoration.h"
#include "app/pixel_gate.h"
#include "app/row_restoration.h"
#include "core/error.h"

namespace pristine {

namespace {

/// Pixels of all pictures between decoding and encoding: each takes 24 bytes while it is restored.
constexpr std::int64_t kPixelsInFlight = 24'000'000;

struct Decoded {
  std::size_t index = 0;
  std::int64_t pixels = 0;  ///< that the gate let in
  std::optional<Image> image;
  bool byRows = false;  ///< instead of an image: too large for one
  std::string reason;
};

struct Restored {
  std::size_t index = 0;
  std::int64_t pixels = 0;
  Image image;
};

struct Encoded {
  std::size_t index = 0;
  std::string reason;
  std::vector<std::string> notes;
  bool stopped = false;
};

/// Text of what was thrown, empty if nothing was.
template <typename Action>
std::string reasonOf(const Action& action) {
  try {
    action();
  } catch (const std::bad_alloc&) {
    return "does not fit into memory";
  } catch (const std::exception& error) {
    const std::string what = error.what();
    return what.empty() ? "unknown error" : what;
  }
  return {};
}

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
bool needsRows(const Job& job, const PictureSize& size, const RunOptions& options) {
  const std::int64_t bytes = size.pixels() * kBytesPerPixel;
  if (options.pictureMemory == 0 || bytes <= options.pictureMemory) return false;
  const std::string obstacle = obstacleToRows(size, job.output, options.write);
  if (obstacle.empty()) return true;
  throw Error(ErrorCode::Memory, "picture '" + job.input.string() + "': takes " +
                                     std::to_string(bytes >> 20U) + " MiB as a whole, " +
                                     std::to_string(options.pictureMemory >> 20U) +
                                     " are left, and " + obstacle + "; raise --max-memory");
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

std::vector<JobResult> runJobs(const std::vector<Job>& jobs, Restorer& restorer,
                               const RunOptions& options, std::stop_token stop,
                               JobObserver& observer) {
  std::vector<JobResult> results(jobs.size());
  for (std::size_t i = 0; i < jobs.size(); ++i) {
    results[i].job = jobs[i];
    results[i].status = JobStatus::Stopped;
  }

  PixelGate gate(pixelsInFlight(options));
  BoundedQueue<Decoded> decoded(1);
  BoundedQueue<Restored> restored(1);
  BoundedQueue<Encoded> encoded(jobs.size() + 1);
  std::jthread decoder([&] {
    for (std::size_t i = 0; i < jobs.size() && !stop.stop_requested(); ++i) {
      Decoded item{i, 0, std::nullopt, false, {}};
      item.reason = reasonOf([&] {
        const PictureSize size = pictureSize(jobs[i].input, options.read);
        const bool byRows = needsRows(jobs[i], size, options);
        if (!gate.enter(size.pixels())) return;
        item.pixels = size.pixels();
        if (!byRows) item.image = readImage(jobs[i].input, stop, options.read);
        prepareFolder(jobs[i]);
        item.byRows = byRows;
      });
      if (!item.reason.empty()) item.image.reset();
      if (!item.image && !item.byRows) gate.leave(std::exchange(item.pixels, 0));
      if (!decoded.put(std::move(item))) return;
    }
    decoded.close();
  });
  std::jthread encoder([&] {
    while (auto item = restored.take()) {
      const std::size_t index = item->index;
      std::unique_ptr<ImageWriter> writer;
      std::string reason = reasonOf([&] {
        writer = std::make_unique<ImageWriter>(item->image, jobs[index].output, options.write);
      });
      gate.leave(item->pixels);
      item.reset();  // the writer has a copy in the file's depth
      bool stopped = false;
      std::vector<std::string> notes;
      if (writer) {
        notes = writer->notes();
        reason = reasonOf([&] {
          try {
            writer->write(stop);
          } catch (const Error& error) {
            if (error.code() != ErrorCode::Stopped) throw;
            stopped = true;
          }
        });
      }
      encoded.put({index, reason, notes, stopped});
    }
    encoded.close();
  });
  // Declared after the threads, so that it closes before they are joined.
  const CloseAtEnd closeAtEnd(gate, decoded, restored);

  const auto finish = [&](std::size_t index, const std::string& reason) {
    results[index].status = reason.empty() ? JobStatus::Done : JobStatus::Failed;
    results[index].reason = reason;
    observer.finished(index, results[index]);
  };
  std::size_t inFlight = 0;
  const auto collect = [&](const std::optional<Encoded>& item) {
    --inFlight;
    auto& notes = results[item->index].notes;
    notes.insert(notes.end(), item->notes.begin(), item->notes.end());
    if (!item->stopped) finish(item->index, item->reason);
  };

  while (auto item = decoded.take()) {
    if (stop.stop_requested()) break;
    const std::size_t index = item->index;
    if (!item->image && !item->byRows) {
      finish(index, item->reason);
      continue;
    }
    if (item->image) results[index].notes = item->image->notes;
    results[index].megapixels = static_cast<double>(item->pixels) / 1e6;
    observer.started(index, jobs[index], results[index].megapixels);
    const auto begin = std::chrono::steady_clock::now();
    std::optional<Image> image;
    const auto progress = [&](double share) {
      if (const auto ended = encoded.tryTake()) collect(ended);
      observer.progressed(index, share);
    };
    bool wholeDone = false;
    const std::string reason = reasonOf([&] {
      if (item->byRows) {
        const auto notes =
            restoreRows(jobs[index].input, jobs[index].output, restorer,
                        {options.strength, options.read, options.write, options.pictureMemory},
                        {stop, progress});
        if (notes) results[index].notes = *notes;
        wholeDone = notes.has_value();
        return;
      }
      image = restorePicture(restorer, *item->image, options.strength, {stop, progress});
    });
    item->image.reset();
    results[index].seconds =
        std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
    if (!image) gate.leave(item->pixels);
    if (!reason.empty() || wholeDone) {
      finish(index, reason);
    } else if (image) {
      if (inFlight > 0) collect(encoded.take());
      ++inFlight;
      restored.put({index, item->pixels, std::move(*image)});
    }
  }
  restored.close();
  while (inFlight > 0) collect(encoded.take());
  return results;
}

}  // namespace pristine
