#include "app/output_size.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/error.h"

namespace pristine {
namespace {

TEST(OutputSize, IsBoundedByTheFormat) {
  EXPECT_NO_THROW(requireOutputSize("a.jpg", 65500, 65500));
  EXPECT_NO_THROW(requireOutputSize("a.webp", 16383, 1));
  EXPECT_NO_THROW(requireOutputSize("a.tif", 100000, 100000));
  EXPECT_THROW(requireOutputSize("a.jpg", 65501, 1), Error);
  EXPECT_THROW(requireOutputSize("a.JPEG", 1, 65501), Error);
  try {
    requireOutputSize("b/a.webp", 20000, 16384);
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::Output);
    EXPECT_THAT(error.what(), testing::HasSubstr("20000x16384"));
    EXPECT_THAT(error.what(), testing::HasSubstr("16383"));
  }
}

}  // namespace
}  // namespace pristine
