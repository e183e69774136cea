#include "vision_attention/ops/matmul.h"

#include <stdexcept>

#include "vision_attention/ops/dnnl_support.h"

namespace va {

namespace {

using dnnl::memory;

struct Sizes {
  Dim batch = 1;
  Dim m = 0;
  Dim n = 0;
  Dim k = 0;
};

class Matmul final : public Operator {
 public:
  Matmul(Sizes sizes, const MatmulOptions& options, DataType aType, DataType bType,
         DataType dstType)
      : sizes_(sizes), options_(options), aType_(aType), bType_(bType), dstType_(dstType) {}

  void prepare(const Engine& engine, bool /*inPlace*/) override {
    const auto& [batch, m, n, k] = sizes_;
    a_ = denseDesc({batch, m, k}, aType_);
    b_ = options_.transposeB
             ? memory::desc({batch, k, n}, toDnnl(bType_), memory::dims{k * n, 1, k})
             : denseDesc({batch, k, n}, bType_);
    dst_ = denseDesc({batch, m, n}, dstType_);
    dnnl::primitive_attr attr = userScratchpad();
    if (options_.scale != 1.0F) attr.set_output_scales(0, {options_.scale});
    const dnnl::matmul::primitive_desc desc(dnnl::matmul::desc(a_, b_, dst_), attr,
                                            engine.impl().engine);
    step_ = Step(dnnl::matmul(desc), desc);
  }

  std::size_t scratchBytes() const override { return step_.scratchBytes(); }

  void bind(const Engine& engine, const Buffers& buffers) override {
    step_.bind(engine, DNNL_ARG_SRC, a_, buffers.src[0]);
    step_.bind(engine, DNNL_ARG_WEIGHTS, b_, buffers.src[1]);
    step_.bind(engine, DNNL_ARG_DST, dst_, buffers.dst[0]);
    step_.bindScratch(engine, buffers.scratch);
  }

  void run(const Engine& engine) override { step_.run(engine); }
  std::string kind() const override { return "matmul"; }
  std::string implementation() const override { return step_.implementation(); }
  std::uint64_t macs() const override {
    return static_cast<std::uint64_t>(sizes_.batch * sizes_.m * sizes_.n * sizes_.k);
  }

 private:
  Sizes sizes_;
  MatmulOptions options_;
  DataType aType_;
  DataType bType_;
  DataType dstType_;
  memory::desc a_;
  memory::desc b_;
  memory::desc dst_;
  Step step_;
};

}  // namespace

Tensor matmul(GraphBuilder& graph, const std::string& name, const Tensor& a, const Tensor& b,
              const MatmulOptions& options) {
  const auto fail = [&] {
    throw std::invalid_argument("matmul '" + name + "': " + a.shape.toString() + " by " +
                                b.shape.toString() + (options.transposeB ? " transposed" : ""));
  };
  if (a.shape.rank() < 2 || a.shape.rank() != b.shape.rank()) fail();
  Sizes sizes;
  sizes.m = a.shape[-2];
  sizes.k = a.shape[-1];
  sizes.n = options.transposeB ? b.shape[-2] : b.shape[-1];
  if ((options.transposeB ? b.shape[-1] : b.shape[-2]) != sizes.k) fail();
  std::vector<Dim> dims = a.shape.dims();
  for (std::size_t i = 0; i + 2 < dims.size(); ++i) {
    if (b.shape.dims()[i] != dims[i]) fail();
    sizes.batch *= dims[i];
  }
  dims.back() = sizes.n;
  if (a.shape.elements() == 0 || b.shape.elements() == 0) fail();
  const DataType dstType = options.outputType.value_or(graph.activationType());
  return graph.add(name, std::make_unique<Matmul>(sizes, options, a.type, b.type, dstType), {a, b},
                   Shape(dims), dstType);
}

}  // namespace va
