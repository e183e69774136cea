#pragma once

#include <cstdint>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "core/safetensors.h"

namespace pristine::test {

/// The 'pristine' metadata of a two-level network with every kind of block, windows of 16 pixels
/// and a halo of 16.
/// `scale` over 1: task upscale.
nlohmann::json tinyModelInfo(int scale = 1);

/// The same with the scales that int8 needs, for every pair.
nlohmann::json calibratedTinyModelInfo();

/// A valid model file with that metadata and random weights. The network adds to the picture a
/// correction of a few hundredths that depends on all of its parts.
Safetensors tinyModel(std::uint32_t seed = 1, int scale = 1);

/// Writes a network of convolutions alone, several times as fast.
void writeConvolutionModel(const std::filesystem::path& path);

/// Writes tinyModel() to a file.
void writeTinyModel(const std::filesystem::path& path, std::uint32_t seed = 1, int scale = 1);
/// The same under other metadata.
void writeTinyModel(const std::filesystem::path& path, const nlohmann::json& info);

}  // namespace pristine::test
