#include "app/batch_inputs.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sstream>

#include "tests/support/files.h"
#include "tests/support/temporary_folder.h"

namespace pristine {
namespace {

using testing::ElementsAre;

TEST(FileList, TakesLinesOrNamesEndedByZeros) {
  std::istringstream lines("a b.png\n\n#100%.jpg\r\n\xFF.png");
  EXPECT_THAT(readFileList(lines, false), ElementsAre("a b.png", "#100%.jpg", "\xFF.png"));
  std::istringstream zeros(std::string("a\nb.png\0c.png\0", 14));
  EXPECT_THAT(readFileList(zeros, true), ElementsAre("a\nb.png", "c.png"));
  std::istringstream empty;
  EXPECT_TRUE(readFileList(empty, false).empty());
}

TEST(Patterns, BecomeTheNamesThatTheyMatch) {
  const test::TemporaryFolder folder;
  for (const char* name : {"b.png", "a.png", "c.jpg", "sub/d.png", "x[1].png", "x1.png"}) {
    test::writeText(folder / name, "");
  }
  const auto names = [](const std::vector<std::filesystem::path>& inputs) {
    return expandPatterns(inputs).inputs;
  };
  EXPECT_THAT(names({folder / "[ab].png", folder / "c.jpg"}),
              ElementsAre(folder / "a.png", folder / "b.png", folder / "c.jpg"));
  EXPECT_THAT(names({folder / "*/*.png"}), ElementsAre(folder / "sub/d.png"));
  EXPECT_THAT(names({folder / "x[1].png"}), ElementsAre(folder / "x[1].png"));
  EXPECT_THAT(names({folder / "missing.png"}), ElementsAre(folder / "missing.png"));
  const ExpandedInputs none = expandPatterns({folder / "none*.png", folder / "a*.png"});
  EXPECT_THAT(none.inputs, ElementsAre(folder / "a.png"));
  EXPECT_THAT(none.unmatched, ElementsAre(folder / "none*.png"));
}

}  // namespace
}  // namespace pristine
