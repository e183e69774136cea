#include "app/model_catalog.h"

#include <algorithm>
#include <cstdlib>
#include <map>

#include "core/error.h"

namespace pristine {

namespace fs = std::filesystem;

namespace {

constexpr const char* kExtension = ".safetensors";
constexpr const char* kBest = "best";

bool isPath(const std::string& model) {
  return model.find('/') != std::string::npos || model.ends_with(kExtension);
}

/// Empty if no folder has it.
fs::path find(const std::string& name) {
  std::error_code error;
  for (const fs::path& folder : modelFolders()) {
    fs::path path = folder / (name + kExtension);
    if (fs::exists(path, error)) return path;
  }
  return {};
}

std::string searchedFolders() {
  std::string text;
  for (const fs::path& folder : modelFolders()) {
    text += (text.empty() ? "'" : ", '") + folder.string() + "'";
  }
  return text;
}

/// "'denoise'", "'upscale' by 2"
std::string titleOf(const std::string& task, int scale) {
  return "'" + task + "'" + (scale == 1 ? "" : " by " + std::to_string(scale));
}

}  // namespace

std::vector<fs::path> modelFolders() {
  std::vector<fs::path> folders;
  if (const char* folder = std::getenv("PRISTINE_MODELS"); folder != nullptr && *folder != '\0') {
    folders.emplace_back(folder);
  }
  std::error_code error;
  const fs::path program = fs::read_symlink("/proc/self/exe", error);
  if (!error) folders.push_back(program.parent_path().parent_path() / "share/pristine/models");
  folders.emplace_back(PRISTINE_SOURCE_MODELS);
  return folders;
}

std::vector<fs::path> listModels() {
  std::map<std::string, fs::path> models;
  for (const fs::path& folder : modelFolders()) {
    std::error_code error;
    for (const auto& entry : fs::directory_iterator(folder, error)) {
      if (entry.path().extension() == kExtension) {
        models.try_emplace(entry.path().stem().string(), entry.path());
      }
    }
  }
  std::vector<fs::path> paths;
  paths.reserve(models.size());
  for (const auto& [name, path] : models) paths.push_back(path);
  return paths;
}

std::string modelName(const std::string& task, int scale, const std::string& variant) {
  std::string name = task;
  if (scale != 1) name += std::to_string(scale);
  if (variant != kBest) name += "_" + variant;
  return name;
}

std::vector<std::string> variantsOf(const std::string& task, int scale) {
  const std::string base = modelName(task, scale, kBest);
  std::vector<std::string> variants;
  for (const fs::path& path : listModels()) {
    const std::string name = path.stem().string();
    if (name == base) variants.insert(variants.begin(), kBest);
    if (name.starts_with(base + "_")) variants.push_back(name.substr(base.size() + 1));
  }
  return variants;
}

std::shared_ptr<const Model> loadModel(const std::string& nameOrPath) {
  if (isPath(nameOrPath)) return Model::load(nameOrPath);
  const fs::path path = find(nameOrPath);
  if (!path.empty()) return Model::load(path);
  throw Error(ErrorCode::Model, "model '" + nameOrPath + "' is in none of " + searchedFolders());
}

std::shared_ptr<const Model> loadModel(const ModelChoice& choice) {
  const std::string task = titleOf(choice.task, choice.scale);
  fs::path path = choice.model;
  if (!isPath(choice.model)) {
    path = find(modelName(choice.task, choice.scale, choice.model));
    if (path.empty()) path = find(choice.model);
  }
  if (path.empty()) {
    const auto variants = variantsOf(choice.task, choice.scale);
    if (variants.empty()) {
      throw Error(ErrorCode::Model, "no model '" + choice.model + "' for task " + task +
                                        ", and no other for it, in " + searchedFolders());
    }
    std::string installed;
    for (const std::string& variant : variants) {
      installed += (installed.empty() ? "" : ", ") + variant;
    }
    throw Error(ErrorCode::Model,
                "no model '" + choice.model + "' for task " + task + ", installed: " + installed);
  }
  auto model = Model::load(path);
  if (model->info().task != choice.task || model->info().scale != choice.scale) {
    throw Error(ErrorCode::Model, "model '" + choice.model + "' is for task " +
                                      titleOf(model->info().task, model->info().scale) +
                                      ", expected " + task);
  }
  return model;
}

}  // namespace pristine
