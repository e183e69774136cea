#pragma once

#include <cstdint>
#include <oneapi/dnnl/dnnl.hpp>
#include <string>
#include <unordered_map>
#include <vector>

#include "vision_attention/engine.h"
#include "vision_attention/operator.h"
#include "vision_attention/shape.h"

namespace va {

/// Internal to vision_attention: what Engine hides from public headers.
struct Engine::Impl {
  dnnl::engine engine{dnnl::engine::kind::cpu, 0};
  dnnl::stream stream{engine};
};

/// Sets how many OpenMP threads the calling thread's parallel regions get, until the scope ends.
/// oneDNN splits a primitive's work among the threads on offer when it is created.
class ThreadScope {
 public:
  explicit ThreadScope(int threads);
  ~ThreadScope();
  ThreadScope(const ThreadScope&) = delete;
  ThreadScope& operator=(const ThreadScope&) = delete;

 private:
  int before_;
};

/// Whether convolutions may add a residual themselves: before AVX2, oneDNN 2.6 reads it with
/// instructions that fault on the odd addresses that come with odd channel counts.
bool convolutionsAddResiduals();

dnnl::memory::data_type toDnnl(DataType type);

/// Descriptor of an image tensor [mb, h, w, c] in oneDNN's logical order (mb, c, h, w), channels
/// innermost in memory.
dnnl::memory::desc imageDesc(const Shape& shape, DataType type);
/// Descriptor with row-major strides of exactly these sizes.
dnnl::memory::desc denseDesc(const std::vector<Dim>& dims, DataType type);

/// User-managed scratchpad, as every primitive of the library must have.
dnnl::primitive_attr userScratchpad();

/// Copies constants into the layout that a primitive asked for.
dnnl::memory packConstant(const Engine& engine, const std::vector<float>& values,
                          const dnnl::memory::desc& source, const dnnl::memory::desc& packed);
dnnl::memory packConstant(const Engine& engine, const std::vector<std::int8_t>& values,
                          const dnnl::memory::desc& source, const dnnl::memory::desc& packed);

/// One oneDNN primitive with its memory objects; operators compose it.
class Step {
 public:
  Step() = default;
  template <typename PrimitiveDesc>
  Step(const dnnl::primitive& primitive, const PrimitiveDesc& desc)
      : primitive_(primitive),
        implementation_(desc.impl_info_str()),
        scratchDesc_(desc.scratchpad_desc()) {}

  void setArgument(int argument, const dnnl::memory& memory) {
    arguments_.insert_or_assign(argument, memory);
  }
  void bind(const Engine& engine, int argument, const dnnl::memory::desc& desc, std::byte* data) {
    arguments_.insert_or_assign(argument, dnnl::memory(desc, engine.impl().engine, data));
  }
  void bindScratch(const Engine& engine, std::byte* data);
  std::size_t scratchBytes() const { return scratchDesc_.get_size(); }
  const std::string& implementation() const { return implementation_; }
  void run(const Engine& engine) { primitive_.execute(engine.impl().stream, arguments_); }

 private:
  dnnl::primitive primitive_;
  std::string implementation_;
  dnnl::memory::desc scratchDesc_;
  std::unordered_map<int, dnnl::memory> arguments_;
};

}  // namespace va
