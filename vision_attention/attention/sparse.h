#pragma once

#include <string>

#include "vision_attention/graph_builder.h"

namespace va {

/// How tokens become the compressed keys and values.
enum class SparseCompression {
  Mean,
  Mlp,  ///< learned positions inside a window, then two linear layers with GELU between
};

/// The neighbourhood that the window branch attends to.
enum class SparseWindow {
  None,
  Tiles,   ///< the query's tile and its eight neighbours
  Radius,  ///< |dy| and |dx| up to `radius`
};

/// Defaults are the paper's sizes on a grid: 32 compressed tokens at a stride of 16, blocks of 64,
/// about 512 tokens of window.
struct SparseOptions {
  Dim heads = 4;     ///< divide the channels
  Dim keyHeads = 1;  ///< divide heads; heads of one group share keys, values and the selection
  SparseCompression compression = SparseCompression::Mlp;
  Dim compressHeight = 8;  ///< of a compression window; windows lie inside the grid
  Dim compressWidth = 4;
  Dim strideHeight = 4;
  Dim strideWidth = 4;
  Dim tile = 8;           ///< side of a selection block
  Dim selected = 16;      ///< blocks that are attended to; 0: no selection branch
  bool forceOwn = true;   ///< the query's own block is one of them
  bool perQuery = false;  ///< every query selects alone, as in the paper; else a tile's queries
                          ///< select together by their mean
  SparseWindow window = SparseWindow::Tiles;
  Dim radius = 11;
  Dim rotated = 0;  ///< channels of a head with a rotary position in selection and window (axial,
                    ///< base 100), a multiple of 4
};

/// What the core attends with. Tokens are row-major on the grid, [mb, n, heads * d] or
/// [mb, n, keyHeads * d]; compressed ones [mb, windows, keyHeads * d].
struct SparseInputs {
  Tensor q;        ///< for compressed keys
  Tensor rotated;  ///< for selection and window; q if nothing rotates
  Tensor compressedKeys;
  Tensor compressedValues;
  Tensor selectionKeys;
  Tensor selectionValues;
  Tensor windowKeys;
  Tensor windowValues;
  Tensor gates;  ///< [mb, n, 3 * heads] f32: of compression, selection, window for all heads each
};

struct SparseResult {
  Tensor dst;        ///< [mb, n, heads * d]
  Tensor selection;  ///< [mb, keyHeads, tiles or n, selected] s32, tiles row-major, ascending
};

/// Windows of a grid that compression makes: inside the grid, row-major.
Dim sparseWindows(Dim height, Dim width, const SparseOptions& options);

/// Compressed tokens [mb, windows, keyHeads * d] of [mb, height * width, keyHeads * d]. Mlp reads
/// scope.position [l, d], scope.hidden [2 d, l d], scope.out [d, 2 d] (linear with bias), l tokens
/// a window, shared by the key heads.
Tensor sparseCompress(GraphBuilder& graph, const Tensor& src, const std::string& scope, Dim width,
                      const SparseOptions& options);

/// The three branches of native sparse attention and their gated sum. A block counts what the
/// compressed branch gives the windows that overlap it, by common tokens, summed over the heads of
/// a group; the best `selected` blocks (lower index on ties) are attended to in full. Blocks at the
/// grid's edge are short.
SparseResult sparseCore(GraphBuilder& graph, const std::string& name, const SparseInputs& inputs,
                        Dim width, const SparseOptions& options);

/// SparseAttention of data/training/attention.py: native sparse attention (NSA; Yuan et al., arXiv
/// 2502.11089) on maps [mb, h, w, c], not causal. Per query and head 2 d (windows + 64 selected +
/// window tokens) multiply-adds instead of 2 d n; still quadratic, by 1 / (stride area). Weights
/// scope.q, scope.k_compressed, v_compressed, k_selected, v_selected, k_window, v_window,
/// scope.gate [3 heads, c], scope.projection, linear with bias; scope.compress_k.* and
/// scope.compress_v.* as sparseCompress().
SparseResult sparseAttention(GraphBuilder& graph, const Tensor& src, const std::string& scope,
                             const SparseOptions& options);

}  // namespace va
