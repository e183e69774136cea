#include "core/safetensors.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <fstream>
#include <nlohmann/json.hpp>
#include <utility>

#include "core/error.h"

namespace pristine {

namespace {

using nlohmann::json;

constexpr std::uint64_t kLongestHeader = 100'000'000;
constexpr std::uint64_t kLargestFile = std::uint64_t{4} << 30U;

float fromHalf(std::uint16_t half) {
  const std::uint32_t sign = (half & 0x8000U) << 16U;
  const std::uint32_t exponent = (half >> 10U) & 0x1FU;
  const std::uint32_t fraction = half & 0x3FFU;
  if (exponent == 0) {
    const float magnitude = std::ldexp(static_cast<float>(fraction), -24);
    return sign != 0 ? -magnitude : magnitude;
  }
  const std::uint32_t widened = exponent == 31 ? 0xFFU : exponent + 112U;
  return std::bit_cast<float>(sign | (widened << 23U) | (fraction << 13U));
}

template <typename T>
T load(const std::uint8_t* bytes) {
  T value;
  std::memcpy(&value, bytes, sizeof(T));
  return value;
}

std::vector<float> widen(const std::uint8_t* data, std::size_t count, const std::string& type) {
  std::vector<float> values(count);
  for (std::size_t i = 0; i < count; ++i) {
    if (type == "F32") {
      values[i] = load<float>(data + 4 * i);
    } else if (type == "F16") {
      values[i] = fromHalf(load<std::uint16_t>(data + 2 * i));
    } else {
      const std::uint32_t bits = load<std::uint16_t>(data + 2 * i);
      values[i] = std::bit_cast<float>(bits << 16U);
    }
  }
  return values;
}

class Parser {
 public:
  Parser(const std::vector<std::uint8_t>& bytes, const std::string& name)
      : bytes_(bytes), name_(name) {}

  Safetensors parse() {
    if (bytes_.size() < 8)
      fail("has " + std::to_string(bytes_.size()) + " bytes, expected 8 at least");
    const auto length = load<std::uint64_t>(bytes_.data());
    if (length > kLongestHeader || length > bytes_.size() - 8) {
      fail("says its header has " + std::to_string(length) + " bytes, the file has " +
           std::to_string(bytes_.size()));
    }
    const auto* text = reinterpret_cast<const char*>(bytes_.data()) + 8;
    const json header = parseHeader(text, text + length);
    dataSize_ = bytes_.size() - 8 - length;
    data_ = bytes_.data() + 8 + length;
    Safetensors result;
    for (const auto& [key, value] : header.items()) {
      if (key == "__metadata__") {
        result.metadata = metadata(value);
      } else {
        result.tensors.emplace(key, tensor(key, value));
      }
    }
    checkOverlaps();
    return result;
  }

 private:
  [[noreturn]] void fail(const std::string& what) const {
    throw Error(ErrorCode::Model, "model '" + name_ + "' " + what);
  }
  [[noreturn]] void fail(const std::string& tensor, const std::string& what) const {
    throw Error(ErrorCode::Model, "model '" + name_ + "': tensor '" + tensor + "' " + what);
  }

  json parseHeader(const char* first, const char* last) const {
    std::vector<std::string> keys;
    int depthLimit = 16;
    const json::parser_callback_t callback = [&](int depth, json::parse_event_t event,
                                                 json& parsed) {
      if (depth > depthLimit)
        throw Error(ErrorCode::Model, "model '" + name_ + "': header is nested too deep");
      if (event == json::parse_event_t::key && depth == 1) {
        keys.push_back(parsed.get<std::string>());
      }
      return true;
    };
    json header;
    try {
      header = json::parse(first, last, callback);
    } catch (const json::exception&) {
      fail("has a header that is not JSON");
    }
    if (!header.is_object()) fail("has a header that is not a JSON object");
    std::sort(keys.begin(), keys.end());
    const auto twice = std::adjacent_find(keys.begin(), keys.end());
    if (twice != keys.end()) fail(*twice, "is there twice");
    return header;
  }

  std::map<std::string, std::string> metadata(const json& value) const {
    if (!value.is_object()) fail("has metadata that is not a JSON object");
    std::map<std::string, std::string> result;
    for (const auto& [key, text] : value.items()) {
      if (!text.is_string()) fail("has metadata '" + key + "' that is not a string");
      result[key] = text.get<std::string>();
    }
    return result;
  }

