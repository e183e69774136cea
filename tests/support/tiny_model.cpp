#include "tests/support/tiny_model.h"

#include <cmath>
#include <random>
#include <string>
#include <utility>

#include "tests/support/files.h"

namespace pristine::test {

namespace {

constexpr std::int64_t kWindow = 16;
constexpr std::int64_t kHeads = 3;
constexpr std::int64_t kAgents = 4;

/// Adds the tensors of the modules of data/training/model.py, name by name.
class WeightMaker {
 public:
  WeightMaker(Safetensors& content, std::uint32_t seed) : content_(content), random_(seed) {}

  /// Normal values around `mean`.
  void tensor(const std::string& name, std::vector<std::int64_t> shape, double deviation,
              double mean = 0) {
    std::int64_t count = 1;
    for (const std::int64_t size : shape) count *= size;
    Safetensors::Tensor tensor{std::move(shape), {}};
    std::normal_distribution<double> normal(mean, deviation);
    for (std::int64_t i = 0; i < count; ++i) {
      tensor.values.push_back(static_cast<float>(normal(random_)));
    }
    content_.tensors[name] = std::move(tensor);
  }

  void conv(const std::string& scope, std::int64_t oc, std::int64_t ic, std::int64_t side,
            bool bias = true, double gain = 1) {
    tensor(scope + ".weight", {oc, ic, side, side},
           gain / std::sqrt(static_cast<double>(ic * side * side)));
    if (bias) tensor(scope + ".bias", {oc}, 0.02);
  }

  void linear(const std::string& scope, std::int64_t oc, std::int64_t ic) {
    tensor(scope + ".weight", {oc, ic}, 1 / std::sqrt(static_cast<double>(ic)));
    tensor(scope + ".bias", {oc}, 0.02);
  }

  void pair(const std::string& scope, std::int64_t c) {
    conv(scope + ".conv0", c, c, 3);
    conv(scope + ".conv1", c, c, 3);
    tensor(scope + ".scale", {c}, 0.02, 0.2);
  }

  void seCbam(const std::string& scope, std::int64_t c) {
    pair(scope, c);
    linear(scope + ".fusion.reduce", 4, c);
    linear(scope + ".fusion.expand", c, 4);
    conv(scope + ".fusion.spatial", 1, 2, 7);
  }

  void agent(const std::string& scope, std::int64_t c, std::int64_t window) {
    const std::string attention = scope + ".attention";
    for (const char* name : {".q", ".k", ".v", ".projection"}) linear(attention + name, c, c);
    conv(attention + ".local", c, 1, 3);
    const std::int64_t n = kAgents * kAgents;
    for (const char* name : {".agent_bias", ".query_bias"}) {
      tensor(attention + name, {kHeads, n, 7, 7}, 0.02);
    }
    for (const char* name : {".agent_row", ".agent_column"}) {
      tensor(attention + name, {kHeads, n, window}, 0.02);
    }
    for (const char* name : {".query_row", ".query_column"}) {
      tensor(attention + name, {kHeads, window, n}, 0.02);
    }
    linear(scope + ".feed_forward.expand", 2 * c, c);
    linear(scope + ".feed_forward.reduce", c, 2 * c);
  }

  void histogram(const std::string& scope, std::int64_t c) {
    const std::string attention = scope + ".attention";
    conv(attention + ".qkv", 5 * c, c, 1, false);
    conv(attention + ".qkv_depthwise", 5 * c, 1, 3, false);
    conv(attention + ".projection", c, c, 1, false);
    tensor(attention + ".temperature", {kHeads}, 0.1, 1.0);
    const std::int64_t quarter = std::llround(static_cast<double>(c) * 2.667 / 4);
    conv(scope + ".feed_forward.expand", 8 * quarter, c, 1, false);
    conv(scope + ".feed_forward.depthwise5", quarter, 1, 5, false);
    conv(scope + ".feed_forward.depthwise3", quarter, 1, 3, false);
    conv(scope + ".feed_forward.reduce", c, 4 * quarter, 1, false, 0.5);
  }

