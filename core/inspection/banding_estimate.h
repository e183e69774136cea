#pragma once

#include "core/inspection/inspected_pixels.h"

namespace pristine {

/// Share of the picture, 0 to 1, that lies in bands: rows and columns are cut into runs of one
/// value of luma; a run of 16 pixels or more that meets another such at a step of at most 6 of 255
/// is a band. Uniform areas bordered by small steps are what Wang, Kum, Chen and Kokaram ("A
/// perceptual visibility metric for banding artifacts", ICIP 2016) look for. Of pictures over 4
/// megapixels every so many rows and columns are taken.
double estimateBanding(const InspectedPixels& picture);

}  // namespace pristine
