#include "app/profile_report.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace pristine {
namespace {

using testing::HasSubstr;
using testing::Not;

std::vector<OperatorSummary> operators() {
  return {{"a.conv0", "conv3x3 int8", "brgconv", "int8", 4'000'000'000, 500'000'000, 0.02},
          {"a.conv1", "conv3x3 int8", "brgconv", "int8", 4'000'000'000, 500'000'000, 0.03},
          {"head", "conv3x3", "jit", "f32", 1'000'000'000, 0, 0.10},
          {"merge", "window", "native", "f32", 0, 1'000'000'000, 0.05}};
}

const ArithmeticLimits kLimits{2, 100, 0, 400};

TEST(ProfileReport, SumsKindsAndRanksThemByTime) {
  const std::string table = profileTable(operators(), kLimits, false);
  // 16 GFLOP in 0.05 s: 320 GFLOP/s, 80 % of 400; 1 GB: 20 GB/s.
  EXPECT_THAT(table, HasSubstr("conv3x3 int8            2      8.000     0.050   25.0     320.0"
                               "     20.00     80.0\n"));
  EXPECT_THAT(table, HasSubstr("conv3x3                 1      1.000     0.100   50.0      20.0"
                               "      0.00     20.0\n"));
  // 0.04 s and 0.02 s at the limits, of 0.2 s.
  EXPECT_THAT(table, HasSubstr("all                     4      9.000     0.200  100.0      90.0"
                               "     10.00     30.0\n"));
  EXPECT_THAT(table, HasSubstr("limit on 2 threads, GFLOP/s: f32 100.0 int8 400.0\n"));
  EXPECT_LT(table.find("conv3x3 "), table.find("conv3x3 int8"));
  EXPECT_THAT(table, Not(HasSubstr("a.conv0")));
}

TEST(ProfileReport, NamesEachOperatorOnDemand) {
  const std::string table = profileTable(operators(), kLimits, true);
  EXPECT_THAT(table, HasSubstr("a.conv1"));
  EXPECT_THAT(table, HasSubstr("30.000 ms      4.000 GMAC  brgconv\n"));
}

TEST(ProfileReport, SurvivesARunOfNothing) {
  EXPECT_THAT(profileTable({}, {}, true), HasSubstr("all "));
  EXPECT_TRUE(nlohmann::json::parse(chromeTrace({}, {}))["traceEvents"].empty());
}

TEST(ProfileReport, TraceHoldsEveryRunInMicroseconds) {
  const auto trace = nlohmann::json::parse(
      chromeTrace(operators(), {{2, 10.0, 0.5}, {0, 10.5, 0.25}, {2, 11.0, 0.125}}));
  const auto& events = trace["traceEvents"];
  ASSERT_EQ(events.size(), 3U);
  EXPECT_EQ(events[0]["name"], "head");
  EXPECT_EQ(events[0]["ph"], "X");
  EXPECT_DOUBLE_EQ(events[0]["ts"], 0.0);
  EXPECT_DOUBLE_EQ(events[1]["ts"], 5e5);
  EXPECT_DOUBLE_EQ(events[1]["dur"], 2.5e5);
  EXPECT_EQ(events[1]["args"]["arithmetic"], "int8");
  EXPECT_DOUBLE_EQ(events[2]["ts"], 1e6);
}

}  // namespace
}  // namespace pristine
