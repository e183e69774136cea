#include "app/attention_bench.h"

#include <gtest/gtest.h>

#include <limits>
#include <nlohmann/json.hpp>

namespace pristine {

namespace {

AttentionStudy example() {
  AttentionStudy study;
  study.isa = "AVX2";
  study.threads = 2;
  study.matmulGflops = 70;
  study.attentionGflops = 50;
  study.systems.push_back(
      {"latent", "MLA", 1e-6, {{"paper", "small", ClaimVerdict::Reproduced, "84 %"}}});
  study.systems.push_back({"network", "U", std::numeric_limits<double>::quiet_NaN()});
  AttentionMeasurement m;
  m.system = "latent";
  m.variant = "absorbed";
  m.tokens = 4096;
  m.cost = {{0.5, 0.4, 0.6, 7}, 1000, 100};
  m.baseline = {{1.0, 0.9, 1.1, 7}, 3000, 400};
  m.stateBytes = 80;
  m.baselineStateBytes = 512;
  study.measurements.push_back(m);
  m.tokens = 1024;
  m.cost.seconds.median = 2.0;
  study.measurements.push_back(m);
  return study;
}

TEST(AttentionBench, JsonHoldsTimesRatiosAndClaims) {
  const auto report = nlohmann::json::parse(attentionStudyJson(example()));
  EXPECT_EQ(report["schema"], 1);
  EXPECT_EQ(report["systems"][0]["max_error"], 1e-6);
  EXPECT_TRUE(report["systems"][1]["max_error"].is_null());
  const auto& claim = report["systems"][0]["claims"][0];
  EXPECT_EQ(claim["source"], "paper");
  EXPECT_EQ(claim["verdict"], "reproduced");
  EXPECT_EQ(claim["figure"], "84 %");
  // Twice as slow at 1024 tokens, twice as fast at 4096.
  ASSERT_EQ(report["break_even"].size(), 1U);
  EXPECT_NEAR(report["break_even"][0]["tokens"].get<double>(), 2048.0, 1e-6);
  const auto& m = report["measurements"][0];
  EXPECT_EQ(m["tokens"], 4096);
  EXPECT_EQ(m["speedup"], 2.0);
  EXPECT_EQ(m["mac_ratio"], 3.0);
  EXPECT_EQ(m["byte_ratio"], 4.0);
  EXPECT_EQ(m["cost"]["seconds_p90"], 0.6);
  EXPECT_EQ(m["baseline"]["runs"], 7);
  EXPECT_EQ(m["baseline_state_bytes"], 512.0);
}

}  // namespace

}  // namespace pristine
