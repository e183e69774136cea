#include "app/path_json.h"

#include <nlohmann/json.hpp>

#include <array>
#include <charconv>
#include <stdexcept>

namespace pristine {

using nlohmann::json;

json jsonOfPath(const std::filesystem::path& path) {
  const std::string& bytes = path.native();
  try {
    static_cast<void>(json(bytes).dump());  // the library's own check of UTF-8
    return bytes;
  } catch (const json::type_error&) {
    constexpr std::string_view kDigits = "0123456789abcdef";
    std::string hex;
    for (const char c : bytes) {
      const auto byte = static_cast<unsigned char>(c);
      hex += {kDigits[byte >> 4U], kDigits[byte & 15U]};
    }
    return json{{"hex", hex}};
  }
}

std::filesystem::path pathOfJson(const json& value) {
  if (value.is_string()) return value.get<std::string>();
  const auto hex = value.at("hex").get<std::string>();
  std::string bytes;
  for (std::size_t i = 0; i + 1 < hex.size(); i += 2) {
    unsigned char byte = 0;
    const auto [end, error] = std::from_chars(&hex[i], &hex[i] + 2, byte, 16);
    if (error != std::errc() || end != &hex[i] + 2) throw std::invalid_argument("not hexadecimal");
    bytes += static_cast<char>(byte);
  }
  return bytes;
}

}  // namespace pristine
