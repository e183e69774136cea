#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <opencv2/core/mat.hpp>
#include <string>

#include "core/model.h"
#include "core/restorer.h"

namespace pristine {

/// A picture that is computed, CV_32FC3: ramps, edges and noise out of integers alone, the same on
/// every machine and in data/training/reference_output.py.
cv::Mat checkPicture(int width, int height);

/// How a model file and this machine compare with the stored reference output.
struct ModelCheck {
  std::string problem;       ///< empty: as it shall be
  double largestError = 0;   ///< of a value in f32, of 1
  std::string precision;     ///< that "auto" becomes here
  double precisionPsnr = 0;  ///< dB of that precision against f32
};

/// Compares the SHA-256 of the file with the one in reference/NAME.safetensors beside it, and what
/// the model makes of checkPicture() in f32 and in the precision "auto" with the tensor there.
ModelCheck checkModel(const std::filesystem::path& path, int threads = 0);

/// Seconds for a megapixel of output, measured on one: the faster of two runs. progress: 0 to 1,
/// from the calling thread.
double measureModel(const std::shared_ptr<const Model>& model, const RestorerOptions& options,
                    const std::function<void(double share)>& progress = {});

}  // namespace pristine
