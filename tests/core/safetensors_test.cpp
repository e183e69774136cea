#include "core/safetensors.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <nlohmann/json.hpp>
#include <random>

#include "core/error.h"
#include "core/model.h"
#include "tests/support/files.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/tiny_model.h"

namespace pristine {
namespace {

using nlohmann::json;
using testing::HasSubstr;

/// A file of a header text and data bytes, whatever they say.
std::vector<std::uint8_t> fileOf(const std::string& header, std::size_t data,
                                 std::int64_t lengthError = 0) {
  std::vector<std::uint8_t> bytes(8 + header.size() + data);
  const std::uint64_t length = header.size() + static_cast<std::uint64_t>(lengthError);
  std::memcpy(bytes.data(), &length, 8);
  std::memcpy(bytes.data() + 8, header.data(), header.size());
  return bytes;
}

std::string tensorEntry(const std::string& type, const std::string& shape,
                        const std::string& offsets) {
  return R"({"dtype":")" + type + R"(","shape":)" + shape + R"(,"data_offsets":)" + offsets + "}";
}

/// What the parser says of the file; empty if it takes it.
std::string complaint(const std::vector<std::uint8_t>& bytes) {
  try {
    parseSafetensors(bytes, "m");
    return {};
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::Model);
    EXPECT_THAT(error.what(), HasSubstr("model 'm'"));
    return error.what();
  }
}

TEST(Safetensors, ReadsWhatItWrote) {
  Safetensors content;
  content.metadata["a"] = "ünï \"quoted\"";
  content.tensors["x.weight"] = {{2, 3}, {1, -2, 3.5F, 0, 1e-20F, 1e20F}};
  content.tensors["scalar"] = {{}, {7}};
  content.tensors["none"] = {{0, 4}, {}};
  const Safetensors read = parseSafetensors(formatSafetensors(content), "m");
  EXPECT_EQ(read.metadata, content.metadata);
  ASSERT_EQ(read.tensors.size(), 3U);
  for (const auto& [name, tensor] : content.tensors) {
    EXPECT_EQ(read.tensors.at(name).shape, tensor.shape) << name;
    EXPECT_EQ(read.tensors.at(name).values, tensor.values) << name;
  }
}

TEST(Safetensors, WidensHalvesExactly) {
  struct Case {
    std::uint16_t bits;
    float value;
  };
  const std::vector<Case> cases{{0x0000, 0.0F},
                                {0x3C00, 1.0F},
                                {0xC000, -2.0F},
                                {0x7BFF, 65504.0F},
                                {0x0400, std::ldexp(1.0F, -14)},
                                {0x0001, std::ldexp(1.0F, -24)},
                                {0x83FF, -std::ldexp(1023.0F, -24)},
                                {0x7C00, std::numeric_limits<float>::infinity()}};
  const std::string size = std::to_string(cases.size());
  auto bytes = fileOf(
      "{\"t\":" +
          tensorEntry("F16", "[" + size + "]", "[0," + std::to_string(2 * cases.size()) + "]") +
          "}",
      2 * cases.size());
  for (std::size_t i = 0; i < cases.size(); ++i) {
    std::memcpy(bytes.data() + bytes.size() - 2 * (cases.size() - i), &cases[i].bits, 2);
  }
  const auto values = parseSafetensors(bytes, "m").tensors.at("t").values;
  for (std::size_t i = 0; i < cases.size(); ++i) EXPECT_EQ(values[i], cases[i].value) << i;
}

TEST(Safetensors, WidensBfloat16) {
  auto bytes = fileOf("{\"t\":" + tensorEntry("BF16", "[1]", "[0,2]") + "}", 2);
  bytes[bytes.size() - 2] = 0x80;
  bytes[bytes.size() - 1] = 0x3F;
  EXPECT_EQ(parseSafetensors(bytes, "m").tensors.at("t").values, std::vector<float>{1.0F});
}

TEST(Safetensors, RefusesFilesTooShortForTheirHeader) {
  EXPECT_THAT(complaint({}), HasSubstr("has 0 bytes"));
  EXPECT_THAT(complaint({1, 2, 3}), HasSubstr("has 3 bytes"));
  EXPECT_THAT(complaint(fileOf("{}", 0, 1)), HasSubstr("says its header has 3 bytes"));
  EXPECT_THAT(complaint(fileOf("{}", 0, -3)),
              HasSubstr("says its header has 18446744073709551615"));
}

TEST(Safetensors, RefusesHeadersThatAreNoObject) {
  EXPECT_THAT(complaint(fileOf("[]", 0)), HasSubstr("not a JSON object"));
  EXPECT_THAT(complaint(fileOf("{\"t\":", 0)), HasSubstr("not JSON"));
  EXPECT_THAT(complaint(fileOf("{} trailing", 0)), HasSubstr("not JSON"));
  EXPECT_THAT(complaint(fileOf("{\"t\":" + std::string(100000, '['), 0)), HasSubstr("nested"));
  EXPECT_THAT(complaint(fileOf("{\"__metadata__\":{\"a\":1}}", 0)), HasSubstr("'a'"));
  EXPECT_THAT(complaint(fileOf("{\"__metadata__\":3}", 0)), HasSubstr("metadata"));
}

TEST(Safetensors, NamesTheTensorThatIsWrong) {
  struct Case {
    std::string entry;
    std::string said;
  };
  const std::vector<Case> cases{
      {tensorEntry("F32", "[2]", "[0,16]"), "lies at 0 to 16, the data has 8 bytes"},
      {tensorEntry("F32", "[2]", "[8,0]"), "lies at 8 to 0"},
      {tensorEntry("F32", "[2]", "[18446744073709551608,18446744073709551615]"), "lies at"},
      {tensorEntry("F32", "[1]", "[0,8]"), "has 8 bytes, expected 4"},
      {tensorEntry("F32", "[-1]", "[0,4]"), "no natural number"},
      {tensorEntry("F32", "[1.5]", "[0,4]"), "no natural number"},
      {tensorEntry("F32", "[1]", "[0,4.5]"), "no natural number"},
      {tensorEntry("F32", "[4294967296,4294967296]", "[0,8]"), "more elements"},
      {tensorEntry("F32", "[0,18446744073709551615]", "[0,0]"), "more elements"},
      {tensorEntry("F64", "[1]", "[0,8]"), "'F64'"},
      {tensorEntry("F32", "[2]", "[0]"), "data_offsets"},
      {tensorEntry("F32", "2", "[0,8]"), "shape"},
      {R"({"dtype":3,"shape":[2],"data_offsets":[0,8]})", "dtype"},
      {R"({"shape":[2],"data_offsets":[0,8]})", "dtype"},
      {"3", "dtype"}};
  for (const Case& c : cases) {
    const std::string said = complaint(fileOf("{\"the.tensor\":" + c.entry + "}", 8));
    EXPECT_THAT(said, HasSubstr("tensor 'the.tensor'")) << c.entry;
    EXPECT_THAT(said, HasSubstr(c.said)) << c.entry;
  }
}

TEST(Safetensors, RefusesOverlapsAndRepetitions) {
  const std::string first = tensorEntry("F32", "[2]", "[0,8]");
  EXPECT_THAT(complaint(fileOf(
                  "{\"a\":" + first + ",\"b\":" + tensorEntry("F32", "[2]", "[4,12]") + "}", 12)),
              HasSubstr("tensor 'b' overlaps tensor 'a'"));
  EXPECT_THAT(complaint(fileOf("{\"a\":" + first + ",\"a\":" + first + "}", 8)),
              HasSubstr("tensor 'a' is there twice"));
}

TEST(Safetensors, NamesFilesThatCannotBeRead) {
  const test::TemporaryFolder folder;
  EXPECT_THROW(readSafetensors(folder / "missing.safetensors"), Error);
  EXPECT_THROW(readSafetensors(folder.path()), Error);
}

/// Damaged files are refused with Error(Model) or make a model; nothing else happens.
class DamagedModel : public testing::Test {
 protected:
  void tryToLoad(const std::vector<std::uint8_t>& bytes) {
    try {
      const auto model = Model::fromSafetensors(parseSafetensors(bytes, "m"), "m");
      EXPECT_GT(model->info().parameters, 0U);
      ++taken;
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::Model);
      ++refused;
    }
  }

