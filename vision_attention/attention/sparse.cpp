#include "vision_attention/attention/sparse.h"

#include <omp.h>

#include <algorithm>
#include <stdexcept>

#include "vision_attention/attention/partial_rope.h"
#include "vision_attention/attention/sparse_compression.h"
#include "vision_attention/attention/sparse_selection.h"
#include "vision_attention/attention/sparse_window.h"
#include "vision_attention/ops/conv.h"
#include "vision_attention/ops/scratch_layout.h"

namespace va {

namespace {

/// Tile after tile of queries through the three branches.
template <typename T>
class SparseCore final : public Operator {
 public:
  SparseCore(const sparse::Grid& grid, const sparse::Heads& heads)
      : view_{grid, heads, {}},
        group_(grid, heads),
        compression_(grid, heads),
        selection_(grid, heads),
        window_(heads) {}

  void prepare(const Engine& engine, bool /*inPlace*/) override {
    threads_ = engine.threads();
    group_.prepare(engine);
    compression_.prepare(group_, engine);
    selection_.prepare(engine);
    window_.prepare(view_.grid, group_, engine);
    ScratchLayout layout;
    const auto reserve = [&](std::size_t bytes) {
      return layout.reserve<std::byte>(static_cast<Dim>(bytes));
    };
    out_ = layout.reserve<float>(view_.heads.perGroup * view_.grid.tileArea() * view_.heads.d);
    groupAt_ = reserve(group_.threadBytes());
    compressionAt_ = reserve(compression_.threadBytes());
    selectionAt_ = reserve(selection_.threadBytes());
    windowAt_ = reserve(window_.threadBytes());
    threadBytes_ = layout.bytes();
  }

  std::size_t scratchBytes() const override {
    return static_cast<std::size_t>(threads_) * threadBytes_;
  }

  void bind(const Engine& engine, const Buffers& buffers) override {
    view_.buffers = buffers;
    for (int t = 0; t < threads_; ++t) {
      std::byte* const own = scratch(t);
      group_.bindThread(engine, t, own + groupAt_);
      compression_.bindThread(t, own + compressionAt_);
      selection_.bindThread(engine, t, own + selectionAt_);
      window_.bindThread(t, own + windowAt_);
    }
  }

  void run(const Engine& /*engine*/) override {
    const auto& [grid, heads, buffers] = view_;
    const Dim tiles = grid.tiles();
    const Dim items = heads.mb * heads.keyHeads * tiles;
#pragma omp parallel for schedule(dynamic) num_threads(threads_)
    for (Dim item = 0; item < items; ++item) {
      const Dim group = item / tiles;
      attend({group / view_.heads.keyHeads, group % view_.heads.keyHeads, item % tiles,
              omp_get_thread_num()});
    }
  }

  std::string kind() const override {
    return "sparse";
  }
  std::string implementation() const override {
    return group_.tiles().implementation();
  }

  std::uint64_t macs() const override {
    const auto& [grid, heads, buffers] = view_;
    Dim keys = grid.windows() * grid.tokens();
    for (Dim tile = 0; tile < grid.tiles(); ++tile) {
      const Dim queries = grid.tileRectangle(tile).area();
      // Which blocks are selected is not known before the run: counted as whole ones.
      keys += queries * std::min(grid.o.selected * grid.tileArea(), grid.tokens());
      if (grid.o.window != SparseWindow::None) keys += queries * grid.reach(tile).area();
    }
    return static_cast<std::uint64_t>(2 * heads.mb * heads.keyHeads * heads.perGroup * heads.d *
                                      keys);
  }

 private:
  std::byte* scratch(int thread) const {
    return view_.buffers.scratch + static_cast<std::size_t>(thread) * threadBytes_;
  }

  void attend(const sparse::Item& item) {
    const auto& [grid, heads, buffers] = view_;
    const sparse::Rectangle own = grid.tileRectangle(item.tile);
    float* const out = reinterpret_cast<float*>(scratch(item.thread) + out_);
    std::fill_n(out, heads.perGroup * grid.tileArea() * heads.d, 0.0F);
    const bool windows = grid.windows() > 0;
    if (windows) compression_.attend(view_, item, own, group_, out);
    if (grid.o.selected > 0) {
      selection_.choose(view_, item, own, windows ? compression_.sums(item.thread) : nullptr);
      selection_.attend(view_, item, own, group_, out);
    }
    if (grid.o.window != SparseWindow::None) window_.attend(view_, item, own, group_, out);
    T* const dst = reinterpret_cast<T*>(buffers.dst[0]);
    for (Dim head = 0; head < heads.perGroup; ++head) {
      for (Dim i = 0; i < own.area(); ++i) {
        copyRows(out + (head * grid.tileArea() + i) * heads.d, heads.d, 1, heads.d,
                 dst + (item.batch * grid.tokens() + grid.tokenOf(own, i)) * heads.queryChannels() +
                     (item.group * heads.perGroup + head) * heads.d,
                 heads.d);
      }
    }
  }

