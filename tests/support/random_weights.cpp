#include "tests/support/random_weights.h"

#include <algorithm>
#include <cmath>
#include <stdexcept>
#include <string>

#include "tests/support/random.h"

namespace va::test {

namespace {

/// Adds the parameters of one module after another, as their constructors list them.
class Modules {
 public:
  Modules(const NetworkConfig& config, std::uint64_t seed) : config_(config), random_(seed) {}

  void conv(const std::string& name, Dim oc, Dim icGroup, Dim kernel, bool bias = true) {
    fanIn(name + ".weight", {oc, icGroup, kernel, kernel}, icGroup * kernel * kernel);
    if (bias) add(name + ".bias", random_.normal({oc}, 0.0, 0.1));
  }

  void linear(const std::string& name, Dim oc, Dim ic) {
    fanIn(name + ".weight", {oc, ic}, ic);
    add(name + ".bias", random_.normal({oc}, 0.0, 0.1));
  }

  void block(const std::string& kind, const std::string& scope, Dim c, Dim window) {
    if (kind == "pair" || kind == "se_cbam") {
      conv(scope + ".conv0", c, c, 3);
      conv(scope + ".conv1", c, c, 3);
      add(scope + ".scale", random_.uniform({c}, 0.1, 0.3));
      if (kind == "se_cbam") seCbam(scope + ".fusion", c);
    } else if (kind == "agent") {
      agent(scope + ".attention", c, window);
      linear(scope + ".feed_forward.expand", 2 * c, c);
      linear(scope + ".feed_forward.reduce", c, 2 * c);
    } else if (kind == "histogram") {
      histogram(scope + ".attention", c);
      dualScale(scope + ".feed_forward", c);
    } else {
      throw std::invalid_argument("random weights of block kind '" + kind + "'");
    }
  }

  void stage(const Stage& kinds, const std::string& scope, int level) {
    for (std::size_t i = 0; i < kinds.size(); ++i) {
      block(kinds[i], scope + "." + std::to_string(i), channels(level), config_.window >> level);
    }
  }

  void network() {
    const int deepest = config_.levels() - 1;
    conv("head", channels(0), config_.imageChannels, 3);
    for (int l = 0; l < deepest; ++l) {
      const std::string index = std::to_string(l);
      const auto i = static_cast<std::size_t>(l);
      stage(config_.encoder[i], "encoder." + index, l);
      conv("down." + index, channels(l + 1), channels(l), 2);
      conv("up." + index, 4 * channels(l), channels(l + 1), 1);
      stage(config_.decoder[i], "decoder." + index, l);
    }
    stage(config_.middle, "middle", deepest);
    conv("tail", Dim{config_.imageChannels} * config_.scale * config_.scale, channels(0), 3);
  }

  Weights take() { return std::move(weights_); }

 private:
  Dim channels(int level) const { return config_.channels[static_cast<std::size_t>(level)]; }

  void add(const std::string& name, const Array& values) {
    weights_.add(name, values.shape(), values.floats());
  }

  void fanIn(const std::string& name, const Shape& shape, Dim inputs) {
    add(name, random_.normal(shape, 0.0, 1.0 / std::sqrt(static_cast<double>(inputs))));
  }

  void seCbam(const std::string& scope, Dim c) {
    const Dim hidden = std::max<Dim>(4, c / 16);
    linear(scope + ".reduce", hidden, c);
    linear(scope + ".expand", c, hidden);
    conv(scope + ".spatial", 1, 2, 7);
  }

  void agent(const std::string& scope, Dim c, Dim window) {
    const Dim n = Dim{config_.agents} * config_.agents;
    const Dim heads = config_.heads;
    for (const char* name : {".q", ".k", ".v", ".projection"}) linear(scope + name, c, c);
    conv(scope + ".local", c, 1, 3);
    add(scope + ".agent_bias", random_.normal({heads, n, 7, 7}));
    add(scope + ".agent_row", random_.normal({heads, n, window}));
    add(scope + ".agent_column", random_.normal({heads, n, window}));
    add(scope + ".query_bias", random_.normal({heads, n, 7, 7}));
    add(scope + ".query_row", random_.normal({heads, window, n}));
    add(scope + ".query_column", random_.normal({heads, window, n}));
  }

  void histogram(const std::string& scope, Dim c) {
    conv(scope + ".qkv", 5 * c, c, 1, false);
    conv(scope + ".qkv_depthwise", 5 * c, 1, 3, false);
    conv(scope + ".projection", c, c, 1, false);
    add(scope + ".temperature", random_.uniform({config_.heads}, 0.5, 2.0));
  }

  void dualScale(const std::string& scope, Dim c) {
    const Dim quarter = std::lrint(static_cast<double>(c) * 2.667 / 4.0);
    conv(scope + ".expand", 8 * quarter, c, 1, false);
    conv(scope + ".depthwise5", quarter, 1, 5, false);
    conv(scope + ".depthwise3", quarter, 1, 3, false);
    conv(scope + ".reduce", c, 4 * quarter, 1, false);
  }

  const NetworkConfig& config_;
  Random random_;
  Weights weights_;
};

}  // namespace

NetworkConfig defaultNetworkConfig() {
  NetworkConfig config;
  config.channels = {32, 64, 128, 192};
  config.encoder = {{"pair", "pair"}, {"pair", "pair"}, {"pair", "se_cbam"}};
  config.middle = {"se_cbam", "histogram", "agent", "pair"};
  config.decoder = {{"pair", "pair", "pair"}, {"pair", "pair"}, {"pair", "pair"}};
  return config;
}

NetworkConfig smallNetworkConfig() {
  NetworkConfig config;
  config.channels = {8, 12};
  config.encoder = {{"pair", "agent"}};
  config.middle = {"se_cbam", "histogram", "agent", "pair"};
  config.decoder = {{"histogram", "se_cbam"}};
  config.window = 16;
  config.heads = 4;
  config.bins = 4;
  config.agents = 3;
  return config;
}

Weights randomWeights(const NetworkConfig& config, std::uint64_t seed) {
  Modules modules(config, seed);
  modules.network();
  return modules.take();
}

}  // namespace va::test
