// Files of every format, made by libvips and exiftool, read and written again by this program, and
// judged by exiftool, libvips and Little CMS.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <lcms2.h>
#include <vips/vips.h>

#include <cmath>
#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>
#include <opencv2/core.hpp>
#include <set>

#include "app/image_file.h"
#include "tests/app/image_files_environment.h"
#include "tests/support/colour_profiles.h"
#include "tests/support/files.h"
#include "tests/support/process.h"
#include "tests/support/temporary_folder.h"

namespace pristine {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

constexpr int kPatch = 16;
constexpr int kSide = 3;

/// Interleaved 16-bit RGB or RGBA.
struct Raster {
  int width = 0;
  int height = 0;
  int bands = 3;
  std::vector<std::uint16_t> samples;
  const std::uint16_t* at(int x, int y) const {
    return samples.data() + (static_cast<std::ptrdiff_t>(y) * width + x) * bands;
  }
};

/// 27 patches of all mixtures of dark, middle and bright.
Raster chart() {
  Raster raster{kSide * kSide * kPatch, kSide * kPatch, 3, {}};
  static constexpr std::uint16_t kLevels[3] = {0x0D00, 0x8000, 0xF300};
  for (int y = 0; y < raster.height; ++y) {
    for (int x = 0; x < raster.width; ++x) {
      const int column = x / kPatch;
      raster.samples.insert(raster.samples.end(),
                            {kLevels[column % 3], kLevels[column / 3], kLevels[y / kPatch]});
    }
  }
  return raster;
}

struct Case {
  const char* extension;
  int bits;  ///< that survive
  bool alpha;
  bool turnsByExif;  ///< whether the tag says how the picture is to be seen
};

std::ostream& operator<<(std::ostream& out, const Case& c) {
  return out << c.extension;
}

const Case kCases[] = {{".png", 16, true, true},   {".jpg", 8, false, true},
                       {".tif", 16, true, true},   {".webp", 8, true, true},
                       {".avif", 12, true, false}, {".jxl", 16, true, false}};

class FormatMatrix : public testing::TestWithParam<Case> {
 protected:
  /// A file of the format by libvips alone, with as little loss as it has.
  fs::path make(const std::string& name, const Raster& raster,
                const std::vector<std::uint8_t>& profile = {}) const {
    const fs::path file = folder / (name + GetParam().extension);
    VipsImage* image =
        vips_image_new_from_memory(raster.samples.data(), raster.samples.size() * 2, raster.width,
                                   raster.height, raster.bands, VIPS_FORMAT_USHORT);
    VipsImage* marked = nullptr;
    vips_copy(image, &marked, "interpretation", VIPS_INTERPRETATION_RGB16, nullptr);
    if (!profile.empty()) {
      vips_image_set_blob_copy(marked, VIPS_META_ICC_NAME, profile.data(), profile.size());
    }
    EXPECT_EQ(save(marked, file), 0) << vips_error_buffer();
    g_object_unref(marked);
    g_object_unref(image);
    return file;
  }

  static int save(VipsImage* image, const fs::path& file) {
    const std::string extension = file.extension();
    if (extension == ".jpg") {
      VipsImage* narrow = nullptr;
      vips_colourspace(image, &narrow, VIPS_INTERPRETATION_sRGB, nullptr);
      const int status = vips_jpegsave(narrow, file.c_str(), "Q", 100, nullptr);
      g_object_unref(narrow);
      return status;
    }
    if (extension == ".webp") return vips_webpsave(image, file.c_str(), "lossless", TRUE, nullptr);
    if (extension == ".jxl") return vips_jxlsave(image, file.c_str(), "lossless", TRUE, nullptr);
    if (extension == ".avif") {
      return vips_heifsave(image, file.c_str(), "compression", VIPS_FOREIGN_HEIF_COMPRESSION_AV1,
                           "lossless", TRUE, "bitdepth", 12, nullptr);
    }
    return vips_image_write_to_file(image, file.c_str(), nullptr);
  }

  /// Through this program.
  fs::path pass(const fs::path& source, const std::string& name) const {
    WriteOptions options;
    const FormatTraits& traits = traitsOf(*formatOfName(source));
    if (traits.lossless && traits.quality) options.lossless = true;
    if (traits.quality && !traits.lossless) options.quality = 100;
    const fs::path target = folder / (name + GetParam().extension);
    writeImage(readImage(source), target, options);
    return target;
  }

