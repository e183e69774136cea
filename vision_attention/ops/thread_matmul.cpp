#include "vision_attention/ops/thread_matmul.h"

#include <stdexcept>

#include "vision_attention/ops/dnnl_support.h"

namespace va {

using dnnl::memory;

struct ThreadMatmul::Impl {
  struct Thread {
    dnnl::stream stream;
    std::unordered_map<int, memory> arguments;
  };

  memory::desc a;
  memory::desc b;
  memory::desc dst;
  memory::desc scratch;
  dnnl::matmul primitive;
  std::string implementation;
  std::vector<Thread> threads;
};

ThreadMatmul::ThreadMatmul(const ThreadMatmulOptions& options)
    : options_(options), impl_(std::make_unique<Impl>()) {
  if (options.m < 1 || options.n < 1 || options.k < 1) {
    throw std::invalid_argument("matmul: " + Shape{options.m, options.k}.toString() + " by " +
                                Shape{options.k, options.n}.toString());
  }
}

ThreadMatmul::~ThreadMatmul() = default;

void ThreadMatmul::prepare(const Engine& engine) {
  const auto& [m, n, k, transposeB, type] = options_;
  impl_->a = denseDesc({m, k}, type);
  impl_->b =
      transposeB ? memory::desc({k, n}, toDnnl(type), memory::dims{1, k}) : denseDesc({k, n}, type);
  impl_->dst = denseDesc({m, n}, DataType::F32);
  const ThreadScope scope(1);
  const dnnl::matmul::primitive_desc desc(dnnl::matmul::desc(impl_->a, impl_->b, impl_->dst),
                                          userScratchpad(), engine.impl().engine);
  impl_->primitive = dnnl::matmul(desc);
  impl_->implementation = desc.impl_info_str();
  impl_->scratch = desc.scratchpad_desc();
  for (int t = 0; t < engine.threads(); ++t) {
    impl_->threads.push_back({dnnl::stream(engine.impl().engine), {}});
  }
}

std::size_t ThreadMatmul::scratchBytes() const {
  return impl_->scratch.get_size();
}

void ThreadMatmul::bind(const Engine& engine, int thread, const void* a, const void* b, float* dst,
                        std::byte* scratch) {
  auto& arguments = impl_->threads.at(static_cast<std::size_t>(thread)).arguments;
  const dnnl::engine& dnnlEngine = engine.impl().engine;
  // oneDNN takes mutable pointers but only reads a product's sources.
  const auto set = [&](int argument, const memory::desc& desc, const void* data) {
    arguments.insert_or_assign(argument, memory(desc, dnnlEngine, const_cast<void*>(data)));
  };
  set(DNNL_ARG_SRC, impl_->a, a);
  set(DNNL_ARG_WEIGHTS, impl_->b, b);
  set(DNNL_ARG_DST, impl_->dst, dst);
  if (scratchBytes() != 0) set(DNNL_ARG_SCRATCHPAD, impl_->scratch, scratch);
}

void ThreadMatmul::run(int thread) {
  auto& [stream, arguments] = impl_->threads[static_cast<std::size_t>(thread)];
  impl_->primitive.execute(stream, arguments);
}

std::string ThreadMatmul::implementation() const {
  return impl_->implementation;
}

std::uint64_t ThreadMatmul::macs() const {
  return static_cast<std::uint64_t>(options_.m * options_.n * options_.k);
}

}  // namespace va
