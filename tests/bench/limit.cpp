// Prints the rate of oneDNN's own 3x3 convolution, 64 to 64 channels at 256x256 in the layout it
// prefers, as JSON: {"threads": 2, "f32": 101.5, "bf16": null, "int8": 190.2} in GFLOP/s, null
// where the processor lacks the arithmetic. The best of the runs within about two seconds each.

#include <omp.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <oneapi/dnnl/dnnl.hpp>
#include <optional>
#include <string>
#include <unordered_map>

#include "vision_attention/engine.h"

namespace {

using dnnl::memory;
using Clock = std::chrono::steady_clock;

constexpr memory::dim kChannels = 64;
constexpr memory::dim kSide = 256;
constexpr memory::dim kKernel = 3;
constexpr double kSeconds = 2.0;

struct Types {
  memory::data_type src;
  memory::data_type weights;
  memory::data_type bias;
  memory::data_type dst;
};

void clear(const memory& buffer) {
  std::memset(buffer.get_data_handle(), 0, buffer.get_desc().get_size());
}

double bestRate(const Types& types) {
  const dnnl::engine engine(dnnl::engine::kind::cpu, 0);
  dnnl::stream stream(engine);
  const auto any = memory::format_tag::any;
  const memory::dims map{1, kChannels, kSide, kSide};
  const memory::desc src(map, types.src, any);
  const memory::desc weights({kChannels, kChannels, kKernel, kKernel}, types.weights, any);
  const memory::desc bias({kChannels}, types.bias, memory::format_tag::a);
  const memory::desc dst(map, types.dst, any);
  const dnnl::convolution_forward::desc operation(dnnl::prop_kind::forward_inference,
                                                  dnnl::algorithm::convolution_direct, src, weights,
                                                  bias, dst, {1, 1}, {1, 1}, {1, 1});
  const dnnl::convolution_forward::primitive_desc desc(operation, engine);
  const dnnl::convolution_forward convolution(desc);
  const std::unordered_map<int, memory> arguments{
      {DNNL_ARG_SRC, memory(desc.src_desc(), engine)},
      {DNNL_ARG_WEIGHTS, memory(desc.weights_desc(), engine)},
      {DNNL_ARG_BIAS, memory(desc.bias_desc(), engine)},
      {DNNL_ARG_DST, memory(desc.dst_desc(), engine)}};
  for (const auto& [argument, buffer] : arguments) clear(buffer);

  double best = 1e30;
  const auto begin = Clock::now();
  for (int runs = 0;
       runs < 5 || std::chrono::duration<double>(Clock::now() - begin).count() < kSeconds; ++runs) {
    const auto start = Clock::now();
    convolution.execute(stream, arguments);
    stream.wait();
    best = std::min(best, std::chrono::duration<double>(Clock::now() - start).count());
  }
  const double operations = 2.0 * kChannels * kChannels * kKernel * kKernel * kSide * kSide;
  return operations / best / 1e9;
}

void print(const char* name, std::optional<double> rate) {
  if (rate) {
    std::printf(", \"%s\": %.1f", name, *rate);
  } else {
    std::printf(", \"%s\": null", name);
  }
}

int threadsOf(int argc, char** argv) {
  if (argc == 1) return va::Engine().threads();
  char* end = nullptr;
  const long threads =
      argc == 3 && std::strcmp(argv[1], "--threads") == 0 ? std::strtol(argv[2], &end, 10) : 0;
  if (threads < 1 || threads > 1024 || *end != '\0') {
    std::fprintf(stderr, "usage: pristine_limit [--threads N]\n");
    std::exit(2);
  }
  return static_cast<int>(threads);
}

}  // namespace

int main(int argc, char** argv) {
  try {
    const int threads = threadsOf(argc, argv);
    omp_set_num_threads(threads);
    using Type = memory::data_type;
    std::printf("{\"threads\": %d", threads);
    print("f32", bestRate({Type::f32, Type::f32, Type::f32, Type::f32}));
    print("bf16", va::cpuFeatures().bf16
                      ? std::optional(bestRate({Type::bf16, Type::bf16, Type::f32, Type::bf16}))
                      : std::nullopt);
    print("int8", va::cpuFeatures().int8
                      ? std::optional(bestRate({Type::u8, Type::s8, Type::f32, Type::u8}))
                      : std::nullopt);
    std::printf("}\n");
    return 0;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "pristine_limit: %s\n", error.what());
    return 1;
  }
}
