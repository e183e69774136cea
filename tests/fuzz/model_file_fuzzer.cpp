#include <cstdint>

#include "core/error.h"
#include "core/model.h"
#include "core/safetensors.h"
#include "tests/fuzz/memory_file.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const pristine::test::MemoryFile file(data, size);
  try {
    pristine::Model::load(file.path());
  } catch (const pristine::Error&) {
    // Refused with a reason, as it should be.
  }
  return 0;
}
