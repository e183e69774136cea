#pragma once

#include <filesystem>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>

namespace pristine {

/// A path in JSON: a string if it is UTF-8, else {"hex": "..."} of its bytes.
nlohmann::json jsonOfPath(const std::filesystem::path& path);
/// The inverse. Throws nlohmann::json::exception or std::invalid_argument.
std::filesystem::path pathOfJson(const nlohmann::json& value);

}  // namespace pristine
