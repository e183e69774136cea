#pragma once

#include <cstdlib>
#include <memory>

#include "app/model_catalog.h"

namespace pristine::bench {

/// The model whose blocks and network are measured: $PRISTINE_BENCH_MODEL, a name or a path, else
/// "denoise". Throws Error(Model).
inline std::shared_ptr<const Model> benchedModel() {
  const char* name = std::getenv("PRISTINE_BENCH_MODEL");
  return loadModel(name != nullptr ? name : "denoise");
}

/// Side in pixels of the tile that is measured, as far as the model's window divides it.
inline constexpr int kTile = 256;

}  // namespace pristine::bench
