#include "app/name_template.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/error.h"

namespace pristine {
namespace {

std::string named(const std::string& text, const std::string& relative) {
  return NameTemplate(text, {{"verb", "denoise"}}).outputFor(relative).string();
}

TEST(NameTemplate, FillsInFields) {
  EXPECT_EQ(named("{dir}/{name}", "x/a.b.png"), "x/a.b.png");
  EXPECT_EQ(named("{dir}/{stem}_{verb}{ext}", "x/a.b.png"), "x/a.b_denoise.png");
  EXPECT_EQ(named("{stem}.tif", "x/y/a.png"), "a.tif");
  EXPECT_EQ(named("{dir}/{name}", "a.png"), "a.png");
  EXPECT_EQ(named("{{{stem}}}.png", "a.png"), "{a}}.png");
  EXPECT_EQ(named("{stem}", "\xFF.png"), "\xFF");
}

TEST(NameTemplate, RefusesWhatMakesNoSense) {
  for (const char* text : {"{stem", "{what}{stem}", "all.png", "{dir}", ""}) {
    EXPECT_THROW(NameTemplate(text, {}), Error) << text;
  }
  try {
    NameTemplate("{what}", {{"model", "m"}});
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::Usage);
    EXPECT_THAT(error.what(), testing::HasSubstr("{what}"));
    EXPECT_THAT(error.what(), testing::HasSubstr("{model}"));
  }
  EXPECT_THROW(named("../{name}", "a.png"), Error);
  EXPECT_THROW(named("/{name}", "a.png"), Error);
}

}  // namespace
}  // namespace pristine
