#include "vision_attention/network.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>

#include "core/model.h"
#include "core/safetensors.h"
#include "tests/support/compare.h"
#include "tests/support/random.h"
#include "tests/support/random_weights.h"
#include "tests/support/reference.h"
#include "vision_attention/limit.h"

namespace va::test {
namespace {

/// [1, h, w, c] in and out.
Array runNetwork(Network& network, const Array& image) {
  const auto input = network.input();
  const auto values = image.floats();
  EXPECT_EQ(input.size(), values.size());
  std::copy(values.begin(), values.end(), input.begin());
  EXPECT_TRUE(network.run());
  const Dim side = static_cast<Dim>(std::lround(
      std::sqrt(static_cast<double>(network.output().size()) / static_cast<double>(input.size()))));
  return {{1, side * image.size(1), side * image.size(2), 3}, network.output()};
}

Array restored(const NetworkConfig& config, const Weights& weights, const Array& image,
               int threads = 1, Precision precision = Precision::F32) {
  const Engine engine(threads);
  Network network(engine, config, weights, image.size(1), image.size(2), precision);
  return runNetwork(network, image);
}

/// What PyTorch made of a network with random weights (data/training/parity.py).
void expectMatchesPyTorch(const std::string& fileName) {
  auto file = pristine::readSafetensors(std::string(PRISTINE_TEST_DATA "/") + fileName);
  const auto take = [&](const std::string& name) {
    const auto tensor = file.tensors.extract(name).mapped();
    return Array(Shape(tensor.shape), tensor.values).permuted({0, 2, 3, 1});
  };
  const Array input = take("input");
  const Array output = take("output");
  const auto model = pristine::Model::fromSafetensors(std::move(file), "parity");
  EXPECT_TRUE(isNear(restored(model->config(), model->weights(), input), output, kParityTolerance));
}

TEST(Network, MatchesPyTorchWithAllFourSystems) {
  expectMatchesPyTorch("parity_network.safetensors");
}

TEST(Network, MatchesPyTorchEnlarging) {
  expectMatchesPyTorch("parity_upscale.safetensors");
}

/// head -> pair -> tail -> depth to space on the repeated picture, in f64.
Array referenceUpscale(const NetworkConfig& config, const Weights& weights, const Array& image) {
  const auto weight = [&](const std::string& name) {
    const Shape& shape = weights.shape(name);
    return Array(shape, weights.get(name, shape));
  };
  const auto conv = [&](const Array& src, const std::string& name) {
    return refConv2d(src, weight(name + ".weight"), weight(name + ".bias"), {.padding = 1});
  };
  Array x = conv(image, "head");
  const Array branch = conv(map(conv(x, "middle.0.conv0"), refRelu), "middle.0.conv1");
  const Array scale = weight("middle.0.scale");
  for (std::size_t i = 0; i < x.elements(); ++i) {
    x.values()[i] += branch.values()[i] * scale.values()[i % scale.elements()];
  }
  return refRepeat(image, config.scale) + refDepthToSpace(conv(x, "tail"), config.scale);
}

TEST(Network, EnlargesAsItsDefinitionSays) {
  for (const int scale : {1, 2, 3, 4}) {
    SCOPED_TRACE(scale);
    Random random(504);
    NetworkConfig config;
    config.channels = {7};
    config.middle = {"pair"};
    config.window = 5;
    config.scale = scale;
    const Weights weights = randomWeights(config);
    const Array image = random.uniform({1, 5, 15, 3}, 0.0, 1.0);
    const Array result = restored(config, weights, image);
    EXPECT_EQ(result.shape(), Shape({1, 5 * scale, 15 * scale, 3}));
    EXPECT_TRUE(isNear(result, referenceUpscale(config, weights, image), kParityTolerance));
  }
}

TEST(Network, EnlargesWithThreeLevelsAndAllFourSystems) {
  Random random(505);
  for (const int scale : {2, 3, 4}) {
    NetworkConfig config = smallNetworkConfig();
    config.channels = {8, 12, 16};
    config.encoder.push_back({"histogram", "pair"});
    config.decoder.push_back({"agent"});
    config.window = 64;
    config.scale = scale;
    const Weights weights = randomWeights(config);
    EXPECT_NO_THROW(checkWeights(config, weights));
    const Array image = random.uniform({1, 64, 64, 3}, 0.0, 1.0);
    const Array one = restored(config, weights, image, 1);
    EXPECT_EQ(one.shape(), Shape({1, 64 * scale, 64 * scale, 3}));
    EXPECT_TRUE(isEqual(restored(config, weights, image, 2), one));
  }
}

TEST(Network, Bf16StaysNearF32) {
  SKIP_WITHOUT_BF16();
  Random random(501);
  NetworkConfig config = smallNetworkConfig();
  // Rounded values sort otherwise, and with random weights that is another picture; the histogram
  // block has its own test in bf16.
  std::replace(config.middle.begin(), config.middle.end(), std::string("histogram"),
               std::string("pair"));
  const Weights weights = randomWeights(config);
  const Array image = random.uniform({1, 32, 32, 3}, 0.0, 1.0);
  EXPECT_TRUE(isNear(restored(config, weights, image, 1, Precision::BF16),
                     restored(config, weights, image), {1e30, 5e-2}));
}

TEST(Network, ThreadsDoNotChangeTheResult) {
  Random random(502);
  for (const NetworkConfig& config : {smallNetworkConfig(), defaultNetworkConfig()}) {
    const Weights weights = randomWeights(config);
    const Array image = random.uniform({1, config.window, config.window, 3}, 0.0, 1.0);
    EXPECT_TRUE(isEqual(restored(config, weights, image, 2), restored(config, weights, image, 1)));
  }
}

TEST(Network, TwoRunsGiveTheSameBits) {
  Random random(503);
  const NetworkConfig config = smallNetworkConfig();
  const Weights weights = randomWeights(config);
  const Engine engine(2);
  Network network(engine, config, weights, 32, 48, Precision::F32);
  const Array image = random.uniform({1, 32, 48, 3}, 0.0, 1.0);
  const Array first = runNetwork(network, image);
  // Another image between them: nothing of it may stay behind.
  runNetwork(network, random.normal({1, 32, 48, 3}, 0.0, 100.0));
  EXPECT_TRUE(isEqual(runNetwork(network, image), first));
}

TEST(Network, LifetimePlanSavesMemory) {
  const NetworkConfig config = defaultNetworkConfig();
  const Weights weights = randomWeights(config);
  const Engine engine(1);
  const Network network(engine, config, weights, 128, 128, Precision::F32);
  const Graph& graph = network.graph();
  EXPECT_LT(graph.arenaBytes(), graph.unsharedBytes() / 3);
  // Never less than the largest layer needs: source and result at full resolution.
  EXPECT_GE(graph.arenaBytes(), std::size_t{2} * 128 * 128 * 32 * sizeof(float));
}

TEST(Network, ActivationBytesAreTheArenaWithoutScratch) {
  for (const NetworkConfig& config : {smallNetworkConfig(), defaultNetworkConfig()}) {
    const Weights weights = randomWeights(config);
    const Engine engine(1);
    const Dim side = Dim{2} * config.window;
    const Network network(engine, config, weights, side, side, Precision::F32);
    const std::size_t planned = activationBytes(config, weights, side, side, Precision::F32);
    EXPECT_LE(planned, network.graph().arenaBytes());
    EXPECT_GT(planned, network.graph().arenaBytes() / 2);
  }
}

TEST(Network, ReportSaysWhatEachStepReadsAndMultiplies) {
  NetworkConfig config;
  config.channels = {8};
  config.middle = {"pair"};
  config.window = 4;
  const Weights weights = randomWeights(config);
  const Engine engine(1);
  Network network(engine, config, weights, 4, 8, Precision::F32,
                  {{"middle.0.conv0", 0.1F}, {"middle.0.conv1", 0.1F}});
  network.graph().setProfiling(true);
  network.run();
  const auto steps = network.graph().report();
  // Where convolutions add no residuals, a step of its own does.
  const bool fused = std::ranges::none_of(
      steps, [](const OperatorReport& step) { return step.name == "middle.0.conv1.residual"; });
  constexpr std::uint64_t kMap = 4 * 8 * 8;
  const std::map<std::string, std::uint64_t> bytes{
      {"middle.0.quantize", kMap * (4 + 1)},
      {"middle.0.conv0", kMap * (1 + 1)},
      {"middle.0.conv1", kMap * (fused ? 1 + 4 + 4 : 1 + 4)}};
  double last = 0;
  for (const OperatorReport& step : steps) {
    const auto expected = bytes.find(step.name);
    if (expected != bytes.end()) {
      EXPECT_EQ(step.bytes, expected->second) << step.name;
    }
    EXPECT_EQ(step.arithmetic == Arithmetic::Int8, step.kind == "conv3x3 int8") << step.name;
    EXPECT_GE(step.start, last) << step.name;
    last = step.start + step.seconds;
  }
}

TEST(Limit, IsMeasuredWhereTheProcessorHasTheArithmetic) {
  const Engine engine(1);
  EXPECT_GT(convolutionLimit(engine, Arithmetic::F32, 0.01), 1.0);
  EXPECT_EQ(convolutionLimit(engine, Arithmetic::BF16, 0.01) > 0, cpuFeatures().bf16);
  EXPECT_EQ(convolutionLimit(engine, Arithmetic::Int8, 0.01) > 0, cpuFeatures().int8);
}

/// "operator (kind): implementation" of every step that runs on a oneDNN reference loop.
std::vector<std::string> referenceSteps(const NetworkConfig& config, Precision precision) {
  const Weights weights = randomWeights(config);
  const Engine engine(2);
  const Network network(engine, config, weights, config.window, config.window, precision);
  std::vector<std::string> slow;
  for (const OperatorReport& step : network.graph().report()) {
    if (step.implementation.find("ref") != std::string::npos) {
      slow.push_back(step.name + " (" + step.kind + "): " + step.implementation);
    }
  }
  return slow;
}

TEST(Network, NoStepRunsOnAReferenceImplementationInF32) {
  EXPECT_EQ(referenceSteps(defaultNetworkConfig(), Precision::F32), std::vector<std::string>());
}

TEST(Network, NoStepRunsOnAReferenceImplementationInBf16) {
  SKIP_WITHOUT_BF16();
  EXPECT_EQ(referenceSteps(defaultNetworkConfig(), Precision::BF16), std::vector<std::string>());
}

TEST(Network, StopEndsTheRunWithinOneOperator) {
  const NetworkConfig config = smallNetworkConfig();
  const Weights weights = randomWeights(config);
  const Engine engine(1);
  Network network(engine, config, weights, 16, 16, Precision::F32);
  const std::size_t steps = network.graph().report().size();
  for (std::size_t wanted = 0; wanted < steps; ++wanted) {
    std::stop_source stop;
    if (wanted == 0) stop.request_stop();
    std::size_t done = 0;
    const RunControl control{stop.get_token(), [&](std::uint64_t, std::uint64_t) {
                               if (++done == wanted) stop.request_stop();
                             }};
    // The stop is asked for while the last step reports only when all steps are done.
    EXPECT_FALSE(network.run(control));
    EXPECT_EQ(done, wanted);
  }
}

TEST(Network, ProgressAddsUpToTheWork) {
  const NetworkConfig config = smallNetworkConfig();
  const Weights weights = randomWeights(config);
  const Engine engine(1);
  Network network(engine, config, weights, 16, 32, Precision::F32);
  std::uint64_t last = 0;
  EXPECT_TRUE(network.run({{}, [&](std::uint64_t done, std::uint64_t total) {
                             EXPECT_GE(done, last);
                             EXPECT_EQ(total, network.graph().macs());
                             last = done;
                           }}));
  EXPECT_EQ(last, network.graph().macs());
  EXPECT_DOUBLE_EQ(static_cast<double>(last), macsPerPixel(config, weights) * 16 * 32);
}

TEST(Network, MacsPerPixelOfAPairIsItsConvolutions) {
  NetworkConfig config;
  config.channels = {8};
  config.middle = {"pair"};
  config.window = 4;
  EXPECT_DOUBLE_EQ(macsPerPixel(config, randomWeights(config)),
                   3 * 8 * 9 + 2 * (8 * 8 * 9) + 8 * 3 * 9);
}

TEST(Network, ErrorsNameTheFieldOfTheConfiguration) {
  const auto error = [](const std::function<void(NetworkConfig&)>& change) {
    NetworkConfig config = smallNetworkConfig();
    change(config);
    return messageOf([&] { config.validate(); });
  };
  EXPECT_EQ(error([](NetworkConfig&) {}), "nothing was thrown");
  EXPECT_EQ(error([](NetworkConfig& c) { c.imageChannels = 0; }),
            "network: image_channels is 0, expected 1 to 64");
  EXPECT_EQ(error([](NetworkConfig& c) { c.scale = 5; }), "network: scale is 5, expected 1 to 4");
  EXPECT_EQ(error([](NetworkConfig& c) { c.scale = 0; }), "network: scale is 0, expected 1 to 4");
  EXPECT_EQ(error([](NetworkConfig& c) { c.channels.clear(); }),
            "network: channels has 0 levels, expected 1 to 8");
  EXPECT_EQ(error([](NetworkConfig& c) { c.channels[1] = -4; }),
            "network: channels holds -4, expected 1 to 4096");
  EXPECT_EQ(error([](NetworkConfig& c) { c.encoder.push_back({}); }),
            "network: encoder has 2 stages, expected 1");
  EXPECT_EQ(error([](NetworkConfig& c) { c.decoder.clear(); }),
            "network: decoder has 0 stages, expected 1");
  EXPECT_EQ(error([](NetworkConfig& c) { c.window = 15; }),
            "network: window is 15, expected a multiple of 2 up to 4096");
  EXPECT_EQ(error([](NetworkConfig& c) { c.heads = 0; }), "network: heads is 0");
  EXPECT_EQ(error([](NetworkConfig& c) { c.bins = -1; }), "network: bins is -1");
  EXPECT_EQ(error([](NetworkConfig& c) { c.agents = 0; }), "network: agents is 0");
}

TEST(Network, TileThatIsNoMultipleOfTheWindowIsAnError) {
  const NetworkConfig config = smallNetworkConfig();
  const Weights weights = randomWeights(config);
  const Engine engine(1);
  for (const Dim height : {0, 15, 24}) {
    EXPECT_EQ(messageOf([&] { Network(engine, config, weights, height, 32, Precision::F32); }),
              "network: tile is 32x" + std::to_string(height) + ", expected multiples of 16");
  }
}

TEST(Network, EveryWeightIsWantedInItsShape) {
  const NetworkConfig config = smallNetworkConfig();
  const Weights complete = randomWeights(config);
  EXPECT_NO_THROW(checkWeights(config, complete));
  for (const std::string& name : complete.names()) {
    Weights missing;
    Weights misshaped;
    for (const std::string& other : complete.names()) {
      const Shape& shape = complete.shape(other);
      const auto& values = complete.get(other, shape);
      if (other != name) missing.add(other, shape, values);
      std::vector<Dim> dims = shape.dims();
      if (other == name) dims.insert(dims.begin(), 1);
      misshaped.add(other, Shape(dims), values);
    }
    EXPECT_NE(
        messageOf([&] { checkWeights(config, missing); }).find("weight '" + name + "' is missing"),
        std::string::npos);
    EXPECT_NE(
        messageOf([&] { checkWeights(config, misshaped); }).find("weight '" + name + "' is ["),
        std::string::npos);
  }
}

TEST(Network, SuperfluousWeightIsAnError) {
  const NetworkConfig config = smallNetworkConfig();
  Weights weights = randomWeights(config);
  weights.add("middle.9.conv0.bias", {1}, {0.0F});
  EXPECT_EQ(messageOf([&] { checkWeights(config, weights); }),
            "weight 'middle.9.conv0.bias' belongs to no part of the network");
}

TEST(Network, ConfigurationThatNoWindowCanHoldIsAnError) {
  NetworkConfig config = smallNetworkConfig();
  const Weights weights = randomWeights(config);
  config.agents = 9;  // windows of the deeper level have 8 a side
  EXPECT_NE(messageOf([&] { checkWeights(config, weights); }), "nothing was thrown");
  config = smallNetworkConfig();
  config.heads = 5;
  EXPECT_NE(messageOf([&] { checkWeights(config, weights); }).find("channels in 5 heads"),
            std::string::npos);
}

}  // namespace
}  // namespace va::test
