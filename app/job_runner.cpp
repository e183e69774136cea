#include "app/job_runner.h"

#include <chrono>
#include <exception>
#include <optional>
#include <thread>

#include "app/bounded_queue.h"
#include "core/error.h"

namespace pristine {

namespace {

struct Decoded {
  std::size_t index = 0;
  std::optional<Image> image;
  std::string reason;
};

struct Restored {
  std::size_t index = 0;
  Image image;
};

struct Encoded {
  std::size_t index = 0;
  std::string reason;
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

void writeOne(const Image& image, const Job& job, const WriteOptions& options) {
  const auto folder = job.output.parent_path();
  if (!folder.empty()) {
    std::error_code error;
    std::filesystem::create_directories(folder, error);
    if (error) {
      throw Error(ErrorCode::Output, "folder '" + folder.string() + "': " + error.message());
    }
  }
  writeImage(image, job.output, options);
}

}  // namespace

std::vector<JobResult> runJobs(const std::vector<Job>& jobs, Restorer& restorer,
                               const RunOptions& options, std::stop_token stop,
                               JobObserver& observer) {
  std::vector<JobResult> results(jobs.size());
  for (std::size_t i = 0; i < jobs.size(); ++i) {
    results[i].job = jobs[i];
    results[i].status = JobStatus::Stopped;
  }

  BoundedQueue<Decoded> decoded(1);
  BoundedQueue<Restored> restored(1);
  BoundedQueue<Encoded> encoded(jobs.size() + 1);
  std::jthread decoder([&] {
    for (std::size_t i = 0; i < jobs.size() && !stop.stop_requested(); ++i) {
      Decoded item{i, std::nullopt, {}};
      item.reason = reasonOf([&] { item.image = readImage(jobs[i].input); });
      if (!decoded.put(std::move(item))) return;
    }
    decoded.close();
  });
  std::jthread encoder([&] {
    while (auto item = restored.take()) {
      const Job& job = jobs[item->index];
      const std::string reason = reasonOf([&] { writeOne(item->image, job, options.write); });
      encoded.put({item->index, reason});
    }
    encoded.close();
  });

  const auto finish = [&](std::size_t index, const std::string& reason) {
    results[index].status = reason.empty() ? JobStatus::Done : JobStatus::Failed;
    results[index].reason = reason;
    observer.finished(index, results[index]);
  };
  std::size_t inFlight = 0;
  const auto collect = [&](const std::optional<Encoded>& item) {
    --inFlight;
    finish(item->index, item->reason);
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
    const std::string reason = reasonOf([&] {
      image = restorer.restore(*item->image, options.strength,
                               {stop, [&](double share) { observer.progressed(index, share); }});
    });
    item->image.reset();
    results[index].seconds =
        std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
    if (!reason.empty()) {
      finish(index, reason);
    } else if (image) {
      if (inFlight > 0) collect(encoded.take());
      ++inFlight;
      restored.put({index, std::move(*image)});
    }
  }
  decoded.close();
  restored.close();
  while (inFlight > 0) collect(encoded.take());
  return results;
}

}  // namespace pristine
