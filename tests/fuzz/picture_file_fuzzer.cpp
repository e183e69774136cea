#include <cstdint>

#include "app/image_file.h"
#include "core/error.h"
#include "tests/fuzz/memory_file.h"

extern "C" int LLVMFuzzerInitialize(int* /*argc*/, char*** /*argv*/) {
  pristine::initializeImageFiles();
  return 0;
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const pristine::test::MemoryFile file(data, size);
  try {
    pristine::readImage(file.path(), {}, {.maxPixels = 1'000'000});
  } catch (const pristine::Error&) {
    // Refused with a reason, as it should be.
  }
  return 0;
}
