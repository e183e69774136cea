#include "vision_attention/limit.h"

#include <algorithm>
#include <chrono>
#include <cstring>
#include <stdexcept>
#include <unordered_map>

#include "vision_attention/ops/dnnl_support.h"

namespace va {

namespace {

using dnnl::memory;
using Clock = std::chrono::steady_clock;
using Type = memory::data_type;

constexpr memory::dim kChannels = 64;
constexpr memory::dim kSide = 256;
constexpr memory::dim kKernel = 3;
constexpr int kFewestRuns = 5;

struct Types {
  Type src;
  Type weights;
  Type dst;
};

Types typesOf(Arithmetic arithmetic) {
  switch (arithmetic) {
    case Arithmetic::F32:
      return {Type::f32, Type::f32, Type::f32};
    case Arithmetic::BF16:
      return {Type::bf16, Type::bf16, Type::bf16};
    case Arithmetic::Int8:
      return {Type::u8, Type::s8, Type::u8};
  }
  throw std::invalid_argument("unknown arithmetic");
}

bool isOffered(Arithmetic arithmetic) {
  const CpuFeatures cpu = cpuFeatures();
  return arithmetic == Arithmetic::F32 || (arithmetic == Arithmetic::BF16 ? cpu.bf16 : cpu.int8);
}

double secondsSince(Clock::time_point begin) {
  return std::chrono::duration<double>(Clock::now() - begin).count();
}

}  // namespace

std::string toString(Arithmetic arithmetic) {
  switch (arithmetic) {
    case Arithmetic::F32:
      return "f32";
    case Arithmetic::BF16:
      return "bf16";
    case Arithmetic::Int8:
      return "int8";
  }
  return "unknown";
}

double convolutionLimit(const Engine& engine, Arithmetic arithmetic, double seconds) {
  if (!isOffered(arithmetic)) return 0.0;
  const ThreadScope scope(engine.threads());
  const auto& impl = engine.impl();
  const Types types = typesOf(arithmetic);
  const auto any = memory::format_tag::any;
  const memory::dims map{1, kChannels, kSide, kSide};
  const memory::desc src(map, types.src, any);
  const memory::desc weights({kChannels, kChannels, kKernel, kKernel}, types.weights, any);
  const memory::desc bias({kChannels}, Type::f32, memory::format_tag::a);
  const memory::desc dst(map, types.dst, any);
  const dnnl::convolution_forward::desc operation(dnnl::prop_kind::forward_inference,
                                                  dnnl::algorithm::convolution_direct, src, weights,
                                                  bias, dst, {1, 1}, {1, 1}, {1, 1});
  const dnnl::convolution_forward::primitive_desc desc(operation, impl.engine);
  const dnnl::convolution_forward convolution(desc);
  const std::unordered_map<int, memory> arguments{
      {DNNL_ARG_SRC, memory(desc.src_desc(), impl.engine)},
      {DNNL_ARG_WEIGHTS, memory(desc.weights_desc(), impl.engine)},
      {DNNL_ARG_BIAS, memory(desc.bias_desc(), impl.engine)},
      {DNNL_ARG_DST, memory(desc.dst_desc(), impl.engine)}};
  for (const auto& [argument, buffer] : arguments) {
    std::memset(buffer.get_data_handle(), 0, buffer.get_desc().get_size());
  }
  double best = 1e30;
  const auto begin = Clock::now();
  dnnl::stream stream = impl.stream;
  for (int runs = 0; runs < kFewestRuns || secondsSince(begin) < seconds; ++runs) {
    const auto start = Clock::now();
    convolution.execute(stream, arguments);
    stream.wait();
    best = std::min(best, secondsSince(start));
  }
  const double operations = 2.0 * kChannels * kChannels * kKernel * kKernel * kSide * kSide;
  return operations / best / 1e9;
}

}  // namespace va
