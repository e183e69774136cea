#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace pristine::test {

/// All bytes of a file. Throws std::runtime_error.
std::vector<std::uint8_t> readBytes(const std::filesystem::path& path);
/// Creates or replaces a file and the folders above it. Throws std::runtime_error.
void writeBytes(const std::filesystem::path& path, const std::vector<std::uint8_t>& bytes);
void writeText(const std::filesystem::path& path, const std::string& text);

/// Names of everything below a folder, relative and sorted; folders and the journals in
/// .pristine are left out.
std::vector<std::string> filesBelow(const std::filesystem::path& folder);

}  // namespace pristine::test
