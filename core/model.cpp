#include "core/model.h"

#include <cstdint>
#include <limits>
#include <nlohmann/json.hpp>
#include <set>
#include <stdexcept>

#include "core/digest.h"
#include "core/error.h"
#include "core/safetensors.h"
#include "vision_attention/network.h"

namespace pristine {

namespace {

using nlohmann::json;

constexpr int kFormat = 1;

/// A number of the metadata; fractions, booleans and what int cannot hold are errors.
int integer(const json& object, const char* key) {
  const json& value = object.at(key);
  if (!value.is_number_integer()) {
    throw std::invalid_argument(std::string("metadata '") + key + "' is " + value.dump() +
                                ", expected an integer");
  }
  constexpr auto kMost = std::numeric_limits<int>::max();
  const bool fits = value.is_number_unsigned() ? value.get<std::uint64_t>() <= std::uint64_t{kMost}
                                               : value.get<std::int64_t>() >= -std::int64_t{kMost};
  if (!fits) throw std::invalid_argument(std::string("metadata '") + key + "' is " + value.dump());
  return value.get<int>();
}

std::vector<int> integers(const json& object, const char* key) {
  std::vector<int> values;
  for (const json& value : object.at(key)) values.push_back(integer({{key, value}}, key));
  return values;
}

/// A field that this program does not know would be one that it does not compute.
void requireKnownFields(const json& architecture) {
  static const std::set<std::string> kKnown{"type",   "image_channels", "channels",      "encoder",
                                            "middle", "decoder",        "window",        "heads",
                                            "bins",   "agents",         "dynamic_range", "scale"};
  for (const auto& [key, value] : architecture.items()) {
    if (kKnown.count(key) == 0) {
      throw std::invalid_argument("architecture has the unknown field '" + key + "'");
    }
  }
}

va::NetworkConfig parseArchitecture(const json& text) {
  const auto type = text.at("type").get<std::string>();
  if (type != "restoration_net") {
    throw std::invalid_argument("architecture type is '" + type + "', expected 'restoration_net'");
  }
  requireKnownFields(text);
  va::NetworkConfig config;
  config.imageChannels = integer(text, "image_channels");
  if (text.contains("scale")) config.scale = integer(text, "scale");
  config.channels = integers(text, "channels");
  config.encoder = text.at("encoder").get<std::vector<va::Stage>>();
  config.middle = text.at("middle").get<va::Stage>();
  config.decoder = text.at("decoder").get<std::vector<va::Stage>>();
  config.window = integer(text, "window");
  config.heads = integer(text, "heads");
  config.bins = integer(text, "bins");
  config.agents = integer(text, "agents");
  config.dynamicRange = text.at("dynamic_range").get<bool>();
  return config;
}

/// The scales of calibrate.py. The types are a check only: the first convolution of a pair reads
/// the residual stream, the second what a ReLU leaves.
std::map<std::string, float> parseInputScales(const json& int8) {
  std::map<std::string, float> scales;
  for (const auto& [name, entry] : int8.at("inputs").items()) {
    const auto type = entry.at("type").get<std::string>();
    const bool first = name.ends_with("conv0");
    if (type != (first ? "s8" : "u8")) {
      throw std::invalid_argument("int8 input of '" + name + "' is of type '" + type +
                                  "', expected '" + (first ? "s8" : "u8") + "'");
    }
    scales[name] = entry.at("scale").get<float>();
  }
  return scales;
}

ModelInfo parseInfo(const json& text) {
  const int format = integer(text, "format");
  if (format != kFormat) {
    throw std::invalid_argument("format is " + std::to_string(format) + ", expected " +
                                std::to_string(kFormat));
  }
  ModelInfo info;
  info.name = text.at("name").get<std::string>();
  info.title = text.at("title").get<std::string>();
  info.task = text.at("task").get<std::string>();
  if (text.contains("variant")) info.variant = text["variant"].get<std::string>();
  info.scale = integer(text, "scale");
  info.halo = integer(text, "halo");
  if (info.halo < 0 || info.halo > 4096) {
    throw std::invalid_argument("halo is " + std::to_string(info.halo) + ", expected 0 to 4096");
  }
  if (text.contains("training")) info.training = text["training"].dump();
  return info;
}

}  // namespace

Model::Model() = default;
Model::~Model() = default;

std::shared_ptr<const Model> Model::fromSafetensors(Safetensors content, const std::string& name) {
  const auto fail = [&](const std::string& what) {
    throw Error(ErrorCode::Model, "model '" + name + "': " + what);
  };
  const auto entry = content.metadata.find("pristine");
  if (entry == content.metadata.end()) fail("metadata has no 'pristine' entry");
  const std::shared_ptr<Model> model(new Model);
  try {
    const json text = json::parse(entry->second);
    model->info_ = parseInfo(text);
    model->config_ =
        std::make_unique<va::NetworkConfig>(parseArchitecture(text.at("architecture")));
    if (model->config_->scale != model->info_.scale) {
      fail("scale is " + std::to_string(model->info_.scale) + ", the network enlarges by " +
           std::to_string(model->config_->scale));
    }
    model->weights_ = std::make_unique<va::Weights>();
    Digest digest;
    digest.update(entry->second);
    for (auto& [key, tensor] : content.tensors) {
      digest.update(key);
      digest.update(std::as_bytes(std::span(tensor.shape)));
      digest.update(std::as_bytes(std::span(tensor.values)));
      model->weights_->add(key, va::Shape(tensor.shape), std::move(tensor.values));
    }
    model->info_.digest = digest.hex();
    if (text.contains("int8")) model->inputScales_ = parseInputScales(text["int8"]);
    va::checkWeights(*model->config_, *model->weights_, model->inputScales_);
    if (model->config_->imageChannels != 3) {
      fail("takes " + std::to_string(model->config_->imageChannels) + " channels, expected 3");
    }
    model->info_.int8 = !model->inputScales_.empty();
    model->info_.window = model->config_->window;
    model->info_.parameters = model->weights_->parameterCount();
    model->info_.macsPerPixel = va::macsPerPixel(*model->config_, *model->weights_) /
                                (model->config_->scale * model->config_->scale);
  } catch (const json::exception& error) {
    fail(std::string("metadata 'pristine' is broken: ") + error.what());
  } catch (const std::invalid_argument& error) {
    fail(error.what());
  }
  return model;
}

std::shared_ptr<const Model> Model::load(const std::filesystem::path& path) {
  return fromSafetensors(readSafetensors(path), path.filename().string());
}

}  // namespace pristine
