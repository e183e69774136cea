#include "vision_attention/ops/gather.h"

#include <cstring>
#include <stdexcept>

namespace va {

namespace {

struct Sizes {
  Dim mb = 0;
  Dim n = 0;
  Dim k = 0;
  Dim rowBytes = 0;
};

class Gather final : public Operator {
 public:
  explicit Gather(Sizes sizes) : sizes_(sizes) {}
  void prepare(const Engine& engine, bool /*inPlace*/) override { threads_ = engine.threads(); }
  void bind(const Engine& /*engine*/, const Buffers& buffers) override { buffers_ = buffers; }

  void run(const Engine& /*engine*/) override {
    const Sizes s = sizes_;  // no structured binding: OpenMP captures none in C++20
    const auto* const indices = reinterpret_cast<const std::int32_t*>(buffers_.src[1]);
    const auto bytes = static_cast<std::size_t>(s.rowBytes);
#pragma omp parallel for schedule(static) num_threads(threads_)
    for (Dim row = 0; row < s.mb * s.k; ++row) {
      const Dim index = indices[row];
      std::byte* const dst = buffers_.dst[0] + row * s.rowBytes;
      if (index < 0 || index >= s.n) {
        std::memset(dst, 0, bytes);
      } else {
        std::memcpy(dst, buffers_.src[0] + (row / s.k * s.n + index) * s.rowBytes, bytes);
      }
    }
  }
  std::string kind() const override {
    return "gather";
  }

 private:
  Sizes sizes_;
  int threads_ = 1;
  Buffers buffers_;
};

class Scatter final : public Operator {
 public:
  explicit Scatter(Sizes sizes) : sizes_(sizes) {}
  void prepare(const Engine& engine, bool inPlace) override {
    threads_ = engine.threads();
    inPlace_ = inPlace;
  }
  void bind(const Engine& /*engine*/, const Buffers& buffers) override { buffers_ = buffers; }

  void run(const Engine& /*engine*/) override {
    const Sizes s = sizes_;  // no structured binding: OpenMP captures none in C++20
    const auto* const indices = reinterpret_cast<const std::int32_t*>(buffers_.src[2]);
    const auto bytes = static_cast<std::size_t>(s.rowBytes);
    // One thread an item: which of two equal indices comes last must not depend on the threads.
#pragma omp parallel for schedule(static) num_threads(threads_)
    for (Dim b = 0; b < s.mb; ++b) {
      std::byte* const dst = buffers_.dst[0] + b * s.n * s.rowBytes;
      if (!inPlace_) {
        std::memcpy(dst, buffers_.src[0] + b * s.n * s.rowBytes,
                    static_cast<std::size_t>(s.n) * bytes);
      }
      for (Dim i = 0; i < s.k; ++i) {
        const Dim index = indices[b * s.k + i];
        if (index < 0 || index >= s.n) continue;
        std::memcpy(dst + index * s.rowBytes, buffers_.src[1] + (b * s.k + i) * s.rowBytes, bytes);
      }
    }
  }
  int inPlaceSource() const override {
    return 0;
  }
  std::string kind() const override {
    return "scatter";
  }

 private:
  Sizes sizes_;
  int threads_ = 1;
  bool inPlace_ = false;
  Buffers buffers_;
};

Sizes checkedSizes(const std::string& name, const Tensor& src, const Tensor& indices) {
  if (src.shape.rank() != 3 || indices.shape.rank() != 2 || indices.shape[0] != src.shape[0] ||
      indices.type != DataType::S32) {
    throw std::invalid_argument("gather '" + name + "': src is " + src.shape.toString() +
                                ", indices are " + indices.shape.toString() + " " +
                                toString(indices.type));
  }
  return {src.shape[0], src.shape[1], indices.shape[1],
          src.shape[2] * static_cast<Dim>(byteSize(src.type))};
}

}  // namespace

Tensor gatherRows(GraphBuilder& graph, const std::string& name, const Tensor& src,
                  const Tensor& indices) {
  const Sizes sizes = checkedSizes(name, src, indices);
  return graph.add(name, std::make_unique<Gather>(sizes), {src, indices},
                   {sizes.mb, sizes.k, src.shape[2]}, src.type);
}

Tensor scatterRows(GraphBuilder& graph, const std::string& name, const Tensor& base,
                   const Tensor& rows, const Tensor& indices) {
  const Sizes sizes = checkedSizes(name, base, indices);
  if (rows.shape != Shape{sizes.mb, sizes.k, base.shape[2]} || rows.type != base.type) {
    throw std::invalid_argument("scatter '" + name + "': rows are " + rows.shape.toString() + " " +
                                toString(rows.type) + ", base is " + base.shape.toString() + " " +
                                toString(base.type));
  }
  return graph.add(name, std::make_unique<Scatter>(sizes), {base, rows, indices}, base.shape,
                   base.type);
}

}  // namespace va
