// Files and paths that mean harm, through the program.

#include <gmock/gmock.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <random>

#include "tests/cli/command_line.h"

namespace pristine {
namespace {

namespace fs = std::filesystem;
using test::CommandLine;
using test::ProcessResult;
using testing::HasSubstr;

/// 4, or 6 where memory or disk are to blame.
testing::Matcher<int> everyFileFailed() {
  return testing::AnyOf(4, 6);
}

class Hostile : public CommandLine {
 protected:
  /// Restores a folder without the network; every picture must come out whole or be named.
  ProcessResult restoreAll(const std::string& in, const std::string& out,
                           std::chrono::seconds limit) const {
    test::Process process(withProgram({"denoise", path(in), "-o", path(out), "--strength", "0"}),
                          environment());
    const auto begin = std::chrono::steady_clock::now();
    ProcessResult result = process.finish(limit);
    EXPECT_EQ(result.signal, 0) << result.err;
    EXPECT_THAT(result.exitCode, testing::AnyOf(0, 1, everyFileFailed())) << result.err;
    EXPECT_LT(std::chrono::steady_clock::now() - begin, limit);
    for (const std::string& name : test::filesBelow(folder / in)) {
      if (!isImageExtension(name)) continue;
      if (!isWritableExtension(name) || !fs::exists(folder / out / name)) {
        EXPECT_THAT(result.err, HasSubstr(name + ": ")) << "neither restored nor named";
        continue;
      }
      EXPECT_NO_THROW(readImage(folder / out / name)) << name;
      EXPECT_THAT(result.err, testing::Not(HasSubstr("failed: " + path(in + "/" + name))));
    }
    if (fs::exists(folder / out)) {
      for (const std::string& name : test::filesBelow(folder / out)) {
        EXPECT_TRUE(fs::exists(folder / in / name)) << name << " is litter";
      }
    }
    return result;
  }
};

TEST_F(Hostile, EveryFileOfTheCorpusIsRefusedByNameOrRestored) {
  fs::create_directories(folder / "in");
  for (const auto& entry : fs::directory_iterator(fs::path(PRISTINE_TEST_DATA) / "hostile")) {
    fs::copy(entry.path(), folder / "in" / entry.path().filename());
  }
  const ProcessResult result = restoreAll("in", "out", std::chrono::seconds(120));
  EXPECT_EQ(result.exitCode, 1);
  for (const char* silent : {"unknown error", "gives no reason"}) {
    EXPECT_THAT(result.err, testing::Not(HasSubstr(silent)));
  }
  for (const char* bomb : {"png_bomb_of_gigapixels.png", "tiff_bomb_of_gigapixels.tif"}) {
    EXPECT_THAT(result.err, testing::ContainsRegex(std::string(bomb) + ": [^\n]*max-pixels"));
  }
}

TEST_F(Hostile, ModelFilesOfTheCorpusAreRefused) {
  addPicture("a.png");
  for (const auto& entry : fs::directory_iterator(fs::path(PRISTINE_TEST_DATA) / "hostile")) {
    if (entry.path().extension() != ".safetensors") continue;
    const ProcessResult result =
        run({"denoise", path("a.png"), "-o", path("b.png"), "-m", entry.path().string()});
    EXPECT_EQ(result.signal, 0) << entry.path();
    EXPECT_EQ(result.exitCode, 5) << entry.path() << result.err;
    EXPECT_THAT(result.err, HasSubstr(entry.path().filename().string()));
  }
  EXPECT_FALSE(fs::exists(folder / "b.png"));
}

/// Files of every format with bits turned or the end cut off. PRISTINE_DAMAGED_FILES makes it
/// longer: tests/tools/run-damaged-files.
TEST_F(Hostile, DamagedFilesAreRefusedByNameOrRestored) {
  const char* wanted = std::getenv("PRISTINE_DAMAGED_FILES");
  const int count = wanted != nullptr ? std::atoi(wanted) : 140;
  Image image = test::photographImage(40, 30);
  image.alpha = test::alphaRamp(40, 30);
  std::vector<std::pair<std::string, std::vector<std::uint8_t>>> originals;
  for (const char* extension : {".png", ".jpg", ".tif", ".webp", ".avif", ".jxl", ".exr"}) {
    Image source = image;
    if (!traitsOf(*formatOfName(std::string("x") + extension)).alpha) source.alpha.release();
    writeImage(source, folder / (std::string("whole") + extension));
    originals.emplace_back(extension, test::readBytes(folder / (std::string("whole") + extension)));
  }
  std::mt19937 random(7);
  constexpr int kAtOnce = 70;
  for (int done = 0; done < count;) {
    fs::remove_all(folder / "in");
    fs::remove_all(folder / "out");
    for (int i = 0; i < kAtOnce && done < count; ++i, ++done) {
      const auto& [extension, original] = originals[static_cast<std::size_t>(done) % 7];
      auto bytes = original;
      if (random() % 3 == 0) {
        bytes.resize(random() % bytes.size());
      } else {
        for (unsigned flips = 1 + random() % 8; flips > 0; --flips) {
          bytes[random() % bytes.size()] ^= static_cast<std::uint8_t>(1U << (random() % 8));
        }
      }
      test::writeBytes(folder / "in" / ("damaged" + std::to_string(done) + extension), bytes);
    }
    restoreAll("in", "out", std::chrono::seconds(120));
    if (HasFailure()) {
      fs::copy(folder / "in", "/tmp/pristine-damaged", fs::copy_options::recursive);
      FAIL() << "the files are in /tmp/pristine-damaged";
    }
  }
}

TEST_F(Hostile, NamesOfEveryKindAreKept) {
  const std::string longest = std::string(251, 'n') + ".png";
  const std::vector<std::string> names{"with space.png",
                                       "100%#hash?.png",
                                       "two\nlines.png",
                                       "bad\xFF\xFE"
                                       "bytes.png",
                                       "-o.png",
                                       "[page=1].png",
                                       longest};
  for (const std::string& name : names) addPicture("in/" + name);
  const ProcessResult result = run({"denoise", path("in"), "-o", path("out"), "--strength", "0"});
  EXPECT_EQ(result.exitCode, 0) << result.err;
  for (const std::string& name : names) EXPECT_TRUE(fs::exists(folder / "out" / name)) << name;
  EXPECT_EQ(test::filesBelow(folder / "out").size(), names.size());
}

TEST_F(Hostile, LinksInCirclesEnd) {
  addPicture("in/a.png");
  fs::create_directory_symlink(folder / "in", folder / "in/again");
  fs::create_symlink(folder / "in/loop.png", folder / "in/loop.png");
  const ProcessResult result =
      run({"denoise", path("in"), "-r", "-o", path("out"), "--strength", "0"});
  EXPECT_EQ(result.exitCode, 1);
  EXPECT_THAT(result.err, HasSubstr("loop.png: "));
  EXPECT_THAT(test::filesBelow(folder / "out"), testing::ElementsAre("a.png"));
}

TEST_F(Hostile, FullDiskLeavesNothing) {
  addPicture("in/a.png", 300, 300);
  const ProcessResult result =
      test::runProcess({"/bin/bash", "-c", "ulimit -f 64; exec \"$0\" \"$@\"", PRISTINE_PROGRAM,
                        "denoise", path("in"), "-o", path("out"), "--strength", "0"},
                       environment());
  EXPECT_THAT(result.exitCode, everyFileFailed()) << result.err;
  EXPECT_THAT(result.err, HasSubstr("a.png: "));
  EXPECT_THAT(test::filesBelow(folder / "out"), testing::IsEmpty());
}

TEST_F(Hostile, TargetsThatCannotBeWrittenAreNamed) {
  addPicture("a.png");
  fs::create_directories(folder / "out/a.png");
  const ProcessResult folderInTheWay =
      run({"denoise", path("a.png"), "-o", path("out/"), "--strength", "0"});
  EXPECT_THAT(folderInTheWay.exitCode, everyFileFailed()) << folderInTheWay.err;
  EXPECT_THAT(test::filesBelow(folder / "out"), testing::IsEmpty());
  const ProcessResult readOnly =
      run({"denoise", path("a.png"), "-o", "/proc/pristine/b.png", "--strength", "0"});
  EXPECT_THAT(readOnly.exitCode, everyFileFailed()) << readOnly.err;
}

TEST_F(Hostile, ReadOnlyDiskIsNamed) {
  addPicture("in/a.png");
  fs::create_directories(folder / "disk");
  if (::mount("tmpfs", path("disk").c_str(), "tmpfs", MS_RDONLY, "size=1m") != 0) {
    GTEST_SKIP() << "mounting a disk takes privileges";
  }
  const ProcessResult intoFolder = run({"denoise", path("in"), "-o", path("disk/out")});
  const ProcessResult toFile = run({"denoise", path("in/a.png"), "-o", path("disk/a.png")});
  ::umount(path("disk").c_str());
  for (const ProcessResult& result : {intoFolder, toFile}) {
    EXPECT_EQ(result.exitCode, 4) << result.err;
    EXPECT_THAT(result.err, HasSubstr("a.png: "));
    EXPECT_THAT(result.err, HasSubstr("Read-only file system"));
  }
}

TEST_F(Hostile, NamesThatBecomeTooLongAreNamedAndTheOthersMade) {
  const std::string longest = std::string(251, 'n') + ".png";
  addPicture("in/" + longest);
  addPicture("in/short.png");
  const ProcessResult result =
      run({"denoise", path("in"), "-o", path("out"), "--name", "{stem}_clean{ext}"});
  EXPECT_EQ(result.exitCode, 1) << result.err;
  EXPECT_THAT(result.err, HasSubstr("File name too long"));
  EXPECT_THAT(test::filesBelow(folder / "out"), testing::ElementsAre("short_clean.png"));
}

TEST_F(Hostile, HardLinkToTheInputIsReplacedNotWrittenThrough) {
  addPicture("a.png");
  const auto before = test::readBytes(folder / "a.png");
  fs::create_hard_link(folder / "a.png", folder / "b.png");
  const ProcessResult result =
      run({"denoise", path("a.png"), "-o", path("b.png"), "--if-exists", "overwrite"});
  EXPECT_EQ(result.exitCode, 0) << result.err;
  EXPECT_EQ(test::readBytes(folder / "a.png"), before);
  EXPECT_NE(test::readBytes(folder / "b.png"), before);
}

}  // namespace
}  // namespace pristine
