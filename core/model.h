#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace va {
class Weights;
struct NetworkConfig;
}  // namespace va

namespace pristine {

struct Safetensors;

/// What a model file says of itself.
struct ModelInfo {
  std::string name;  ///< what the command line calls it
  std::string title;
  std::string task;              ///< "denoise", "dejpeg", "upscale"
  std::string variant = "best";  ///< of the task: "best", "fast", "camera", "photo"
  int scale = 1;                 ///< output pixels per input pixel and side
  int halo = 0;                  ///< pixels of context that a tile needs
  int window = 1;                ///< tile sides and starts are multiples of it
  std::size_t parameters = 0;
  double macsPerPixel = 0;  ///< multiply-adds per pixel of the output
  bool int8 = false;        ///< carries the scales that int8 needs
  std::string training;     ///< the training record, JSON
  std::string digest;       ///< of metadata and weights: tells two models of one name apart
};

/// A trained network: weights and configuration, immutable, shared between restorers.
class Model {
 public:
  /// Throws Error(Model) naming what is wrong with the file.
  static std::shared_ptr<const Model> load(const std::filesystem::path& path);
  static std::shared_ptr<const Model> fromSafetensors(Safetensors content, const std::string& name);
  ~Model();

  const ModelInfo& info() const { return info_; }
  const va::NetworkConfig& config() const { return *config_; }
  const va::Weights& weights() const { return *weights_; }
  /// By the name of a convolution: what one level of its int8 input stands for. Empty in files that
  /// were not calibrated.
  const std::map<std::string, float>& inputScales() const { return inputScales_; }

 private:
  Model();

  ModelInfo info_;
  std::unique_ptr<va::NetworkConfig> config_;
  std::unique_ptr<va::Weights> weights_;
  std::map<std::string, float> inputScales_;
};

}  // namespace pristine