 private:
  Safetensors& content_;
  std::mt19937 random_;
};

}  // namespace

nlohmann::json tinyModelInfo(int scale) {
  using nlohmann::json;
  return {{"format", 1},
          {"name", "tiny"},
          {"title", "random weights"},
          {"task", scale == 1 ? "denoise" : "upscale"},
          {"variant", "best"},
          {"scale", scale},
          {"halo", 16},
          {"architecture",
           {{"type", "restoration_net"},
            {"image_channels", 3},
            {"scale", scale},
            {"channels", json::array({8, 24})},
            {"encoder", json::array({json::array({"pair", "se_cbam"})})},
            {"middle", json::array({"histogram", "agent", "se_cbam", "pair"})},
            {"decoder", json::array({json::array({"pair"})})},
            {"window", kWindow},
            {"heads", kHeads},
            {"bins", 4},
            {"agents", kAgents},
            {"dynamic_range", true}}},
          {"training", {{"steps", 0}}}};
}

nlohmann::json calibratedTinyModelInfo() {
  nlohmann::json inputs;
  for (const std::string pair :
       {"encoder.0.0", "encoder.0.1", "middle.2", "middle.3", "decoder.0.0"}) {
    inputs[pair + ".conv0"] = {{"scale", 0.05}, {"type", "s8"}};
    inputs[pair + ".conv1"] = {{"scale", 0.02}, {"type", "u8"}};
  }
  auto info = tinyModelInfo();
  info["int8"] = {{"inputs", inputs}, {"quantile", 0.9999}, {"pictures", 6}};
  return info;
}

Safetensors tinyModel(std::uint32_t seed, int scale) {
  Safetensors content;
  content.metadata["pristine"] = tinyModelInfo(scale).dump();
  WeightMaker maker(content, seed);
  maker.conv("head", 8, 3, 3);
  maker.pair("encoder.0.0", 8);
  maker.seCbam("encoder.0.1", 8);
  maker.conv("down.0", 24, 8, 2);
  maker.histogram("middle.0", 24);
  maker.agent("middle.1", 24, kWindow / 2);
  maker.seCbam("middle.2", 24);
  maker.pair("middle.3", 24);
  maker.conv("up.0", 4 * 8, 24, 1);
  maker.pair("decoder.0.0", 8);
  maker.conv("tail", std::int64_t{3} * scale * scale, 8, 3, true, 0.02);
  return content;
}

void writeConvolutionModel(const std::filesystem::path& path) {
  auto info = tinyModelInfo();
  auto& architecture = info["architecture"];
  architecture["channels"] = {4, 8};
  architecture["encoder"] = nlohmann::json::array({nlohmann::json::array({"pair"})});
  architecture["middle"] = nlohmann::json::array({"pair"});
  architecture["decoder"] = nlohmann::json::array({nlohmann::json::array()});
  architecture["dynamic_range"] = false;
  Safetensors content;
  content.metadata["pristine"] = info.dump();
  WeightMaker maker(content, 1);
  maker.conv("head", 4, 3, 3);
  maker.pair("encoder.0.0", 4);
  maker.conv("down.0", 8, 4, 2);
  maker.pair("middle.0", 8);
  maker.conv("up.0", 4 * 4, 8, 1);
  maker.conv("tail", 3, 4, 3, true, 0.02);
  std::filesystem::create_directories(path.parent_path());
  writeBytes(path, formatSafetensors(content));
}

void writeTinyModel(const std::filesystem::path& path, std::uint32_t seed, int scale) {
  std::filesystem::create_directories(path.parent_path());
  writeBytes(path, formatSafetensors(tinyModel(seed, scale)));
}

void writeTinyModel(const std::filesystem::path& path, const nlohmann::json& info) {
  std::filesystem::create_directories(path.parent_path());
  Safetensors content = tinyModel(1, info.at("scale").get<int>());
  content.metadata["pristine"] = info.dump();
  writeBytes(path, formatSafetensors(content));
}

}  // namespace pristine::test
