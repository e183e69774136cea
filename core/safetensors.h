#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

namespace pristine {

/// A parsed safetensors file (format of the Hugging Face safetensors project, version 0.x: u64
/// header length, JSON header, data). Values of F16, BF16 and F32 tensors, widened to f32.
struct Safetensors {
  struct Tensor {
    std::vector<std::int64_t> shape;
    std::vector<float> values;
  };
  std::map<std::string, Tensor> tensors;
  std::map<std::string, std::string> metadata;
};

/// Parses `bytes`; `name` appears in messages. Every offset is compared with the size before it is
/// used. Throws Error(Model) naming the tensor.
Safetensors parseSafetensors(const std::vector<std::uint8_t>& bytes, const std::string& name);

/// Reads and parses a file. Throws Error(Model).
Safetensors readSafetensors(const std::filesystem::path& path);

/// The file for `content`, tensors as F32. For tests and tools.
std::vector<std::uint8_t> formatSafetensors(const Safetensors& content);

}  // namespace pristine
