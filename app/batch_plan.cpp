#include "app/batch_plan.h"

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "app/image_file.h"
#include "core/error.h"

namespace pristine {

namespace {

namespace fs = std::filesystem;

/// Whether a file of a folder is taken: named like a picture, neither a temporary file of ours nor
/// the shadow that macOS keeps of a file's attributes.
bool isPictureName(const fs::path& name) {
  const std::string file = name.filename().string();
  return isImageExtension(name) && !file.starts_with(".pristine-") && !file.starts_with("._");
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

/// The same picture to the same file twice is once.
void dropRepetitions(BatchPlan& plan) {
  std::set<std::pair<fs::path, fs::path>> seen;
  std::erase_if(plan.jobs, [&](const Job& job) {
    return !seen.emplace(identity(job.input), identity(job.output)).second;
  });
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

std::vector<fs::path> picturesIn(const fs::path& folder, BatchPlan& plan, bool recursive,
                                 const fs::path& skip) {
  std::vector<fs::path> found;
  std::vector<fs::path> pending{fs::path()};
  while (!pending.empty()) {
    const fs::path relative = pending.back();
    pending.pop_back();
    std::error_code error;
    fs::directory_iterator entry(folder / relative, error);
    for (; !error && entry != fs::directory_iterator(); entry.increment(error)) {
      const fs::path name = relative / entry->path().filename();
      std::error_code unknown;
      if (entry->is_directory(unknown)) {
        if (entry->is_symlink(unknown)) continue;
        if (name.filename() == ".pristine") continue;  // the journal's
        if (!skip.empty() && fs::equivalent(entry->path(), skip, unknown)) continue;
        if (recursive) {
          pending.push_back(name);
        } else {
          plan.skippedFolders = true;
        }
      } else if (isPictureName(name)) {
        found.push_back(name);
      }
    }
    if (error) plan.failures.push_back({folder / relative, error.message()});
  }
  std::ranges::sort(found);
  return found;
}

BatchPlan planBatch(const std::vector<fs::path>& inputs, const fs::path& output,
                    const PlanOptions& options) {
  BatchPlan plan;
  std::error_code error;
  const bool oneFile = inputs.size() == 1 && !fs::is_directory(inputs.front(), error);
  if (!oneFile && fs::exists(output, error) && !fs::is_directory(output, error)) {
    throw Error(ErrorCode::Usage, "output '" + output.string() + "' is a file, expected a folder");
  }
  if (!oneFile && isImageExtension(output) && !namesFolder(output)) {
    throw Error(ErrorCode::Usage, "output '" + output.string() +
                                      "' is named like one picture, expected a folder for several; "
                                      "with a '/' at its end it is one");
  }
  if (!oneFile || namesFolder(output)) plan.folder = output;
  const auto place = [&](const fs::path& relative) {
    return output / (options.name ? options.name->outputFor(relative) : relative);
  };
  for (const fs::path& input : inputs) {
    const auto status = fs::status(input, error);
    if (fs::is_directory(status)) {
      const fs::path skip = fs::exists(output, error) ? output : fs::path();
      for (const fs::path& name : picturesIn(input, plan, options.recursive, skip)) {
        plan.jobs.push_back({input / name, place(name)});
      }
    } else if (!fs::exists(status)) {
      plan.failures.push_back({input, "does not exist"});
    } else if (plan.folder.empty()) {
      plan.jobs.push_back({input, output});
    } else {
      plan.jobs.push_back({input, place(input.filename())});
    }
  }
  for (Job& job : plan.jobs) {
    // A file that was named outright keeps its name, whatever it says.
    if (!options.format || (plan.folder.empty())) continue;
    if (formatOfName(job.output) != options.format) {
      job.output.replace_extension(traitsOf(*options.format).extensions.front());
    }
  }
  const auto folderHint = [&](const Job& job) -> std::string {
    const bool bare = plan.folder.empty() && !job.output.has_extension();
    return bare ? ", or make it a folder with a '/' at its end" : "";
  };
  const auto isWritable = [&](const Job& job) {
    return options.format || isWritableExtension(job.output);
  };
  for (Job& job : plan.jobs) {
    if (!isWritable(job)) {
      plan.failures.push_back({job.input, "output '" + job.output.string() +
                                              "' has none of the extensions that can be written, " +
                                              writableExtensions() + "; choose with --format" +
                                              folderHint(job)});
    }
  }
  std::erase_if(plan.jobs, [&](const Job& job) { return !isWritable(job); });
  dropRepetitions(plan);
  requireDistinct(plan);
  return plan;
}

}  // namespace pristine
