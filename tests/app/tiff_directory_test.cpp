#include "app/tiff_directory.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <random>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>

#include "tests/app/tiff_builder.h"

namespace pristine {
namespace {

using test::tiffEntry;
using test::tiffText;

constexpr std::uint16_t kBelow = 0x8769;
constexpr std::uint16_t kDeep = 0xA005;
constexpr std::uint16_t kBeside = 0x8825;

/// Every type with one value and with several, texts without NUL, three directories below.
TiffDirectory everything() {
  TiffDirectory first;
  std::uint16_t tag = 100;
  std::uint8_t value = 1;
  for (std::uint16_t type = 1; type <= 12; ++type) {
    for (const std::size_t count : {1U, 2U, 3U, 5U}) {
      TiffEntry entry{tag++, static_cast<TiffType>(type), {}};
      for (std::size_t i = 0; i < count * valueSize(entry.type); ++i) {
        entry.values.push_back(value++);
      }
      first.entries.push_back(std::move(entry));
    }
  }
  first.entries.push_back(tiffText(tag, "no end"));
  TiffDirectory below{kBelow, {tiffEntry(0x829A, TiffType::Rational, {1, 125})}, {}};
  below.children.push_back({kDeep, {tiffText(1, "R98")}, {}});
  TiffDirectory beside{kBeside, {tiffEntry(2, TiffType::Rational, {48, 1, 8, 1, 30, 1})}, {}};
  first.children = {std::move(below), std::move(beside)};
  return first;
}

class TiffFormats : public testing::TestWithParam<std::tuple<bool, bool>> {
 protected:
  const TiffFormat format{std::get<0>(GetParam()), std::get<1>(GetParam())};
};

TEST_P(TiffFormats, ComeBackEntryByEntry) {
  const TiffDirectory wanted = everything();
  const auto read = test::wholeTiff(encodeTiff(wanted, format));
  ASSERT_TRUE(read);
  EXPECT_EQ(*read, wanted);
}

TEST_P(TiffFormats, HoldValuesInTheirOwnOrder) {
  const auto bytes = encodeTiff({0, {tiffEntry(0x0112, TiffType::Short, {0x0102})}, {}}, format);
  const std::array<std::uint8_t, 2> wanted{static_cast<std::uint8_t>(format.bigEndian ? 1 : 2),
                                           static_cast<std::uint8_t>(format.bigEndian ? 2 : 1)};
  const std::size_t field = format.bigTiff ? 16 + 8 + 12 : 8 + 2 + 8;
  EXPECT_EQ(bytes[field], wanted[0]);
  EXPECT_EQ(bytes[field + 1], wanted[1]);
  EXPECT_EQ(bytes.size(), format.bigTiff ? 16U + 8 + 20 + 8 : 8U + 2 + 12 + 4);
}

TEST_P(TiffFormats, KeepWhatTheyHeldWhenTheyGrow) {
  TiffDirectory old = everything();
  for (const std::size_t padding : {0U, 1U}) {
    auto bytes = encodeTiff(old, format);
    bytes.resize(bytes.size() + padding);
    TiffDirectory added{
        0, {tiffText(50, "first"), tiffText(101, "replaces"), tiffText(900, "x")}, {}};
    added.children.push_back({kBeside, {tiffText(29, "2026:01:02")}, {}});
    const auto writes = addToTiff(tiffSource(bytes), added);
    ASSERT_TRUE(writes);
    test::apply(*writes, bytes);
    TiffDirectory wanted = old;
    wanted.entries.insert(wanted.entries.begin(), added.entries[0]);
    wanted.entries[2] = added.entries[1];
    wanted.entries.push_back(added.entries[2]);
    wanted.children[1] = added.children[0];
    const auto read = test::wholeTiff(bytes);
    ASSERT_TRUE(read);
    EXPECT_EQ(*read, wanted);
  }
}

TEST_P(TiffFormats, GrowWithoutTouchingOldBytesBeforeTheHeader) {
  const auto bytes = encodeTiff(everything(), format);
  const auto writes = addToTiff(tiffSource(bytes), {0, {tiffText(50, "first")}, {}});
  ASSERT_TRUE(writes);
  ASSERT_EQ(writes->size(), 2U);
  EXPECT_EQ((*writes)[0].offset, bytes.size());
  EXPECT_EQ((*writes)[1].offset, format.bigTiff ? 8U : 4U);
  auto appended = bytes;
  test::apply({(*writes)[0]}, appended);
  const auto read = test::wholeTiff(appended);
  ASSERT_TRUE(read);
  EXPECT_EQ(*read, everything()) << "valid in between";
}

/// Flips bits, sets bytes to extremes and cuts, always differently: nothing may crash, and what is
/// read keeps the invariants that the writer relies on.
TEST_P(TiffFormats, SurviveDamage) {
  const auto whole = encodeTiff(everything(), format);
  std::mt19937 random(17);
  const auto below = [&](std::size_t end) {
    return std::uniform_int_distribution<std::size_t>(0, end - 1)(random);
  };
  int understood = 0;
  for (int round = 0; round < 5000; ++round) {
    auto bytes = whole;
    for (std::size_t flips = below(6); flips > 0; --flips) {
      const std::size_t at = below(bytes.size());
      const std::array<std::uint8_t, 4> values{
          static_cast<std::uint8_t>(bytes[at] ^ (1U << below(8))), 0, 0xFF,
          static_cast<std::uint8_t>(below(256))};
      bytes[at] = values[below(values.size())];
    }
    if (below(3) == 0) bytes.resize(below(bytes.size() + 1));
    const auto read = test::wholeTiff(bytes);
    if (read) {
      ++understood;
      std::size_t size = 0;
      for (const TiffEntry& entry : read->entries) {
        ASSERT_FALSE(entry.values.empty());
        ASSERT_EQ(entry.values.size() % valueSize(entry.type), 0U);
        size += entry.values.size();
      }
      ASSERT_LE(size, bytes.size());
      if (!read->empty()) {
        ASSERT_EQ(test::wholeTiff(encodeTiff(*read)), *read);
      }
    }
    if (const auto writes = addToTiff(tiffSource(bytes), everything())) {
      test::apply(*writes, bytes);
      const auto grown = test::wholeTiff(bytes);
      ASSERT_TRUE(grown);
      for (const TiffEntry& entry : everything().entries) {
        ASSERT_NE(grown->entry(entry.tag), nullptr);
      }
    }
  }
  EXPECT_GT(understood, 1000);
  EXPECT_LT(understood, 4900);
}

TEST_P(TiffFormats, AreNotReadWhenTheHeaderIsCut) {
  const auto whole = encodeTiff({0, {tiffText(50, "a text")}, {}}, format);
  const std::size_t directoryEnd = format.bigTiff ? 16U + 8 + 20 : 8U + 2 + 12;
  for (std::size_t size = 0; size < directoryEnd; ++size) {
    EXPECT_FALSE(test::wholeTiff(std::span(whole).first(size))) << size;
  }
}

std::string formatName(const testing::TestParamInfo<std::tuple<bool, bool>>& info) {
  return std::string(std::get<0>(info.param) ? "BigEndian" : "LittleEndian") +
         (std::get<1>(info.param) ? "BigTiff" : "Tiff");
}

INSTANTIATE_TEST_SUITE_P(All, TiffFormats, testing::Combine(testing::Bool(), testing::Bool()),
                         formatName);

/// A structure in memory whose first directory has the fields (tag, type, count, field).
std::vector<std::uint8_t> littleTiff(const std::vector<std::array<std::uint32_t, 4>>& fields) {
  std::vector<std::uint8_t> bytes{'I', 'I', 42, 0, 8, 0, 0, 0};
  const auto put = [&](std::uint32_t value, unsigned width) {
    for (unsigned i = 0; i < width; ++i) {
      bytes.push_back(static_cast<std::uint8_t>(value >> (8 * i)));
    }
  };
  put(static_cast<std::uint32_t>(fields.size()), 2);
  for (const auto& [tag, type, count, field] : fields) {
    put(tag, 2);
    put(type, 2);
    put(count, 4);
    put(field, 4);
  }
  put(0, 4);
  return bytes;
}

TEST(TiffDirectory, IsEnteredOnceOnly) {
  const auto read =
      test::wholeTiff(littleTiff({{1, 1, 1, 7}, {kBelow, 4, 1, 8}, {kDeep, 4, 1, 8}}));
  ASSERT_TRUE(read);
  EXPECT_EQ(read->entries.size(), 1U);
  EXPECT_TRUE(read->children.empty());
}

TEST(TiffDirectory, NestsFourDeep) {
  TiffDirectory innermost{kBelow, {tiffText(1, "deep")}, {}};
  for (int level = 0; level < 6; ++level) {
    TiffDirectory around{
        static_cast<std::uint16_t>(level == 5 ? 0 : kBelow), {tiffText(1, "x")}, {}};
    around.children.push_back(std::move(innermost));
    innermost = std::move(around);
  }
  const auto read = test::wholeTiff(encodeTiff(innermost));
  ASSERT_TRUE(read);
  int levels = 1;
  for (const TiffDirectory* at = read->child(kBelow); at != nullptr; at = at->child(kBelow))
    ++levels;
  EXPECT_EQ(levels, 4);
}

TEST(TiffDirectory, LeavesOutWhatIsDamagedAndKeepsTheRest) {
  const auto read = test::wholeTiff(littleTiff({{1, 1, 1, 7},
                                                {2, 1, 0, 7},                // no value
                                                {3, 2, 5, 0xFFFFFFFF},       // behind the end
                                                {4, 12, 0xFFFFFFFF, 8},      // 32 GiB
                                                {5, 99, 1, 7},               // a type of nobody
                                                {6, 5, 0x20000001, 8},       // bytes modulo 2^32: 8
                                                {kBelow, 4, 1, 0xFFFFFFF0},  // behind the end
                                                {kBeside, 4, 2, 8},          // two directories
                                                {9, 3, 2, 0x00020001}}));
  ASSERT_TRUE(read);
  EXPECT_EQ(
      *read,
      (TiffDirectory{
          0, {tiffEntry(1, TiffType::Byte, {7}), tiffEntry(9, TiffType::Short, {1, 2})}, {}}));
}

TEST(TiffDirectory, IsSortedWithEachTagOnce) {
  const auto read =
      test::wholeTiff(littleTiff({{9, 1, 1, 1}, {2, 1, 1, 2}, {9, 1, 1, 3}, {1, 1, 1, 4}}));
  ASSERT_TRUE(read);
  EXPECT_EQ(read->entries,
            (std::vector{tiffEntry(1, TiffType::Byte, {4}), tiffEntry(2, TiffType::Byte, {2}),
                         tiffEntry(9, TiffType::Byte, {1})}));
}

/// Fields that share one value must not multiply it.
TEST(TiffDirectory, HoldsNoMoreBytesThanItsSource) {
  std::vector<std::array<std::uint32_t, 4>> fields;
  for (std::uint32_t tag = 1; tag <= 100; ++tag) fields.push_back({tag, 1, 1000, 8});
  const auto bytes = littleTiff(fields);
  const auto read = test::wholeTiff(bytes);
  ASSERT_TRUE(read);
  EXPECT_EQ(read->entries.size(), bytes.size() / 1000);
}

TEST(TiffDirectory, GrowsBelowFourGibibytesOnly) {
  const auto bytes = encodeTiff(everything());
  TiffSource large = tiffSource(bytes);
  large.size = 0xFFFFFF00;
  EXPECT_THROW(addToTiff(large, everything()), std::length_error);
  large.size = 0xFFFF0000;
  EXPECT_TRUE(addToTiff(large, everything()));
}

TEST(TiffDirectory, KeepsFieldsOfUnknownTypesWhenItGrows) {
  auto bytes = littleTiff({{1, 0, 3, 0x01020304}, {2, 99, 7, 0x05060708}});
  const auto writes = addToTiff(tiffSource(bytes), {0, {tiffText(3, "new")}, {}});
  ASSERT_TRUE(writes);
  test::apply(*writes, bytes);
  const auto directory = bytes.begin() + bytes[4];
  const std::vector<std::uint8_t> wanted{3, 0, 1,  0, 0, 0, 3, 0, 0, 0, 4, 3, 2, 1,
                                         2, 0, 99, 0, 7, 0, 0, 0, 8, 7, 6, 5, 3, 0};
  EXPECT_EQ(std::vector(directory, directory + 28), wanted);
}

TEST(TiffDirectory, IsNotFoundInOtherFiles) {
  using namespace std::string_view_literals;
  for (const auto text : {""sv, "II"sv, "IM*\0\x08\0\0\0\1\0"sv, "II*\0\0\0\0\0\1\0"sv,
                          "\xFF\xD8\xFF\xE1 a JPEG file"sv}) {
    const std::vector<std::uint8_t> bytes(text.begin(), text.end());
    EXPECT_FALSE(test::wholeTiff(bytes)) << text;
    EXPECT_FALSE(addToTiff(tiffSource(bytes), everything())) << text;
  }
}

}  // namespace
}  // namespace pristine
