#pragma once

#include <vector>

#include "vision_attention/attention/sparse.h"
#include "vision_attention/operator.h"
#include "vision_attention/ops/token_rows.h"

/// What the three branches of sparse attention share.
namespace va::sparse {

/// Of tokens on a grid.
struct Rectangle {
  Dim top = 0;
  Dim bottom = 0;  ///< behind the last row
  Dim left = 0;
  Dim right = 0;

  Dim height() const { return bottom - top; }
  Dim width() const { return right - left; }
  Dim area() const { return height() * width(); }
};

/// Selection blocks and compression windows of one grid.
struct Grid {
  Dim h = 0;
  Dim w = 0;
  SparseOptions o;

  Dim tokens() const { return h * w; }
  Dim tileArea() const { return o.tile * o.tile; }
  Dim tilesAcross() const { return (w + o.tile - 1) / o.tile; }
  Dim tilesDown() const { return (h + o.tile - 1) / o.tile; }
  Dim tiles() const { return tilesAcross() * tilesDown(); }
  Dim windowsAcross() const {
    return w < o.compressWidth ? 0 : (w - o.compressWidth) / o.strideWidth + 1;
  }
  Dim windowsDown() const {
    return h < o.compressHeight ? 0 : (h - o.compressHeight) / o.strideHeight + 1;
  }
  Dim windows() const { return windowsAcross() * windowsDown(); }
  /// Selections that one tile makes.
  Dim selections() const { return o.perQuery ? tileArea() : 1; }

  Rectangle tileRectangle(Dim tile) const;
  /// What the window branch of a tile's queries may see.
  Rectangle reach(Dim tile) const;
  Dim tokenOf(const Rectangle& r, Dim i) const {
    return (r.top + i / r.width()) * w + r.left + i % r.width();
  }
};

/// Throws std::invalid_argument unless tokens [mb, n, c] fill rows of `width` and the options fit.
Grid checkedGrid(const std::string& name, const Tensor& tokens, Dim width,
                 const SparseOptions& options);
void validate(const std::string& name, const SparseOptions& options);

struct Heads {
  Dim mb = 0;
  Dim keyHeads = 0;
  Dim perGroup = 0;  ///< query heads that share a key head
  Dim d = 0;

  Dim queryChannels() const { return keyHeads * perGroup * d; }
  Dim keyChannels() const { return keyHeads * d; }
};

/// One tile of queries of one group of heads.
struct Item {
  Dim batch = 0;
  Dim group = 0;
  Dim tile = 0;
  int thread = 0;
};

/// Order of the operator's sources.
enum Source : std::size_t {
  kQueries,
  kRotatedQueries,
  kCompressedKeys,
  kCompressedValues,
  kSelectionKeys,
  kSelectionValues,
  kWindowKeys,
  kWindowValues,
  kGates
};

/// The operator's tensors, as the branches read them.
template <typename T>
struct View {
  Grid grid;
  Heads heads;
  Buffers buffers;

  const T* source(Source which) const { return reinterpret_cast<const T*>(buffers.src[which]); }

  /// Copies one head's channels of a rectangle's tokens; `channels` is the row of the tensor.
  void pack(Source which, Dim batch, Dim channels, Dim offset, const Rectangle& r, T* dst) const {
    for (Dim y = r.top; y < r.bottom; ++y) {
      copyRows(source(which) + ((batch * grid.h + y) * grid.w + r.left) * channels + offset,
               channels, r.width(), heads.d, dst + (y - r.top) * r.width() * heads.d, heads.d);
    }
  }
  void packKeys(Source which, const Item& item, const Rectangle& r, T* dst) const {
    pack(which, item.batch, heads.keyChannels(), item.group * heads.d, r, dst);
  }

  /// branch: 0 compression, 1 selection, 2 window.
  float gate(const Item& item, Dim head, Dim token, Dim branch) const {
    const Dim all = heads.keyHeads * heads.perGroup;
    const auto* const gates = reinterpret_cast<const float*>(buffers.src[kGates]);
    return gates[(item.batch * grid.tokens() + token) * 3 * all + branch * all +
                 item.group * heads.perGroup + head];
  }
};

}  // namespace va::sparse
