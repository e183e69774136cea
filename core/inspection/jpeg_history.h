#pragma once

#include <optional>

#include "core/inspection/inspected_pixels.h"
#include "core/inspection/jpeg_tables.h"

namespace pristine {

/// A compression that left its mark in the pixels.
struct JpegTrace {
  int quality = 0;
  int offsetX = 0;  ///< of the first whole block, 0 to 7
  int offsetY = 0;
  double score = 0;  ///< gain of log-likelihood for a DCT coefficient, in nats
};

/// What the pixels tell of the compressions behind them.
struct JpegHistory {
  std::optional<JpegTrace> last;
  std::optional<JpegTrace> earlier;  ///< that before, of another quality or on another grid
};

/// Finds the quantisation of past compressions in the 8x8 DCT coefficients of luma, which lie near
/// multiples of their steps: the maximum of the likelihood over qualities and the 64 positions of
/// the grid, as Fan and de Queiroz ("Identification of bitmap compression history: JPEG detection
/// and quantizer estimation", IEEE TIP 2003) do it, but over the one-parameter family of standard
/// tables instead of step by step, and against smooth densities instead of Laplace's. An earlier
/// compression is looked for in the same way with the rounding error of the last one's steps
/// (Bianchi and Piva, "Detection of nonaligned double JPEG compression based on integer
/// periodicity maps", IEEE TIFS 2012, have the case of another grid).
///
/// `known`: the table of the file that the picture comes from, whose pixels begin with a block;
/// nothing is looked for as the last compression then. Pictures under 32 pixels have no history.
JpegHistory findJpegHistory(const InspectedPixels& picture,
                            const std::optional<JpegTable>& known = {});

}  // namespace pristine