  /// By libvips alone.
  static Raster decode(const fs::path& file) {
    VipsImage* image = vips_image_new_from_file(file.c_str(), nullptr);
    EXPECT_NE(image, nullptr) << vips_error_buffer();
    const bool bytes = vips_image_get_format(image) == VIPS_FORMAT_UCHAR;
    Raster raster{
        vips_image_get_width(image), vips_image_get_height(image), vips_image_get_bands(image), {}};
    std::size_t size = 0;
    void* memory = vips_image_write_to_memory(image, &size);
    const std::size_t count = size / (bytes ? 1 : 2);
    for (std::size_t i = 0; i < count; ++i) {
      raster.samples.push_back(
          bytes ? static_cast<std::uint16_t>(static_cast<std::uint8_t*>(memory)[i] * 257)
                : static_cast<std::uint16_t*>(memory)[i]);
    }
    g_free(memory);
    g_object_unref(image);
    return raster;
  }

  static std::vector<std::uint8_t> profileOf(const fs::path& file) {
    VipsImage* image = vips_image_new_from_file(file.c_str(), nullptr);
    const void* data = nullptr;
    std::size_t size = 0;
    vips_image_get_blob(image, VIPS_META_ICC_NAME, &data, &size);
    const auto* bytes = static_cast<const std::uint8_t*>(data);
    std::vector<std::uint8_t> profile(bytes, bytes + size);
    g_object_unref(image);
    return profile;
  }

  static std::string exiftool(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), "/usr/bin/exiftool");
    const auto result = test::runProcess(arguments);
    EXPECT_EQ(result.exitCode, 0) << result.err;
    return result.out;
  }
  static json tagsOf(const fs::path& file) {
    return json::parse(exiftool({"-j", "-n", "-G1", file.string()})).front();
  }

  void SetUp() override {
    if (!fs::exists("/usr/bin/exiftool")) GTEST_SKIP() << "exiftool is missing";
  }

  const test::ImageFiles started;
  const test::TemporaryFolder folder;
};

TEST_P(FormatMatrix, KeepsColoursOfEveryProfile) {
  for (const auto& [name, profile] : test::colourProfiles()) {
    const fs::path source = make(name, chart(), profile);
    const Raster wanted = decode(source);
    const fs::path target = pass(source, name + "-out");
    const auto embedded = profileOf(target);
    ASSERT_EQ(embedded, profile) << name;
    const Raster got = decode(target);
    ASSERT_EQ(got.width, wanted.width);
    for (int patch = 0; patch < kSide * kSide * kSide; ++patch) {
      const int x = patch % (kSide * kSide) * kPatch + kPatch / 2;
      const int y = patch / (kSide * kSide) * kPatch + kPatch / 2;
      EXPECT_LT(test::deltaE2000(profile, wanted.at(x, y), embedded, got.at(x, y)), 0.5)
          << name << " patch " << patch;
    }
  }
}

TEST_P(FormatMatrix, KeepsExifAndXmp) {
  const fs::path source = make("in", chart());
  exiftool({"-q", "-overwrite_original", "-Make=Kamerawerk", "-ExposureTime=1/125",
            "-GPSLatitude=10.5", "-GPSLatitudeRef=N", "-XMP-dc:Title=Hafen",
            "-XMP-exif:GPSAltitude=12", source.string()});
  const json kept = tagsOf(pass(source, "kept"));
  const auto has = [](const json& tags, const std::string& end) {
    for (const auto& [key, value] : tags.items()) {
      if (key.ends_with(end)) return true;
    }
    return false;
  };
  for (const char* tag : {":Make", ":ExposureTime", ":GPSLatitude", "XMP-dc:Title"}) {
    EXPECT_TRUE(has(kept, tag)) << tag << " in " << kept.dump(2);
  }
  WriteOptions options;
  const fs::path stripped = folder / (std::string("stripped") + GetParam().extension);
  options.strip = Strip::Gps;
  writeImage(readImage(source), stripped, options);
  const json without = tagsOf(stripped);
  EXPECT_TRUE(has(without, ":Make"));
  EXPECT_TRUE(has(without, "XMP-dc:Title"));
  EXPECT_FALSE(has(without, ":GPSLatitude")) << without.dump(2);
  EXPECT_FALSE(has(without, ":GPSAltitude")) << without.dump(2);
  options.strip = Strip::All;
  writeImage(readImage(source), stripped, options);
  const json bare = tagsOf(stripped);
  for (const char* tag : {":Make", ":ExposureTime", ":GPSLatitude", "XMP-dc:Title"}) {
    EXPECT_FALSE(has(bare, tag)) << tag;
  }
}

