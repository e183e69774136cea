#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "tests/support/compare.h"
#include "tests/support/random.h"
#include "tests/support/random_weights.h"
#include "tests/support/reference.h"
#include "vision_attention/blocks.h"
#include "vision_attention/network.h"

namespace va::test {
namespace {

constexpr float kSignedLevel = 12.0F / 127;  ///< of activations of about unit variance
constexpr float kReluLevel = 10.0F / 255;

/// The precision beside int8 that this processor has.
Precision widest() {
  return cpuFeatures().bf16 ? Precision::BF16 : Precision::F32;
}

/// Scales for both convolutions of every pair.
InputScales scalesOf(const Weights& weights) {
  InputScales scales;
  for (const std::string& name : weights.names()) {
    const auto is = [&](const std::string& end) { return name.ends_with(end + ".weight"); };
    const std::string conv = name.substr(0, name.rfind('.'));
    if (is(".conv0")) scales[conv] = kSignedLevel;
    if (is(".conv1")) scales[conv] = kReluLevel;
  }
  return scales;
}

Array restored(const NetworkConfig& config, const Weights& weights, const Array& image,
               const InputScales& scales, int threads = 1, Precision precision = Precision::F32) {
  const Engine engine(threads);
  Network network(engine, config, weights, image.size(1), image.size(2), precision, scales);
  std::ranges::copy(image.floats(), network.input().begin());
  EXPECT_TRUE(network.run());
  return {image.shape(), network.output()};
}

/// One pair at full resolution between head and tail.
NetworkConfig pairConfig(int channels) {
  NetworkConfig config;
  config.channels = {channels};
  config.middle = {"pair"};
  config.window = 4;
  return config;
}

Array get(const Weights& weights, const std::string& name) {
  const Shape& shape = weights.shape(name);
  return {shape, weights.get(name, shape)};
}

/// Nearest of the levels, as values.
Array refRounded(const Array& src, double level, double lowest, double highest) {
  return map(src, [&](double v) {
    return level * std::clamp(std::nearbyint(v / level), lowest, highest);
  });
}

/// Weights rounded to the levels of their output channels.
Array refRoundedWeights(const Array& weights) {
  Array result = weights;
  const double largestLevel = cpuFeatures().int8 ? 127 : 63;
  for (Dim oc = 0; oc < weights.size(0); ++oc) {
    const auto count = weights.elements() / static_cast<std::size_t>(weights.size(0));
    const auto first =
        result.values().begin() + static_cast<std::ptrdiff_t>(static_cast<std::size_t>(oc) * count);
    const auto end = first + static_cast<std::ptrdiff_t>(count);
    double largest = 0;
    for (auto v = first; v != end; ++v) largest = std::max(largest, std::abs(*v));
    for (auto v = first; v != end; ++v) {
      *v = std::nearbyint(*v / largest * largestLevel) * largest / largestLevel;
    }
  }
  return result;
}

TEST(Int8Network, PairIsTheQuantisedComputation) {
  for (const int channels : {16, 32, 13}) {
    Random random(701);
    const NetworkConfig config = pairConfig(channels);
    const Weights weights = randomWeights(config);
    const Array image = random.uniform({1, 12, 20, 3}, 0.0, 1.0);
    const auto weight = [&](const std::string& name) { return get(weights, name); };
    const auto conv = [&](const Array& src, const std::string& name, const Array& w) {
      return refConv2d(src, w, weight(name + ".bias"), {.padding = 1});
    };

    const Array x = conv(image, "head", weight("head.weight"));
    const Array hidden = map(conv(refRounded(x, kSignedLevel, -127, 127), "middle.0.conv0",
                                  refRoundedWeights(weight("middle.0.conv0.weight"))),
                             refRelu);
    Array branch = conv(refRounded(hidden, kReluLevel, 0, 255), "middle.0.conv1",
                        refRoundedWeights(weight("middle.0.conv1.weight")));
    const Array scale = weight("middle.0.scale");
    for (std::size_t i = 0; i < branch.elements(); ++i) {
      branch.values()[i] *= scale.values()[i % static_cast<std::size_t>(channels)];
    }
    const Array expected = image + conv(x + branch, "tail", weight("tail.weight"));
    // A hidden value close to the middle of two levels may become the other one in f32.
    EXPECT_TRUE(
        isNear(restored(config, weights, image, scalesOf(weights)), expected, {0.02, 1e-4}));
  }
}

TEST(Int8Network, StaysNearF32) {
  Random random(702);
  // Without sorting, which turns a small difference into another order.
  NetworkConfig smooth = smallNetworkConfig();
  for (Stage* stage : {&smooth.encoder[0], &smooth.middle, &smooth.decoder[0]}) {
    std::ranges::replace(*stage, "histogram", "se_cbam");
  }
  for (const NetworkConfig& config : {smooth, pairConfig(32)}) {
    const Weights weights = randomWeights(config);
    const Array image = random.uniform({1, 32, 32, 3}, 0.0, 1.0);
    const Array f32 = restored(config, weights, image, {});
    const Array int8 = restored(config, weights, image, scalesOf(weights), 1, widest());
    EXPECT_TRUE(isNear(int8, f32, {1e30, 6e-2}));
    EXPECT_FALSE(isEqual(int8, restored(config, weights, image, {}, 1, widest())));
  }
}

TEST(Int8Network, ThreadsDoNotChangeTheResult) {
  Random random(703);
  for (const NetworkConfig& config : {smallNetworkConfig(), defaultNetworkConfig()}) {
    const Weights weights = randomWeights(config);
    const Array image = random.uniform({1, config.window, config.window, 3}, 0.0, 1.0);
    const InputScales scales = scalesOf(weights);
    EXPECT_TRUE(isEqual(restored(config, weights, image, scales, 2),
                        restored(config, weights, image, scales, 1)));
  }
}

TEST(Int8Network, TwoRunsGiveTheSameBits) {
  Random random(704);
  const NetworkConfig config = smallNetworkConfig();
  const Weights weights = randomWeights(config);
  const Engine engine(2);
  Network network(engine, config, weights, 32, 48, widest(), scalesOf(weights));
  const auto run = [&](const Array& image) {
    std::ranges::copy(image.floats(), network.input().begin());
    EXPECT_TRUE(network.run());
    return Array(image.shape(), network.output());
  };
  const Array image = random.uniform({1, 32, 48, 3}, 0.0, 1.0);
  const Array first = run(image);
  run(random.normal({1, 32, 48, 3}, 0.0, 100.0));
  EXPECT_TRUE(isEqual(run(image), first));
}

TEST(Int8Network, PairsWithoutScalesStayInFloatingPoint) {
  const NetworkConfig config = smallNetworkConfig();
  const Weights weights = randomWeights(config);
  const InputScales all = scalesOf(weights);
  const std::string pair = all.begin()->first.substr(0, all.begin()->first.rfind('.'));
  const InputScales one{{pair + ".conv0", kSignedLevel}, {pair + ".conv1", kReluLevel}};
  const Engine engine(1);
  const Network network(engine, config, weights, 16, 16, Precision::F32, one);
  std::vector<std::string> int8;
  for (const OperatorReport& step : network.graph().report()) {
    if (step.kind.find("int8") != std::string::npos) int8.push_back(step.name);
  }
  EXPECT_EQ(int8, (std::vector<std::string>{pair + ".conv0", pair + ".conv1"}));
}

TEST(Int8Network, NoStepRunsOnAReferenceImplementation) {
  const NetworkConfig config = defaultNetworkConfig();
  const Weights weights = randomWeights(config);
  const Engine engine(2);
  const Network network(engine, config, weights, config.window, config.window, widest(),
                        scalesOf(weights));
  std::size_t int8 = 0;
  for (const OperatorReport& step : network.graph().report()) {
    if (step.kind == "conv3x3 int8") ++int8;
    EXPECT_EQ(step.implementation.find("ref"), std::string::npos)
        << step.name << " (" << step.kind << "): " << step.implementation;
    // Nor on a plain matrix product, an order of magnitude behind.
    if (step.kind == "conv3x3 int8" && cpuFeatures().int8) {
      EXPECT_EQ(step.implementation.find("gemm"), std::string::npos)
          << step.name << ": " << step.implementation;
    }
  }
  EXPECT_EQ(int8, scalesOf(weights).size());
}

TEST(Int8Network, NeedsNoMoreMemory) {
  const NetworkConfig config = defaultNetworkConfig();
  const Weights weights = randomWeights(config);
  const Engine engine(1);
  const Network plain(engine, config, weights, 128, 128, widest());
  const Network int8(engine, config, weights, 128, 128, widest(), scalesOf(weights));
  EXPECT_LE(int8.graph().arenaBytes(), plain.graph().arenaBytes());
}

TEST(Int8Network, ScalesMustFitTheNetwork) {
  const NetworkConfig config = smallNetworkConfig();
  const Weights weights = randomWeights(config);
  const InputScales good = scalesOf(weights);
  ASSERT_FALSE(good.empty());
  const auto error = [&](const InputScales& scales) {
    return messageOf([&] { checkWeights(config, weights, scales); });
  };
  EXPECT_EQ(error(good), "nothing was thrown");
  InputScales scales = good;
  scales["middle.9.conv0"] = 1;
  EXPECT_EQ(error(scales), "int8 scale of 'middle.9.conv0' belongs to no pair of the network");
  scales = good;
  const std::string name = scales.begin()->first;
  scales.erase(name);
  EXPECT_EQ(error(scales),
            "pair '" + name.substr(0, name.rfind('.')) + "': int8 scale of one convolution only");
  for (const float bad : {0.0F, -1.0F, NAN, INFINITY}) {
    scales = good;
    scales[name] = bad;
    EXPECT_EQ(error(scales),
              "int8 scale of '" + name + "' is " + std::to_string(bad) + ", expected more than 0");
  }
}

}  // namespace
}  // namespace va::test
