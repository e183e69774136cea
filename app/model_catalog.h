#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "core/model.h"

namespace pristine {

/// Folders that may hold models, in the order of search: $PRISTINE_MODELS, share/pristine/models
/// beside the program, the source tree's data/models.
std::vector<std::filesystem::path> modelFolders();

/// The .safetensors files of those folders, the first of each name, sorted.
std::vector<std::filesystem::path> listModels();

/// Loads a model by name ("denoise") or by path. Throws Error(Model) naming where it looked.
std::shared_ptr<const Model> loadModel(const std::string& nameOrPath);

}  // namespace pristine
