// Prints the rate of oneDNN's own 3x3 convolution, 64 to 64 channels at 256x256 in the layout it
// prefers, as JSON: {"threads": 2, "f32": 101.5, "bf16": null, "int8": 190.2} in GFLOP/s, null
// where the processor lacks the arithmetic. The best of the runs within about two seconds each.

#include "vision_attention/limit.h"

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <exception>

namespace {

constexpr double kSeconds = 2.0;

int threadsOf(int argc, char** argv) {
  if (argc == 1) return 0;
  char* end = nullptr;
  const long threads =
      argc == 3 && std::strcmp(argv[1], "--threads") == 0 ? std::strtol(argv[2], &end, 10) : 0;
  if (threads < 1 || threads > 1024 || *end != '\0') {
    std::fprintf(stderr, "usage: pristine_limit [--threads N]\n");
    std::exit(2);
  }
  return static_cast<int>(threads);
}

}  // namespace

int main(int argc, char** argv) {
  try {
    const va::Engine engine(threadsOf(argc, argv));
    std::printf("{\"threads\": %d", engine.threads());
    for (const auto arithmetic :
         {va::Arithmetic::F32, va::Arithmetic::BF16, va::Arithmetic::Int8}) {
      const double rate = va::convolutionLimit(engine, arithmetic, kSeconds);
      if (rate > 0) {
        std::printf(", \"%s\": %.1f", va::toString(arithmetic).c_str(), rate);
      } else {
        std::printf(", \"%s\": null", va::toString(arithmetic).c_str());
      }
    }
    std::printf("}\n");
    return 0;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "pristine_limit: %s\n", error.what());
    return 1;
  }
}
