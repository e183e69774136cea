#include "vision_attention/graph.h"

#include <gtest/gtest.h>
#include <omp.h>

#include <cstdlib>
#include <stdexcept>
#include <stop_token>
#include <thread>
#include <vector>

#include "vision_attention/engine.h"
#include "vision_attention/graph_builder.h"
#include "vision_attention/ops/softmax.h"

namespace {

using va::Buffers;
using va::DataType;
using va::Engine;
using va::GraphBuilder;
using va::Precision;
using va::Shape;
using va::Tensor;

/// dst = sum of all sources + 1; may overwrite its first source when asked to.
class SumPlusOne final : public va::Operator {
 public:
  SumPlusOne(std::size_t count, bool mayOverwrite, std::size_t scratch = 0)
      : count_(count), mayOverwrite_(mayOverwrite), scratch_(scratch) {}

  void prepare(const Engine& /*engine*/, bool inPlace) override { inPlace_ = inPlace; }
  std::size_t scratchBytes() const override { return scratch_; }
  void bind(const Engine& /*engine*/, const Buffers& buffers) override {
    buffers_ = buffers;
    EXPECT_EQ(inPlace_, buffers.src[0] == buffers.dst[0]);
  }
  void run(const Engine& /*engine*/) override {
    auto* dst = reinterpret_cast<float*>(buffers_.dst[0]);
    for (std::size_t i = 0; i < scratch_; ++i) buffers_.scratch[i] = std::byte{0xFF};
    for (std::size_t i = 0; i < count_; ++i) {
      float sum = 1.0F;
      for (const std::byte* src : buffers_.src) sum += reinterpret_cast<const float*>(src)[i];
      dst[i] = sum;
    }
  }
  int inPlaceSource() const override { return mayOverwrite_ ? 0 : -1; }
  std::string kind() const override { return "sum"; }
  std::uint64_t macs() const override { return count_; }

 private:
  std::size_t count_;
  bool mayOverwrite_;
  std::size_t scratch_;
  bool inPlace_ = false;
  Buffers buffers_;
};

Tensor sum(GraphBuilder& graph, const std::vector<Tensor>& sources, bool mayOverwrite,
           std::size_t scratch = 0) {
  const auto count = static_cast<std::size_t>(sources.front().shape.elements());
  return graph.add("sum", std::make_unique<SumPlusOne>(count, mayOverwrite, scratch), sources,
                   sources.front().shape, DataType::F32);
}

TEST(Graph, ChainInPlaceUsesOneBuffer) {
  const va::Weights weights;
  const Engine engine(1);
  GraphBuilder builder(weights, Precision::F32);
  Tensor x = sum(builder, {builder.input("x", Shape{1000})}, true);
  for (int i = 0; i < 5; ++i) x = sum(builder, {x}, true);
  builder.output("y", x);
  const auto graph = builder.compile(engine);
  EXPECT_LE(graph->arenaBytes(), 2U * 4032U);
  for (float& value : graph->data<float>("x")) value = 2.0F;
  EXPECT_TRUE(graph->run());
  for (const float value : graph->data<float>("y")) ASSERT_EQ(value, 8.0F);
}

TEST(Graph, SkipConnectionIsNotOverwritten) {
  const va::Weights weights;
  const Engine engine(1);
  GraphBuilder builder(weights, Precision::F32);
  const Tensor a = sum(builder, {builder.input("x", Shape{64})}, true);
  const Tensor b = sum(builder, {a}, true, 4096);
  const Tensor c = sum(builder, {b}, true, 64);
  builder.output("y", sum(builder, {c, a}, true));
  const auto graph = builder.compile(engine);
  for (float& value : graph->data<float>("x")) value = 1.0F;
  for (int run = 0; run < 3; ++run) {
    for (float& value : graph->data<float>("x")) value = 1.0F;
    EXPECT_TRUE(graph->run());
    for (const float value : graph->data<float>("y")) ASSERT_EQ(value, 4.0F + 2.0F + 1.0F);
  }
}

TEST(Graph, TensorUsedTwiceByOneOperatorIsNotOverwritten) {
  const va::Weights weights;
  const Engine engine(1);
  GraphBuilder builder(weights, Precision::F32);
  const Tensor a = sum(builder, {builder.input("x", Shape{8})}, false);
  builder.output("y", sum(builder, {a, a}, true));
  const auto graph = builder.compile(engine);
  for (float& value : graph->data<float>("x")) value = 1.0F;
  EXPECT_TRUE(graph->run());
  for (const float value : graph->data<float>("y")) ASSERT_EQ(value, 5.0F);
}

TEST(Graph, OutputThatIsAlsoAnInnerTensorSurvives) {
  const va::Weights weights;
  const Engine engine(1);
  GraphBuilder builder(weights, Precision::F32);
  const Tensor a = sum(builder, {builder.input("x", Shape{8})}, true);
  builder.output("middle", a);
  builder.output("y", sum(builder, {a}, true));
  const auto graph = builder.compile(engine);
  for (float& value : graph->data<float>("x")) value = 1.0F;
  EXPECT_TRUE(graph->run());
  for (const float value : graph->data<float>("middle")) ASSERT_EQ(value, 2.0F);
  for (const float value : graph->data<float>("y")) ASSERT_EQ(value, 3.0F);
}

TEST(Graph, ReshapeSharesMemory) {
  const va::Weights weights;
  const Engine engine(1);
  GraphBuilder builder(weights, Precision::F32);
  const Tensor x = builder.input("x", Shape{2, 3});
  builder.output("y", sum(builder, {builder.reshape(x, Shape{6})}, false));
  EXPECT_THROW(builder.reshape(x, Shape{7}), std::invalid_argument);
  const auto graph = builder.compile(engine);
  EXPECT_EQ(graph->shape("y"), Shape{6});
}

TEST(Graph, StopEndsTheRunBetweenOperators) {
  const va::Weights weights;
  const Engine engine(1);
  GraphBuilder builder(weights, Precision::F32);
  Tensor x = builder.input("x", Shape{4});
  for (int i = 0; i < 4; ++i) x = sum(builder, {x}, true);
  builder.output("y", x);
  const auto graph = builder.compile(engine);
  std::stop_source stop;
  std::vector<std::uint64_t> done;
  const va::RunControl control{stop.get_token(), [&](std::uint64_t now, std::uint64_t total) {
                                 EXPECT_EQ(total, 16U);
                                 done.push_back(now);
                                 if (now == 8) stop.request_stop();
                               }};
  EXPECT_FALSE(graph->run(control));
  EXPECT_EQ(done, (std::vector<std::uint64_t>{4, 8}));
}

TEST(Graph, UnknownNameAndWrongTypeAreErrors) {
  const va::Weights weights;
  const Engine engine(1);
  GraphBuilder builder(weights, Precision::F32);
  builder.output("y", sum(builder, {builder.input("x", Shape{4})}, true));
  EXPECT_THROW(builder.input("x", Shape{4}), std::invalid_argument);
  const auto graph = builder.compile(engine);
  EXPECT_THROW(graph->data<float>("z"), std::invalid_argument);
  EXPECT_THROW(graph->data<std::uint16_t>("x"), std::invalid_argument);
}

TEST(Graph, InputThatIsAnOutputIsAnError) {
  const va::Weights weights;
  GraphBuilder builder(weights, Precision::F32);
  builder.output("y", sum(builder, {builder.input("x", Shape{4})}, true));
  EXPECT_THROW(builder.input("y", Shape{4}), std::invalid_argument);
}

TEST(Graph, TensorLargerThanAnyMemoryIsAnError) {
  const va::Weights weights;
  GraphBuilder builder(weights, Precision::F32);
  // As many bytes as wrap around to none.
  EXPECT_THROW(builder.input("x", Shape{va::Dim{1} << 62}), std::invalid_argument);
  EXPECT_THROW(builder.input("x", Shape{va::Dim{1} << 60}), std::invalid_argument);
}

/// Records the OpenMP threads on offer at each stage.
class ThreadProbe final : public va::Operator {
 public:
  explicit ThreadProbe(std::vector<int>& seen) : seen_(seen) {}

