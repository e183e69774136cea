#include "vision_attention/ops/dnnl_support.h"

#include <omp.h>

#include <stdexcept>

namespace va {

ThreadScope::ThreadScope(int threads) : before_(omp_get_max_threads()) {
  omp_set_num_threads(threads);
}

ThreadScope::~ThreadScope() {
  omp_set_num_threads(before_);
}

bool convolutionsAddResiduals() {
  // The values are bit sets in which every instruction set holds those it extends.
  const auto avx2 = static_cast<unsigned>(dnnl::cpu_isa::avx2);
  return (static_cast<unsigned>(dnnl::get_effective_cpu_isa()) & avx2) == avx2;
}

dnnl::memory::data_type toDnnl(DataType type) {
  switch (type) {
    case DataType::F32:
      return dnnl::memory::data_type::f32;
    case DataType::BF16:
      return dnnl::memory::data_type::bf16;
    case DataType::U8:
      return dnnl::memory::data_type::u8;
    case DataType::S8:
      return dnnl::memory::data_type::s8;
    case DataType::S32:
      return dnnl::memory::data_type::s32;
  }
  throw std::invalid_argument("unknown data type");
}

dnnl::memory::desc imageDesc(const Shape& shape, DataType type) {
  if (shape.rank() != 4) {
    throw std::invalid_argument("image tensor is " + shape.toString() + ", expected [mb, h, w, c]");
  }
  return {{shape[0], shape[3], shape[1], shape[2]}, toDnnl(type), dnnl::memory::format_tag::nhwc};
}

dnnl::memory::desc denseDesc(const std::vector<Dim>& dims, DataType type) {
  std::vector<Dim> strides(dims.size(), 1);
  for (std::size_t i = dims.size(); i-- > 1;) strides[i - 1] = strides[i] * dims[i];
  return {dims, toDnnl(type), strides};
}

dnnl::primitive_attr userScratchpad() {
  dnnl::primitive_attr attr;
  attr.set_scratchpad_mode(dnnl::scratchpad_mode::user);
  return attr;
}

namespace {

/// oneDNN takes a mutable pointer but only reads a reorder's source.
dnnl::memory pack(const Engine& engine, const void* values, const dnnl::memory::desc& source,
                  const dnnl::memory::desc& packed) {
  auto& impl = engine.impl();
  const ThreadScope one(1);  // so little work is done before a second thread has woken up
  dnnl::memory plain(source, impl.engine, const_cast<void*>(values));
  dnnl::memory result(packed, impl.engine);
  dnnl::reorder(plain, result).execute(impl.stream, plain, result);
  impl.stream.wait();
  return result;
}

}  // namespace

dnnl::memory packConstant(const Engine& engine, const std::vector<float>& values,
                          const dnnl::memory::desc& source, const dnnl::memory::desc& packed) {
  return pack(engine, values.data(), source, packed);
}

dnnl::memory packConstant(const Engine& engine, const std::vector<std::int8_t>& values,
                          const dnnl::memory::desc& source, const dnnl::memory::desc& packed) {
  return pack(engine, values.data(), source, packed);
}

void Step::bindScratch(const Engine& engine, std::byte* data) {
  if (scratchDesc_.get_size() != 0) bind(engine, DNNL_ARG_SCRATCHPAD, scratchDesc_, data);
}

}  // namespace va
