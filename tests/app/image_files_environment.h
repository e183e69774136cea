#pragma once

#include "app/image_file.h"

namespace pristine::test {

/// Starts the decoders when first constructed; a member or local of every test that needs them.
struct ImageFiles {
  ImageFiles() {
    static const bool kStarted = (initializeImageFiles(), true);
    static_cast<void>(kStarted);
  }
};

}  // namespace pristine::test
