#include "app/model_catalog.h"

#include <algorithm>
#include <cstdlib>
#include <map>

#include "core/error.h"

namespace pristine {

namespace fs = std::filesystem;

namespace {

constexpr const char* kExtension = ".safetensors";

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

std::shared_ptr<const Model> loadModel(const std::string& nameOrPath) {
  std::error_code error;
  const bool isPath = nameOrPath.find('/') != std::string::npos || nameOrPath.ends_with(kExtension);
  if (isPath) return Model::load(nameOrPath);
  std::string searched;
  for (const fs::path& folder : modelFolders()) {
    const fs::path path = folder / (nameOrPath + kExtension);
    if (fs::exists(path, error)) return Model::load(path);
    searched += (searched.empty() ? "'" : ", '") + folder.string() + "'";
  }
  throw Error(ErrorCode::Model, "model '" + nameOrPath + "' is in none of " + searched);
}

}  // namespace pristine
