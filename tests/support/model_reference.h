#pragma once

#include <filesystem>

namespace pristine::test {

/// Writes reference/NAME.safetensors beside a model file: its digest and what the model makes of
/// checkPicture() here.
void writeModelReference(const std::filesystem::path& model);

}  // namespace pristine::test