  Safetensors::Tensor tensor(const std::string& key, const json& value) {
    if (!value.is_object() || !value.contains("dtype") || !value.contains("shape") ||
        !value.contains("data_offsets") || !value["dtype"].is_string() ||
        !value["shape"].is_array() || !value["data_offsets"].is_array() ||
        value["data_offsets"].size() != 2) {
      fail(key, "lacks dtype, shape or data_offsets");
    }
    const auto type = value["dtype"].get<std::string>();
    if (type != "F32" && type != "F16" && type != "BF16") {
      fail(key, "is of type '" + type + "', expected F16, BF16 or F32");
    }
    Safetensors::Tensor result;
    std::uint64_t count = 1;
    for (const json& size : value["shape"]) {
      if (!size.is_number_unsigned()) fail(key, "has a size that is no natural number");
      const auto dim = size.get<std::uint64_t>();
      if (dim > kLargestFile || __builtin_mul_overflow(count, dim, &count) ||
          count > kLargestFile) {
        fail(key, "has more elements than a file can hold");
      }
      result.shape.push_back(static_cast<std::int64_t>(dim));
    }
    for (const json& offset : value["data_offsets"]) {
      if (!offset.is_number_unsigned()) fail(key, "has an offset that is no natural number");
    }
    const auto first = value["data_offsets"][0].get<std::uint64_t>();
    const auto last = value["data_offsets"][1].get<std::uint64_t>();
    const std::uint64_t wanted = count * (type == "F32" ? 4 : 2);
    if (first > last || last > dataSize_) {
      fail(key, "lies at " + std::to_string(first) + " to " + std::to_string(last) +
                    ", the data has " + std::to_string(dataSize_) + " bytes");
    }
    if (last - first != wanted) {
      fail(key,
           "has " + std::to_string(last - first) + " bytes, expected " + std::to_string(wanted));
    }
    if (wanted != 0) ranges_.push_back({first, last, key});
    result.values = widen(data_ + first, static_cast<std::size_t>(count), type);
    return result;
  }

  void checkOverlaps() {
    std::sort(ranges_.begin(), ranges_.end(),
              [](const Range& a, const Range& b) { return a.first < b.first; });
    for (std::size_t i = 1; i < ranges_.size(); ++i) {
      if (ranges_[i].first < ranges_[i - 1].last) {
        fail(ranges_[i].tensor, "overlaps tensor '" + ranges_[i - 1].tensor + "'");
      }
    }
  }

  struct Range {
    std::uint64_t first;
    std::uint64_t last;
    std::string tensor;
  };

  const std::vector<std::uint8_t>& bytes_;
  const std::string& name_;
  const std::uint8_t* data_ = nullptr;
  std::uint64_t dataSize_ = 0;
  std::vector<Range> ranges_;
};

}  // namespace

Safetensors parseSafetensors(const std::vector<std::uint8_t>& bytes, const std::string& name) {
  return Parser(bytes, name).parse();
}

Safetensors readSafetensors(const std::filesystem::path& path) {
  const std::string name = path.filename().string();
  std::error_code error;
  const auto size = std::filesystem::file_size(path, error);
  if (error) throw Error(ErrorCode::Model, "model '" + path.string() + "': " + error.message());
  if (size > kLargestFile) {
    throw Error(ErrorCode::Model, "model '" + name + "' has " + std::to_string(size) + " bytes");
  }
  std::ifstream file(path, std::ios::binary);
  std::vector<std::uint8_t> bytes(static_cast<std::size_t>(size));
  if (!file ||
      !file.read(reinterpret_cast<char*>(bytes.data()), static_cast<std::streamsize>(size))) {
    throw Error(ErrorCode::Model, "model '" + path.string() + "' cannot be read");
  }
  return parseSafetensors(bytes, name);
}

std::vector<std::uint8_t> formatSafetensors(const Safetensors& content) {
  json header = json::object();
  header["__metadata__"] = content.metadata;
  std::uint64_t offset = 0;
  for (const auto& [name, tensor] : content.tensors) {
    const std::uint64_t bytes = 4 * tensor.values.size();
    header[name] = {
        {"dtype", "F32"}, {"shape", tensor.shape}, {"data_offsets", {offset, offset + bytes}}};
    offset += bytes;
  }
  std::string text = header.dump();
  text.resize((text.size() + 7) / 8 * 8, ' ');
  std::vector<std::uint8_t> bytes(8 + text.size() + offset);
  const std::uint64_t length = text.size();
  std::memcpy(bytes.data(), &length, 8);
  std::memcpy(bytes.data() + 8, text.data(), text.size());
  std::uint8_t* data = bytes.data() + 8 + text.size();
  for (const auto& [name, tensor] : content.tensors) {
    if (tensor.values.empty()) continue;
    std::memcpy(data, tensor.values.data(), 4 * tensor.values.size());
    data += 4 * tensor.values.size();
  }
  return bytes;
}

}  // namespace pristine
