#include "vision_attention/ops/streamed_attention.h"

#include <cmath>
#include <stdexcept>

#include "vision_attention/ops/attention_tiles.h"
#include "vision_attention/ops/token_rows.h"

namespace va {

namespace {

// The fastest of 64 to 256 by 128 to 512 for heads of 32 and 64 on a core with 512 KB of second-
// level cache.
constexpr Dim kQueryTile = 256;
constexpr Dim kKeyTile = 256;

struct Sizes {
  Dim mb = 0;
  Dim n = 0;
  Dim m = 0;
  Dim heads = 0;
  Dim keyHeads = 0;
  Dim d = 0;
  Dim e = 0;
  Dim valueStride = 0;
};

template <typename T>
class StreamedAttention final : public Operator {
 public:
  StreamedAttention(Sizes sizes, float scale, std::vector<float> bias, bool keyBias)
      : sizes_(sizes),
        scale_(scale),
        bias_(std::move(bias)),
        keyBias_(keyBias),
        tiles_({.queries = evenTile(sizes.n, kQueryTile),
                .keys = evenTile(sizes.m, kKeyTile),
                .keySize = sizes.d,
                .valueSize = sizes.e}) {}

  void prepare(const Engine& engine, bool /*inPlace*/) override { tiles_.prepare(engine); }
  std::size_t scratchBytes() const override { return tiles_.scratchBytes(); }
  void bind(const Engine& engine, const Buffers& buffers) override {
    buffers_ = buffers;
    tiles_.bind(engine, buffers.scratch);
  }
  void run(const Engine& /*engine*/) override {
    tiles_.forTiles(sizes_.mb * sizes_.heads, sizes_.n,
                    [this](Dim group, Dim first, Dim rows, int thread) {
                      attend(group / sizes_.heads, group % sizes_.heads, first, rows, thread);
                    });
  }

  std::string kind() const override { return "attention"; }
  std::string implementation() const override { return tiles_.implementation(); }
  std::uint64_t macs() const override {
    return static_cast<std::uint64_t>(sizes_.mb * sizes_.heads * sizes_.n * sizes_.m *
                                      (sizes_.d + sizes_.e));
  }

 private:
  const T* source(std::size_t i) const { return reinterpret_cast<const T*>(buffers_.src[i]); }

  void attend(Dim batch, Dim head, Dim firstQuery, Dim rows, int thread) {
    const auto& [mb, n, m, heads, keyHeads, d, e, valueStride] = sizes_;
    const Dim queryStride = heads * d;
    const Dim keyStride = keyHeads * d;
    const Dim keyHead = head / (heads / keyHeads);
    copyRows(source(0) + (batch * n + firstQuery) * queryStride + head * d, queryStride, rows, d,
             tiles_.queries(thread), d);
    TileLogits logits{.scale = scale_};
    if (!bias_.empty()) {
      const Dim biasHead = static_cast<Dim>(bias_.size()) == heads * n * m ? head : 0;
      logits.bias = bias_.data() + (biasHead * n + firstQuery) * m;
      logits.biasStride = m;
    }
    if (keyBias_) logits.keyBias = reinterpret_cast<const float*>(buffers_.src[3]) + batch * m;
    const KeyRows<T> keys{source(1) + batch * m * keyStride + keyHead * d, keyStride,
                          source(2) + batch * m * valueStride + keyHead * e, valueStride, m};
    copyRows(
        tiles_.attend(thread, rows, keys, logits), e, rows, e,
        reinterpret_cast<T*>(buffers_.dst[0]) + (batch * n + firstQuery) * heads * e + head * e,
        heads * e);
  }

  Sizes sizes_;
  float scale_;
  std::vector<float> bias_;
  bool keyBias_;
  AttentionTiles<T> tiles_;
  Buffers buffers_;
};

}  // namespace

Tensor streamedAttention(GraphBuilder& graph, const std::string& name, const Tensor& q,
                         const Tensor& k, const Tensor& v,
                         const StreamedAttentionOptions& options) {
  const auto fail = [&](const std::string& what) {
    throw std::invalid_argument("attention '" + name + "': " + what);
  };
  const DataType type = graph.activationType();
  const auto describe = [](const char* label, const Tensor& t) {
    return std::string(label) + t.shape.toString() + " " + toString(t.type);
  };
  if (q.shape.rank() != 3 || k.shape.rank() != 3 || v.shape.rank() != 3 ||
      k.shape[0] != q.shape[0] || v.shape[0] != q.shape[0] || v.shape[1] != k.shape[1] ||
      q.type != type || k.type != type || v.type != type || q.shape.elements() == 0 ||
      k.shape.elements() == 0 || v.shape.elements() == 0) {
    fail(describe("q is ", q) + describe(", k is ", k) + describe(", v is ", v));
  }
  Sizes s;
  s.mb = q.shape[0];
  s.n = q.shape[1];
  s.m = k.shape[1];
  s.heads = options.heads;
  s.keyHeads = options.keyHeads == 0 ? options.heads : options.keyHeads;
  if (s.heads < 1 || s.keyHeads < 1 || s.heads % s.keyHeads != 0 || q.shape[2] % s.heads != 0 ||
      k.shape[2] % s.keyHeads != 0 || v.shape[2] % s.keyHeads != 0) {
    fail(describe("q is ", q) + describe(", k is ", k) + describe(", v is ", v) + ", " +
         std::to_string(s.heads) + " heads, " + std::to_string(s.keyHeads) + " of keys");
  }
  s.d = q.shape[2] / s.heads;
  s.valueStride = v.shape[2];
  s.e = options.valueSize == 0 ? v.shape[2] / s.keyHeads : options.valueSize;
  if (k.shape[2] / s.keyHeads != s.d) fail(describe("q is ", q) + describe(", k is ", k));
  if (s.e < 1 || s.e > s.valueStride || (options.valueSize != 0 && s.keyHeads != 1)) {
    fail(describe("v is ", v) + ", values of " + std::to_string(s.e) + " channels");
  }
  const Dim biasSize = static_cast<Dim>(options.bias.size());
  if (biasSize != 0 && biasSize != s.n * s.m && biasSize != s.heads * s.n * s.m) {
    fail("bias has " + std::to_string(biasSize) + " values, expected " +
         Shape{s.heads, s.n, s.m}.toString());
  }
  const float scale =
      options.scale == 0.0F ? 1.0F / std::sqrt(static_cast<float>(s.d)) : options.scale;
  if (!(scale > 0.0F) || !std::isfinite(scale)) fail("scale is " + std::to_string(scale));
  std::vector<Tensor> sources{q, k, v};
  if (options.keyBias) {
    if (options.keyBias->shape != Shape{s.mb, s.m} || options.keyBias->type != DataType::F32) {
      fail(describe("key bias is ", *options.keyBias) + ", expected " +
           Shape{s.mb, s.m}.toString() + " f32");
    }
    sources.push_back(*options.keyBias);
  }
  std::unique_ptr<Operator> op;
  if (type == DataType::BF16) {
    op = std::make_unique<StreamedAttention<BFloat16>>(s, scale, options.bias,
                                                       options.keyBias.has_value());
  } else {
    op = std::make_unique<StreamedAttention<float>>(s, scale, options.bias,
                                                    options.keyBias.has_value());
  }
  return graph.add(name, std::move(op), sources, {s.mb, s.n, s.heads * s.e}, type);
}

}  // namespace va
