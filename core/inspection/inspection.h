#pragma once

#include <optional>
#include <string>

#include "core/image.h"
#include "core/inspection/jpeg_history.h"
#include "core/inspection/jpeg_tables.h"
#include "core/inspection/noise_estimate.h"

namespace pristine {

/// What a picture needs, of the tasks that there are.
enum class Need { Nothing, Denoise, Dejpeg };

struct Verdict {
  Need need = Need::Nothing;
  double strength = 1;  ///< of the task, 0 to 1
  std::string reason;   ///< one line with the numbers, lower case, no full stop
};

/// The damage of a picture as far as its pixels and its file tell it.
struct Inspection {
  NoiseEstimate noise;
  JpegHistory jpeg;
  std::optional<JpegHeader> header;  ///< of a JPEG file
  std::optional<double> blur;        ///< sigma of the edges, in pixels
  double banding = 0;                ///< share of the picture in bands
  bool visible = true;               ///< there are pixels that are not transparent
  Verdict verdict;
};

/// pixels: CV_32FC3 in the encoding of sRGB, 0 to 1, as networks see them; stored: the same as
/// the file has them, where that is another; alpha: CV_32FC1 or empty; header: of the file if it
/// is a JPEG. Of more than 8 megapixels the middle is inspected.
Inspection inspect(const cv::Mat& pixels, const cv::Mat& stored, const cv::Mat& alpha, bool grey,
                   const std::optional<JpegHeader>& header);

/// The task that helps most, by thresholds that were found on training photographs
/// (tests/tools/measure_inspection.py).
Verdict judge(const Inspection& inspection);

}  // namespace pristine
