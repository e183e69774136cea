#pragma once

#include <optional>

#include "core/restorer.h"

namespace pristine {

/// Restorer::restore() for a picture of any encoding: the network sees it in its own colour space
/// and with the surroundings' colour under transparency, and what it changes is brought back and
/// added: source + strength * change. Wide gamuts and values beyond black and white stay; those
/// further out than the noise of training are moved along, not restored. Colours under whole
/// transparency, and alpha, are the source's.
std::optional<Image> restorePicture(Restorer& restorer, const Image& source, double strength,
                                    const RestoreControl& control = {});

/// The pixels of a picture with those colours under full transparency that the network is shown
/// there. Without any they are image.pixels themselves, not copied.
cv::Mat withoutHiddenColours(const Image& image);

}  // namespace pristine
