#include <cmath>

#include "tests/bench/graph_timer.h"
#include "vision_attention/ops/conv.h"
#include "vision_attention/ops/layer_norm.h"
#include "vision_attention/ops/matmul.h"
#include "vision_attention/ops/softmax.h"

namespace pristine::bench {
namespace {

using va::Dim;
using va::GraphBuilder;
using va::Shape;
using va::Tensor;
using Tensors = std::vector<Tensor>;

struct ConvCase {
  Dim side;
  Dim inputs;
  Dim outputs;
  Dim kernel;
  Dim groups;
};

void convolution(benchmark::State& state, const ConvCase& c) {
  const Dim fanIn = c.inputs / c.groups * c.kernel * c.kernel;
  timeGraph(state, {}, {Shape{1, c.side, c.side, c.inputs}},
            [&](GraphBuilder& graph, const Tensors& src) {
              return conv(
                  graph, src[0], "conv",
                  {.outputChannels = c.outputs, .kernel = c.kernel, .groups = c.groups},
                  randomValues(c.outputs * fanIn, 1.0 / std::sqrt(static_cast<double>(fanIn))),
                  std::vector<float>(static_cast<std::size_t>(c.outputs)));
            });
}

struct MatmulCase {
  Dim batch;
  Dim m;
  Dim k;
  Dim n;
};

void product(benchmark::State& state, const MatmulCase& c) {
  timeGraph(state, {}, {Shape{c.batch, c.m, c.k}, Shape{c.batch, c.k, c.n}},
            [](GraphBuilder& graph, const Tensors& src) {
              return matmul(graph, "matmul", src[0], src[1]);
            });
}

void normalisation(benchmark::State& state) {
  timeGraph(state, {}, {Shape{1, 256, 256, 32}}, [](GraphBuilder& graph, const Tensors& src) {
    return layerNorm(graph, "norm", src[0]);
  });
}

void rowSoftmax(benchmark::State& state) {
  timeGraph(state, {}, {Shape{8, 4096, 64}}, [](GraphBuilder& graph, const Tensors& src) {
    return softmax(graph, "softmax", src[0]);
  });
}

BENCHMARK_CAPTURE(convolution, 3x3_64_to_64_at_256, ConvCase{256, 64, 64, 3, 1})
    ->Apply(precisionsAndThreads);
BENCHMARK_CAPTURE(convolution, 3x3_32_to_32_at_256, ConvCase{256, 32, 32, 3, 1})
    ->Apply(precisionsAndThreads);
BENCHMARK_CAPTURE(convolution, 3x3_256_to_256_at_32, ConvCase{32, 256, 256, 3, 1})
    ->Apply(precisionsAndThreads);
BENCHMARK_CAPTURE(convolution, 3x3_3_to_32_at_256, ConvCase{256, 3, 32, 3, 1})
    ->Apply(precisionsAndThreads);
BENCHMARK_CAPTURE(convolution, 1x1_48_to_96_at_256, ConvCase{256, 48, 96, 1, 1})
    ->Apply(precisionsAndThreads);
BENCHMARK_CAPTURE(convolution, depthwise_3x3_96_at_256, ConvCase{256, 96, 96, 3, 96})
    ->Apply(precisionsAndThreads);
BENCHMARK_CAPTURE(product, square_1024, MatmulCase{1, 1024, 1024, 1024})
    ->Apply(precisionsAndThreads);
BENCHMARK_CAPTURE(product, attention_8x4096x32x64, MatmulCase{8, 4096, 32, 64})
    ->Apply(precisionsAndThreads);
BENCHMARK(normalisation)->Apply(precisionsAndThreads);
BENCHMARK(rowSoftmax)->Apply(precisionsAndThreads);

}  // namespace
}  // namespace pristine::bench