  void prepare(const Engine& /*engine*/, bool /*inPlace*/) override { note(); }
  void bind(const Engine& /*engine*/, const Buffers& /*buffers*/) override {}
  void run(const Engine& /*engine*/) override { note(); }
  std::string kind() const override { return "probe"; }

 private:
  void note() { seen_.push_back(omp_get_max_threads()); }
  std::vector<int>& seen_;
};

TEST(Graph, EngineDecidesTheThreadsWhicheverThreadCompilesOrRuns) {
  const int before = omp_get_max_threads();
  const va::Weights weights;
  const Engine three(3);
  const Engine one(1);
  std::vector<int> seen;
  GraphBuilder builder(weights, Precision::F32);
  const Tensor x = builder.input("x", Shape{1});
  builder.output(
      "y", builder.add("probe", std::make_unique<ThreadProbe>(seen), {x}, Shape{1}, DataType::F32));
  const auto graph = builder.compile(three);
  graph->run();
  std::jthread([&] { graph->run(); }).join();
  EXPECT_EQ(seen, (std::vector<int>{3, 3, 3}));
  EXPECT_EQ(omp_get_max_threads(), before);
}

TEST(Graph, PrimitiveThatOneDnnLacksIsAnErrorThatNamesTheOperator) {
  const va::Weights weights;
  const Engine engine(1);
  GraphBuilder builder(weights, Precision::F32);
  const Tensor x = builder.input("x", Shape{1, 4}, DataType::S32);
  builder.output("y", va::softmax(builder, "attention.softmax", x));
  try {
    (void)builder.compile(engine);
    FAIL() << "nothing was thrown";
  } catch (const std::runtime_error& error) {
    EXPECT_EQ(std::string(error.what()).find("operator 'attention.softmax' (softmax): oneDNN: "),
              0U)
        << error.what();
  }
}

TEST(Engine, FeaturesStayBelowTheCap) {
  const va::CpuFeatures features = va::cpuFeatures();
  const char* const cap = std::getenv("DNNL_MAX_CPU_ISA");
  if (cap == nullptr) GTEST_SKIP() << "no cap; the tests named *Isa* set one";
  EXPECT_EQ(features.isa, cap);
  EXPECT_FALSE(features.bf16);
}

TEST(Engine, NegativeThreadCountIsAnError) {
  EXPECT_THROW(Engine(-1), std::invalid_argument);
}

}  // namespace