  sparse::View<T> view_;
  sparse::Group<T> group_;
  sparse::Compression<T> compression_;
  sparse::Selection<T> selection_;
  sparse::Window<T> window_;
  std::size_t out_ = 0;
  std::size_t groupAt_ = 0;
  std::size_t compressionAt_ = 0;
  std::size_t selectionAt_ = 0;
  std::size_t windowAt_ = 0;
  std::size_t threadBytes_ = 0;
  int threads_ = 1;
};

}  // namespace

SparseResult sparseCore(GraphBuilder& graph, const std::string& name, const SparseInputs& in,
                        Dim width, const SparseOptions& options) {
  const sparse::Grid g = sparse::checkedGrid(name, in.q, width, options);
  const Dim mb = in.q.shape[0];
  const Dim n = in.q.shape[1];
  const Dim c = in.q.shape[2];
  const DataType type = graph.activationType();
  const auto require = [&](const char* label, const Tensor& t, const Shape& shape,
                           DataType wanted) {
    if (t.shape == shape && t.type == wanted) return;
    throw std::invalid_argument("sparse attention '" + name + "': " + label + " is " +
                                t.shape.toString() + " " + toString(t.type) + ", expected " +
                                shape.toString() + " " + toString(wanted));
  };
  if (c % options.heads != 0) {
    throw std::invalid_argument("sparse attention '" + name + "': " + std::to_string(c) +
                                " channels in " + std::to_string(options.heads) + " heads");
  }
  if (options.selected > g.tiles()) {
    throw std::invalid_argument("sparse attention '" + name +
                                "': " + std::to_string(options.selected) + " of " +
                                std::to_string(g.tiles()) + " blocks are selected");
  }
  const Dim d = c / options.heads;
  const Shape keys{mb, n, options.keyHeads * d};
  const Shape compressed{mb, g.windows(), options.keyHeads * d};
  require("q", in.q, {mb, n, c}, type);
  require("rotated q", in.rotated, {mb, n, c}, type);
  require("compressed keys", in.compressedKeys, compressed, type);
  require("compressed values", in.compressedValues, compressed, type);
  require("selection keys", in.selectionKeys, keys, type);
  require("selection values", in.selectionValues, keys, type);
  require("window keys", in.windowKeys, keys, type);
  require("window values", in.windowValues, keys, type);
  require("gates", in.gates, {mb, n, 3 * options.heads}, DataType::F32);
  const sparse::Heads heads{mb, options.keyHeads, options.heads / options.keyHeads, d};
  std::unique_ptr<Operator> op;
  if (type == DataType::BF16) {
    op = std::make_unique<SparseCore<BFloat16>>(g, heads);
  } else {
    op = std::make_unique<SparseCore<float>>(g, heads);
  }
  const Dim places = options.perQuery ? n : g.tiles();
  const auto outputs = graph.add(
      name, std::move(op),
      {in.q, in.rotated, in.compressedKeys, in.compressedValues, in.selectionKeys,
       in.selectionValues, in.windowKeys, in.windowValues, in.gates},
      {{in.q.shape, type}, {Shape{mb, options.keyHeads, places, options.selected}, DataType::S32}});
  return {outputs[0], outputs[1]};
}

SparseResult sparseAttention(GraphBuilder& graph, const Tensor& src, const std::string& scope,
                             const SparseOptions& options) {
  sparse::validate(scope, options);
  if (src.shape.rank() != 4 || src.shape[3] % options.heads != 0) {
    throw std::invalid_argument("sparse attention '" + scope + "': src is " + src.shape.toString() +
                                " in " + std::to_string(options.heads) + " heads");
  }
  const Dim width = src.shape[2];
  const Dim c = src.shape[3];
  const Dim keyChannels = c / options.heads * options.keyHeads;
  const Tensor tokens = graph.reshape(src, {src.shape[0], src.shape[1] * width, c});
  const auto project = [&](const std::string& name) {
    return linear(graph, tokens, scope + name, {.outputChannels = keyChannels});
  };
  const auto rotate = [&](const Tensor& t, const std::string& name, Dim heads) {
    return partialRope(graph, t, scope + name,
                       {.heads = heads, .rotated = options.rotated, .width = width});
  };
  SparseInputs in;
  in.q = linear(graph, tokens, scope + ".q", {.outputChannels = c});
  in.rotated = options.rotated > 0 ? rotate(in.q, ".q", options.heads) : in.q;
  in.compressedKeys =
      sparseCompress(graph, project(".k_compressed"), scope + ".compress_k", width, options);
  in.compressedValues =
      sparseCompress(graph, project(".v_compressed"), scope + ".compress_v", width, options);
  in.selectionKeys = rotate(project(".k_selected"), ".k_selected", options.keyHeads);
  in.selectionValues = project(".v_selected");
  in.windowKeys = rotate(project(".k_window"), ".k_window", options.keyHeads);
  in.windowValues = project(".v_window");
  in.gates = linear(graph, tokens, scope + ".gate",
                    {.outputChannels = 3 * options.heads,
                     .activation = Activation::Logistic,
                     .outputType = DataType::F32});
  const SparseResult core = sparseCore(graph, scope + ".core", in, width, options);
  const Tensor projected = linear(graph, core.dst, scope + ".projection", {.outputChannels = c});
  return {graph.reshape(projected, src.shape), core.selection};
}

}  // namespace va
