#pragma once

#include <OpenEXR/ImfChromaticities.h>

#include <memory>

#include "core/image.h"

namespace pristine {

/// Image::metadata of an OpenEXR file: a linear profile and what writing it again needs.
std::shared_ptr<const void> exrMetadata(const Imf::Chromaticities& chromaticities, bool halves);

/// Those of the picture's file, of Rec. 709 for pictures from elsewhere.
Imf::Chromaticities chromaticitiesOf(const Image& image);

}  // namespace pristine
