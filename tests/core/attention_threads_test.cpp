#include <gtest/gtest.h>

#include <algorithm>
#include <cctype>
#include <cstddef>
#include <span>

#include "core/attention_cases.h"
#include "core/layer_weights.h"
#include "vision_attention/graph.h"
#include "vision_attention/graph_builder.h"

namespace pristine {

namespace {

/// Bytes of the result of one run.
std::vector<std::byte> output(const AttentionCase& work, int threads) {
  va::GraphBuilder builder(*work.weights, va::Precision::F32);
  work.describe(builder);
  const va::Engine engine(threads);
  const auto graph = builder.compile(engine);
  std::uint64_t seed = 0;
  for (const std::string& name : graph->inputNames()) {
    fillPseudoNormal(graph->data<float>(name), ++seed);
  }
  graph->run();
  const auto bytes = std::as_bytes(std::span<const float>(graph->data<float>("out")));
  return {bytes.begin(), bytes.end()};
}

std::vector<AttentionCase> everyLayer() {
  // Of one layer at several sizes the smallest will do.
  std::vector<AttentionCase> layers;
  for (AttentionCase& work : attentionCases(true)) {
    const bool known = std::ranges::any_of(layers, [&](const AttentionCase& other) {
      return other.system == work.system && other.variant == work.variant;
    });
    if (!known) layers.push_back(std::move(work));
  }
  return layers;
}

std::string nameOf(const testing::TestParamInfo<AttentionCase>& info) {
  std::string name = info.param.system + "_" + info.param.variant;
  for (char& c : name) {
    if (std::isalnum(static_cast<unsigned char>(c)) == 0) c = '_';
  }
  return name;
}

class AttentionThreads : public testing::TestWithParam<AttentionCase> {};

TEST_P(AttentionThreads, DoNotChangeABitOfTheResult) {
  const auto one = output(GetParam(), 1);
  ASSERT_FALSE(one.empty());
  EXPECT_TRUE(output(GetParam(), 2) == one);
  EXPECT_TRUE(output(GetParam(), 3) == one);
}

INSTANTIATE_TEST_SUITE_P(EverySystem, AttentionThreads, testing::ValuesIn(everyLayer()), nameOf);

}  // namespace

}  // namespace pristine
