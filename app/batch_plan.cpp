#include "app/batch_plan.h"

#include <algorithm>
#include <map>
#include <set>

#include "app/image_file.h"
#include "core/error.h"

namespace pristine {

namespace {

namespace fs = std::filesystem;

/// The picture files of a folder, relative to it and sorted; links to folders are not followed.
std::vector<fs::path> picturesIn(const fs::path& folder, BatchPlan& plan, bool recursive,
                                 const fs::path& skip) {
  std::vector<fs::path> found;
  std::vector<fs::path> pending{fs::path()};
  while (!pending.empty()) {
    const fs::path relative = pending.back();
    pending.pop_back();
    std::error_code error;
    fs::directory_iterator entries(folder / relative, error);
    if (error) {
      plan.failures.push_back({folder / relative, error.message()});
      continue;
    }
    for (const fs::directory_entry& entry : entries) {
      const fs::path name = relative / entry.path().filename();
      if (entry.is_directory(error) && !isImageExtension(name)) {
        if (entry.is_symlink(error)) continue;
        if (!skip.empty() && fs::equivalent(entry.path(), skip, error)) continue;
        if (recursive) {
          pending.push_back(name);
        } else {
          plan.skippedFolders = true;
        }
      } else if (isImageExtension(name) && !name.filename().string().starts_with(".pristine-")) {
        found.push_back(name);
      }
    }
  }
  std::ranges::sort(found);
  return found;
}

fs::path identity(const fs::path& path) {
  std::error_code error;
  const fs::path resolved = fs::weakly_canonical(path, error);
  return error ? path.lexically_normal() : resolved;
}

bool namesFolder(const fs::path& path) {
  std::error_code error;
  return !path.has_filename() || fs::is_directory(path, error);
}

void requireDistinct(const BatchPlan& plan) {
  std::map<fs::path, fs::path> writers;
  std::set<fs::path> inputs;
  for (const Job& job : plan.jobs) inputs.insert(identity(job.input));
  for (const Job& job : plan.jobs) {
    const fs::path target = identity(job.output);
    const auto [other, inserted] = writers.try_emplace(target, job.input);
    if (!inserted) {
      throw Error(ErrorCode::Usage, "output '" + job.output.string() + "' would be written for '" +
                                        other->second.string() + "' and for '" +
                                        job.input.string() + "'");
    }
    if (inputs.count(target) != 0) {
      throw Error(ErrorCode::Usage, "output '" + job.output.string() + "' is one of the inputs");
    }
  }
}

}  // namespace

BatchPlan planBatch(const std::vector<fs::path>& inputs, const fs::path& output,
                    const PlanOptions& options) {
  BatchPlan plan;
  std::error_code error;
  const bool oneFile = inputs.size() == 1 && !fs::is_directory(inputs.front(), error);
  for (const fs::path& input : inputs) {
    const auto status = fs::status(input, error);
    if (fs::is_directory(status)) {
      const fs::path skip = fs::exists(output, error) ? output : fs::path();
      for (const fs::path& name : picturesIn(input, plan, options.recursive, skip)) {
        plan.jobs.push_back({input / name, output / name});
      }
    } else if (!fs::exists(status)) {
      plan.failures.push_back({input, "does not exist"});
    } else if (oneFile && !namesFolder(output)) {
      plan.jobs.push_back({input, output});
    } else {
      plan.jobs.push_back({input, output / input.filename()});
    }
  }
  for (Job& job : plan.jobs) {
    if (!isWritableExtension(job.output)) {
      plan.failures.push_back(
          {job.input, "output '" + job.output.string() +
                          "' has none of the extensions .png .jpg .jpeg .tif .tiff .webp"});
    }
  }
  std::erase_if(plan.jobs, [](const Job& job) { return !isWritableExtension(job.output); });
  requireDistinct(plan);
  return plan;
}

}  // namespace pristine