TEST_P(FormatMatrix, AppliesEveryOrientationOnce) {
  Raster stored{32, 16, 3, {}};
  for (int i = 0; i < 32 * 16; ++i) {
    const bool corner = i % 32 < 8 && i / 32 < 8;
    for (int c = 0; c < 3; ++c) stored.samples.push_back(corner ? 0xF000 : 0x2000);
  }
  for (int orientation = 1; orientation <= 8; ++orientation) {
    const fs::path source = make("in" + std::to_string(orientation), stored);
    exiftool({"-q", "-overwrite_original", "-n", "-IFD0:Orientation=" + std::to_string(orientation),
              source.string()});
    const fs::path target = pass(source, "out" + std::to_string(orientation));
    const Raster got = decode(target);
    const int seen = GetParam().turnsByExif ? orientation : 1;
    ASSERT_EQ(got.width, seen >= 5 ? 16 : 32) << orientation;
    // Where the first corner of the stored picture is seen (EXIF 2.32, tag 274).
    const bool right = seen == 2 || seen == 3 || seen == 6 || seen == 7;
    const bool bottom = seen == 3 || seen == 4 || seen == 7 || seen == 8;
    for (const bool atRight : {false, true}) {
      for (const bool atBottom : {false, true}) {
        const int level = *got.at(atRight ? got.width - 3 : 2, atBottom ? got.height - 3 : 2);
        EXPECT_EQ(level > 0x8000, atRight == right && atBottom == bottom) << orientation;
      }
    }
    const json tags = tagsOf(target);
    EXPECT_EQ(tags.value("IFD0:Orientation", 1), 1) << orientation;
  }
}

TEST_P(FormatMatrix, KeepsTheLevelsOfARamp) {
  Raster ramp{256, 256, 3, {}};
  for (int i = 0; i < 65536; ++i) {
    for (int c = 0; c < 3; ++c) ramp.samples.push_back(static_cast<std::uint16_t>(i));
  }
  const Raster got = decode(pass(make("ramp", ramp), "ramp-out"));
  std::set<std::uint16_t> levels;
  for (std::size_t i = 0; i < got.samples.size(); i += 3) levels.insert(got.samples[i]);
  const std::size_t wanted = GetParam().bits == 16 ? 10001U : 1U << GetParam().bits;
  EXPECT_GE(levels.size(), std::min<std::size_t>(wanted, 10001U) * 99 / 100);
  if (GetParam().bits == 16) {
    EXPECT_EQ(levels.size(), 65536U);
  }
}

TEST_P(FormatMatrix, KeepsAlphaAndTheColoursUnderIt) {
  if (!GetParam().alpha) GTEST_SKIP() << "the format has none";
  Raster raster{64, 16, 4, {}};
  for (int i = 0; i < 64 * 16; ++i) {
    const auto alpha = static_cast<std::uint16_t>(i % 64 * 257 * 4);
    raster.samples.insert(raster.samples.end(), {0xC0C0, 0x4040, 0x8080, alpha});
  }
  const fs::path source = make("in", raster);
  const Raster before = decode(source);
  const Raster after = decode(pass(source, "out"));
  ASSERT_EQ(after.bands, 4);
  for (int x = 1; x < 64; ++x) {
    for (int c = 0; c < 4; ++c) EXPECT_EQ(after.at(x, 8)[c], before.at(x, 8)[c]) << x << " " << c;
  }
}

INSTANTIATE_TEST_SUITE_P(Formats, FormatMatrix, testing::ValuesIn(kCases),
                         [](const auto& test) { return std::string(test.param.extension + 1); });

}  // namespace
}  // namespace pristine
