#include "core/attention_study.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <nlohmann/json.hpp>

#include "core/attention_claims.h"
#include "core/attention_network.h"
#include "core/error.h"
#include "vision_attention/graph.h"
#include "vision_attention/graph_builder.h"
#include "vision_attention/weights.h"

namespace pristine {

namespace {

AttentionStudyOptions quick(std::vector<std::string> systems) {
  return {.systems = std::move(systems), .quick = true, .threads = 1};
}

TEST(AttentionStudy, EverySystemIsCloseToItsDefinition) {
  std::stop_source stop;
  stop.request_stop();  // errors only, no measurements
  const AttentionStudy study = studyAttention(quick({}), stop.get_token());
  EXPECT_TRUE(study.stopped);
  EXPECT_TRUE(study.measurements.empty());
  ASSERT_EQ(study.systems.size(), attentionSystems().size());
  for (const AttentionSystem& system : study.systems) {
    if (system.name == "network") continue;  // measures time alone
    EXPECT_LE(system.maxError, 1e-4) << system.name;
    EXPECT_GT(system.maxError, 0.0) << system.name;
  }
}

TEST(AttentionStudy, ChosenSystemsAreMeasuredOnBothSides) {
  std::vector<std::string> told;
  const AttentionStudy study =
      studyAttention(quick({"generalized_probabilistic"}), {},
                     [&](const std::string& text) { told.push_back(text); });
  ASSERT_EQ(study.measurements.size(), 1U);
  const AttentionMeasurement& m = study.measurements.front();
  EXPECT_EQ(m.system, "generalized_probabilistic");
  EXPECT_EQ(m.tokens, 1024);
  EXPECT_DOUBLE_EQ(m.macRatio(), 0.5);
  EXPECT_GT(m.speedup(), 0.0);
  EXPECT_GE(m.cost.seconds.runs, 3U);
  EXPECT_LE(m.cost.seconds.low, m.cost.seconds.median);
  EXPECT_LE(m.cost.seconds.median, m.cost.seconds.high);
  EXPECT_GT(m.cost.bytes, 5U * 1024 * 256 * sizeof(float));
  EXPECT_GT(study.matmulGflops, 0.0);
  EXPECT_GT(study.attentionGflops, 0.0);
  EXPECT_EQ(told.back(), "generalized_probabilistic, 1024 tokens");
}

AttentionMeasurement measured(const std::string& system, const std::string& variant,
                              std::int64_t tokens, double speedup) {
  AttentionMeasurement m;
  m.system = system;
  m.variant = variant;
  m.tokens = tokens;
  m.cost = {{.median = 1.0}, 10, 1};
  m.baseline = {{.median = speedup}, 100, 1};
  return m;
}

TEST(AttentionClaims, FollowWhatWasMeasured) {
  AttentionStudy study;
  EXPECT_EQ(judgeClaims("sparse", study).front().verdict, ClaimVerdict::NotMeasured);
  study.measurements.push_back(measured("sparse", "h 4, d 64", 65536, 8.9));
  EXPECT_EQ(judgeClaims("sparse", study).front().verdict, ClaimVerdict::NotReproduced);
  study.measurements.front() = measured("sparse", "h 4, d 64", 65536, 9.1);
  const AttentionClaim claim = judgeClaims("sparse", study).front();
  EXPECT_EQ(claim.verdict, ClaimVerdict::Reproduced);
  EXPECT_EQ(claim.figure, "9.10 times as fast, 10.00 by multiply-adds, at 65536 tokens");
}

TEST(AttentionClaims, EverySystemButTheBaselineHasSomeAndTheFullPlanMeasuresTheirs) {
  AttentionStudy study;
  for (const AttentionCase& work : attentionCases(false)) {
    study.measurements.push_back(measured(work.system, work.variant, work.tokens, 2.0));
  }
  for (const std::string& system : attentionSystems()) {
    if (system == "softmax" || system == "network") continue;
    const auto claims = judgeClaims(system, study);
    EXPECT_GE(claims.size(), 2U) << system;
    for (const AttentionClaim& claim : claims) {
      EXPECT_NE(claim.verdict, ClaimVerdict::NotMeasured) << system << ": " << claim.text;
      EXPECT_FALSE(claim.figure.empty()) << system << ": " << claim.text;
    }
  }
}

TEST(AttentionNetwork, HasTheWeightsOfItsPyTorchTwinAndReadsThemAll) {
  std::ifstream file(PRISTINE_TEST_DATA "/attention_networks.json");
  const auto twins = nlohmann::json::parse(file);
  const auto networks = attentionNetworks();
  ASSERT_EQ(networks.size(), twins.size());
  for (const AttentionCase& network : networks) {
    SCOPED_TRACE(network.variant);
    const auto& twin = twins.at(network.variant);
    std::size_t found = 0;
    for (const std::string& name : network.weights->names()) {
      if (name.starts_with("middle.") && !name.starts_with("middle.0.")) continue;
      ++found;
      ASSERT_TRUE(twin.contains(name)) << name;
      const auto shape = twin.at(name).get<std::vector<va::Dim>>();
      const va::Shape& own = network.weights->shape(name);
      std::vector<va::Dim> sizes;
      for (std::size_t i = 0; i < own.rank(); ++i) sizes.push_back(own[static_cast<int>(i)]);
      EXPECT_EQ(sizes, shape) << name;
    }
    EXPECT_EQ(found, twin.size());
    va::GraphBuilder builder(*network.weights, va::Precision::F32);
    network.describe(builder);
    EXPECT_THAT(builder.unusedWeights(), testing::IsEmpty());
  }
}

TEST(AttentionStudy, UnknownSystemIsRefusedWithTheKnownOnes) {
  try {
    studyAttention(quick({"sparse", "magic"}));
    FAIL() << "nothing was thrown";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::Usage);
    EXPECT_NE(std::string(error.what()).find("'magic'"), std::string::npos);
    EXPECT_NE(std::string(error.what()).find("mixture_of_heads"), std::string::npos);
  }
}

}  // namespace

}  // namespace pristine
