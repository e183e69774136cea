#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "app/file_format.h"
#include "app/name_template.h"

namespace pristine {

/// One picture to restore.
struct Job {
  std::filesystem::path input;
  std::filesystem::path output;
};

/// An input that cannot become a job, with the reason.
struct PlanFailure {
  std::filesystem::path input;
  std::string reason;
};

struct BatchPlan {
  std::vector<Job> jobs;  ///< in the order of the inputs; folders sorted by name
  std::vector<PlanFailure> failures;
  std::filesystem::path folder;  ///< of the outputs; empty when one file was named
  bool skippedFolders = false;   ///< a folder had sub-folders and recursion was off
};

/// The pictures of a folder by their names, relative to it and sorted; without what lies in the
/// folder `skip`. Links to folders are not followed. Tells `plan` of folders that cannot be read,
/// and of those left out when not `recursive`.
std::vector<std::filesystem::path> picturesIn(const std::filesystem::path& folder, BatchPlan& plan,
                                              bool recursive, const std::filesystem::path& skip);

struct PlanOptions {
  bool recursive = false;              ///< descend into sub-folders, keeping the tree
  std::optional<FileFormat> format{};  ///< of the outputs, whose extensions follow it
  std::optional<NameTemplate> name{};  ///< of outputs in a folder; default: that of the input
};

/// Lays out a batch. Inputs are files and folders. One file: `output` may name a file, unless it is
/// a folder or ends with '/'. Otherwise `output` is a folder and names are kept. In folders, files
/// are taken that are named like pictures; an output folder among them and the journal's are left
/// out. Throws Error(Usage), before anything is written, when two inputs would be written to one
/// file, an output is one of the inputs, the output folder is a file or a new one would be named
/// like a picture.
BatchPlan planBatch(const std::vector<std::filesystem::path>& inputs,
                    const std::filesystem::path& output, const PlanOptions& options);

}  // namespace pristine
