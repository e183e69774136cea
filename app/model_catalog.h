#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "core/model.h"

namespace pristine {

/// Which network a user asks for.
struct ModelChoice {
  std::string task = "denoise";  ///< "denoise", "dejpeg", "upscale"
  int scale = 1;                 ///< 2, 3, 4 when upscaling
  std::string model = "best";    ///< a variant of the task, a model's name or a path

  bool operator==(const ModelChoice&) const = default;
};

/// Folders that may hold models, in the order of search: $PRISTINE_MODELS, share/pristine/models
/// beside the program, the source tree's data/models.
std::vector<std::filesystem::path> modelFolders();

/// The .safetensors files of those folders, the first of each name, sorted.
std::vector<std::filesystem::path> listModels();

/// The name of the file, without extension, that holds a variant: the task, the scale where it is
/// not 1, and the variant unless it is "best": "denoise", "upscale2", "dejpeg_fast".
std::string modelName(const std::string& task, int scale, const std::string& variant);

/// The installed variants of a task, "best" first.
std::vector<std::string> variantsOf(const std::string& task, int scale);

/// Loads a model by name ("denoise") or by path. Throws Error(Model) naming where it looked.
std::shared_ptr<const Model> loadModel(const std::string& nameOrPath);

/// Loads what is asked for. Throws Error(Model), naming the variants that there are, or when the
/// model is for another task or scale.
std::shared_ptr<const Model> loadModel(const ModelChoice& choice);

}  // namespace pristine
