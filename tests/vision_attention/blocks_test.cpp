#include "vision_attention/blocks.h"

#include <gtest/gtest.h>

#include "core/safetensors.h"
#include "tests/support/compare.h"
#include "tests/support/graph_runner.h"
#include "tests/support/random.h"
#include "vision_attention/ops/conv.h"

namespace va::test {
namespace {

/// A file of data/training/parity.py.
struct ParityCase {
  std::map<std::string, std::string> metadata;
  Weights weights;
  std::map<std::string, Array> maps;  ///< input, output and so on, as [1, h, w, c]

  explicit ParityCase(const std::string& name) {
    const auto file = pristine::readSafetensors(std::string(PRISTINE_TEST_DATA "/parity_") + name +
                                                ".safetensors");
    metadata = file.metadata;
    for (const auto& [key, tensor] : file.tensors) {
      if (key == "input" || key == "skip" || key == "output") {
        maps[key] = Array(Shape(tensor.shape), tensor.values).permuted({0, 2, 3, 1});
      } else {
        weights.add(key, Shape(tensor.shape), tensor.values);
      }
    }
  }

  Dim option(const std::string& name) const { return std::stoll(metadata.at(name)); }
};

void expectBlockMatches(const std::string& name, Precision precision, const Tolerance& tolerance) {
  const ParityCase test(name);
  BlockOptions options;
  options.window = test.option("window");
  options.heads = test.option("heads");
  options.bins = test.option("bins");
  options.agents = test.option("agents");
  options.dynamicRange = test.option("dynamic_range") != 0;
  const Array actual = runGraph(
      [&](GraphBuilder& graph, const std::vector<Tensor>& in) {
        Tensor dst = block(graph, test.metadata.at("kind"), in[0], "block", options);
        EXPECT_TRUE(graph.unusedWeights().empty());
        return dst;
      },
      {test.maps.at("input")}, test.weights, {.precision = precision});
  EXPECT_TRUE(isNear(actual, test.maps.at("output"), tolerance));
}

TEST(Blocks, PairMatchesPyTorch) {
  expectBlockMatches("pair", Precision::F32, kParityTolerance);
}
TEST(Blocks, SeCbamPairMatchesPyTorch) {
  expectBlockMatches("se_cbam", Precision::F32, kParityTolerance);
}
TEST(Blocks, AgentBlockMatchesPyTorch) {
  expectBlockMatches("agent", Precision::F32, kParityTolerance);
}
TEST(Blocks, HistogramBlockMatchesPyTorch) {
  expectBlockMatches("histogram", Precision::F32, kParityTolerance);
}
TEST(Blocks, HistogramBlockWithoutDynamicRangeMatchesPyTorch) {
  expectBlockMatches("histogram_unsorted", Precision::F32, kParityTolerance);
}

TEST(Blocks, Bf16StaysNearPyTorch) {
  SKIP_WITHOUT_BF16();
  for (const char* name : {"pair", "se_cbam", "agent"}) {
    SCOPED_TRACE(name);
    expectBlockMatches(name, Precision::BF16, kBf16Tolerance);
  }
}

TEST(Blocks, DownsampleMatchesPyTorch) {
  const ParityCase test("down");
  const Array& expected = test.maps.at("output");
  const Array actual = runGraph(
      [&](GraphBuilder& graph, const std::vector<Tensor>& in) {
        return downsample(graph, in[0], "down", expected.size(3));
      },
      {test.maps.at("input")}, test.weights);
  EXPECT_TRUE(isNear(actual, expected, kParityTolerance));
}

TEST(Blocks, UpsampleMatchesPyTorch) {
  const ParityCase test("up");
  const Array actual =
      runGraph([&](GraphBuilder& graph,
                   const std::vector<Tensor>& in) { return upsample(graph, in[0], in[1], "up"); },
               {test.maps.at("input"), test.maps.at("skip")}, test.weights);
  EXPECT_TRUE(isNear(actual, test.maps.at("output"), kParityTolerance));
}

TEST(Blocks, UnknownKindIsAnError) {
  EXPECT_EQ(messageOf([] {
              describeOnly(
                  [](GraphBuilder& graph, const std::vector<Tensor>& in) {
                    return block(graph, "transformer", in[0], "middle.2", {});
                  },
                  {Array({1, 4, 4, 4})});
            }),
            "block 'middle.2' is of unknown kind 'transformer'");
}

TEST(Blocks, WindowThatDoesNotTileTheMapIsAnError) {
  for (const char* name : {"se_cbam", "agent", "histogram"}) {
    SCOPED_TRACE(name);
    const ParityCase test(name);
    const Dim c = test.maps.at("input").size(3);
    const std::string message = messageOf([&] {
      describeOnly(
          [&](GraphBuilder& graph, const std::vector<Tensor>& in) {
            return block(graph, name, in[0], "block", {.window = 7});
          },
          {Array({1, 8, 8, c})}, test.weights);
    });
    EXPECT_NE(message.find(Shape({1, 8, 8, c}).toString()), std::string::npos) << message;
    EXPECT_NE(message.find('7'), std::string::npos) << message;
  }
}

}  // namespace
}  // namespace va::test
