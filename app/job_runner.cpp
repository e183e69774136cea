#include "app/job_runner.h"

#include <unistd.h>

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
#include "core/error.h"

namespace pristine {

namespace {

/// Pixels of all pictures between decoding and encoding: each takes 24 bytes while it is restored.
constexpr std::int64_t kPixelsInFlight = 24'000'000;

struct Decoded {
  std::size_t index = 0;
  std::int64_t pixels = 0;  ///< that the gate let in
  std::optional<Image> image;
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

  PixelGate gate(kPixelsInFlight);
  BoundedQueue<Decoded> decoded(1);
  BoundedQueue<Restored> restored(1);
  BoundedQueue<Encoded> encoded(jobs.size() + 1);
  std::jthread decoder([&] {
    for (std::size_t i = 0; i < jobs.size() && !stop.stop_requested(); ++i) {
      Decoded item{i, 0, std::nullopt, {}};
      item.reason = reasonOf([&] {
        const std::int64_t pixels = pixelCount(jobs[i].input);
        if (!gate.enter(pixels)) return;
        item.pixels = pixels;
        item.image = readImage(jobs[i].input, stop);
        prepareFolder(jobs[i]);
      });
      if (!item.reason.empty()) item.image.reset();
      if (!item.image) gate.leave(std::exchange(item.pixels, 0));
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
      if (writer) {
        reason = reasonOf([&] {
          try {
            writer->write(stop);
          } catch (const Error& error) {
            if (error.code() != ErrorCode::Stopped) throw;
            stopped = true;
          }
        });
      }
      encoded.put({index, reason, stopped});
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
    if (!item->stopped) finish(item->index, item->reason);
  };

  while (auto item = decoded.take()) {
    if (stop.stop_requested()) break;
    const std::size_t index = item->index;
    if (!item->image) {
      finish(index, item->reason);
      continue;
    }
    results[index].megapixels =
        static_cast<double>(item->image->width()) * item->image->height() / 1e6;
    observer.started(index, jobs[index], results[index].megapixels);
    const auto begin = std::chrono::steady_clock::now();
    std::optional<Image> image;
    const auto progress = [&](double share) {
      if (const auto ended = encoded.tryTake()) collect(ended);
      observer.progressed(index, share);
    };
    const std::string reason = reasonOf([&] {
      image = restorePicture(restorer, *item->image, options.strength, {stop, progress});
    });
    item->image.reset();
    results[index].seconds =
        std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
    if (!image) gate.leave(item->pixels);
    if (!reason.empty()) {
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
