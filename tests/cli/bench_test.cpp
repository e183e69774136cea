#include <gmock/gmock.h>

#include <nlohmann/json.hpp>

#include "tests/cli/command_line.h"

namespace pristine {
namespace {

using nlohmann::json;
using test::CommandLine;
using test::ProcessResult;
using testing::HasSubstr;

class Bench : public CommandLine {
 protected:
  std::string model() const { return path("models/denoise.safetensors"); }
};

TEST_F(Bench, MeasuresAModelInEveryPrecisionOnOffer) {
  const ProcessResult result = run({"bench", model(), "--json", "--threads", "2"});
  ASSERT_EQ(result.exitCode, 0) << result.err;
  const json report = json::parse(result.out);
  EXPECT_EQ(report["processor"]["threads"], 2);
  EXPECT_GT(report["limit_gflops"]["f32"], 1.0);
  EXPECT_EQ(report["limit_gflops"]["bf16"].is_null(), !report["processor"]["bf16"].get<bool>());
  EXPECT_EQ(report["limit_gflops"]["int8"].is_null(), !report["processor"]["int8"].get<bool>());
  const json& rows = report["models"];
  // The tiny model carries no scales for int8.
  ASSERT_EQ(rows.size(), report["processor"]["bf16"] ? 2U : 1U);
  EXPECT_EQ(rows[0]["precision"], "f32");
  for (const json& row : rows) {
    EXPECT_EQ(row["model"], "tiny");
    EXPECT_GT(row["seconds_per_megapixel"], 0.0);
    EXPECT_GT(row["network_share"], 0.1);
    EXPECT_LE(row["network_share"], 1.0);
    EXPECT_GT(row["limit_share"], 0.0);
    EXPECT_LT(row["limit_share"], row["network_share"]);
  }
}

TEST_F(Bench, PrintsATable) {
  const ProcessResult result = run({"bench", model(), "--precision", "f32"});
  ASSERT_EQ(result.exitCode, 0) << result.err;
  EXPECT_THAT(result.out, HasSubstr("3x3 convolution, GFLOP/s: f32 "));
  EXPECT_THAT(result.out, HasSubstr("tiny                 f32 "));
}

TEST_F(Bench, NamesWhatMakesNoSense) {
  EXPECT_EQ(run({"bench", path("none.safetensors")}).exitCode, 5);
  const ProcessResult precision = run({"bench", "--precision", "f16"});
  EXPECT_EQ(precision.exitCode, 2);
  EXPECT_THAT(precision.err, HasSubstr("--precision is 'f16', expected auto, f32, bf16 or int8"));
  EXPECT_EQ(run({"bench", "--threads", "-1"}).exitCode, 2);
  EXPECT_EQ(run({"bench", "--quick"}).exitCode, 2);
  EXPECT_EQ(run({"bench", "attention", "--precision", "bf16"}).exitCode, 2);
}

class Trace : public CommandLine {};

TEST_F(Trace, HoldsEveryOperatorOfEveryTile) {
  addPicture("a.png", 100, 60);
  const ProcessResult result = run({"denoise", path("a.png"), "-o", path("b.png"), "--trace",
                                    path("trace.json"), "--tile", "48", "-q"});
  ASSERT_EQ(result.exitCode, 0) << result.err;
  EXPECT_EQ(result.out, "");
  const auto bytes = test::readBytes(folder / "trace.json");
  const json events = json::parse(bytes.begin(), bytes.end())["traceEvents"];
  std::size_t heads = 0;
  double last = -1;
  for (const json& event : events) {
    EXPECT_GE(event["ts"].get<double>(), last);
    last = event["ts"].get<double>() + event["dur"].get<double>() - 0.1;
    if (event["name"] == "head") ++heads;
  }
  EXPECT_GT(heads, 1U);
  EXPECT_EQ(events.size() % heads, 0U);
}

TEST_F(Trace, ThatCannotBeWrittenIsAnError) {
  addPicture("a.png");
  const ProcessResult result =
      run({"denoise", path("a.png"), "-o", path("b.png"), "--trace", path("no/trace.json"), "-q"});
  EXPECT_EQ(result.exitCode, 1);
  EXPECT_THAT(result.err, HasSubstr("no/trace.json' cannot be written"));
}

TEST_F(Trace, ProfileNamesTheLimit) {
  addPicture("a.png");
  const ProcessResult result =
      run({"denoise", path("a.png"), "-o", path("b.png"), "--profile", "-q"});
  EXPECT_EQ(result.exitCode, 0) << result.err;
  EXPECT_THAT(result.out, HasSubstr("% limit"));
  EXPECT_THAT(result.out, HasSubstr("GFLOP/s: f32 "));
}

}  // namespace
}  // namespace pristine