  const std::vector<std::uint8_t> valid = formatSafetensors(test::tinyModel());
  std::mt19937 random{7};
  int taken = 0;
  int refused = 0;
};

TEST_F(DamagedModel, TruncatedAnywhereIsRefused) {
  for (int i = 0; i < 300; ++i) {
    const std::size_t size = i < 40 ? static_cast<std::size_t>(i) : random() % valid.size();
    tryToLoad({valid.begin(), valid.begin() + static_cast<std::ptrdiff_t>(size)});
  }
  EXPECT_EQ(taken, 0);
  EXPECT_EQ(refused, 300);
}

TEST_F(DamagedModel, WithFlippedHeaderBytesNeverCrashes) {
  std::uint64_t header = 0;
  std::memcpy(&header, valid.data(), 8);
  for (int i = 0; i < 3000; ++i) {
    auto bytes = valid;
    const int flips = 1 + static_cast<int>(random() % 3);
    for (int f = 0; f < flips; ++f) {
      bytes[random() % (8 + header)] ^= static_cast<std::uint8_t>(1U << (random() % 8));
    }
    tryToLoad(bytes);
  }
  EXPECT_GT(refused, 1000);
}

TEST_F(DamagedModel, WithDigitsReplacedNeverCrashes) {
  std::uint64_t header = 0;
  std::memcpy(&header, valid.data(), 8);
  std::vector<std::size_t> digits;
  for (std::size_t i = 8; i < 8 + header; ++i) {
    if (valid[i] >= '0' && valid[i] <= '9') digits.push_back(i);
  }
  for (int i = 0; i < 3000; ++i) {
    auto bytes = valid;
    bytes[digits[random() % digits.size()]] = static_cast<std::uint8_t>('0' + random() % 10);
    tryToLoad(bytes);
  }
  EXPECT_GT(refused, 1000);
}

TEST_F(DamagedModel, WithChangedNumbersOfItsConfigurationNeverCrashes) {
  const std::vector<json> values{-1,   0,     1,    2,   3,      5,       7,     8,        4096,
                                 4097, 65536, 1e10, 1.5, "pair", nullptr, false, 1u << 31U};
  const Safetensors content = test::tinyModel();
  for (const char* key : {"image_channels", "window", "heads", "bins", "agents", "dynamic_range",
                          "channels", "encoder", "middle", "decoder", "type"}) {
    for (const json& value : values) {
      for (const bool wrapped : {false, true}) {
        json info = test::tinyModelInfo();
        info["architecture"][key] = wrapped ? json::array({value, value}) : value;
        Safetensors changed = content;
        changed.metadata["pristine"] = info.dump();
        tryToLoad(formatSafetensors(changed));
      }
    }
  }
  EXPECT_GT(refused, 100);
}

}  // namespace
}  // namespace pristine
