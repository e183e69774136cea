#include "core/sha256.h"

#include <gtest/gtest.h>

#include <vector>

namespace pristine {
namespace {

std::string digest(const std::string& text) {
  return sha256(std::vector<std::uint8_t>(text.begin(), text.end()));
}

// Examples of FIPS 180-2, appendix B, and the empty message.
TEST(Sha256, GivesTheDigestsOfTheStandard) {
  EXPECT_EQ(digest(""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(digest("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(digest("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq"),
            "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
  EXPECT_EQ(digest(std::string(1'000'000, 'a')),
            "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

TEST(Sha256, ChangesWithEveryByteAtEveryLength) {
  for (const std::size_t length : {1U, 54U, 55U, 56U, 63U, 64U, 65U, 119U, 120U, 128U}) {
    std::vector<std::uint8_t> bytes(length, 7);
    const std::string before = sha256(bytes);
    for (std::size_t i = 0; i < length; ++i) {
      bytes[i] ^= 1U;
      EXPECT_NE(sha256(bytes), before) << length << " " << i;
      bytes[i] ^= 1U;
    }
  }
}

}  // namespace
}  // namespace pristine
