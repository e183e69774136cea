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
#include "tests/app/exr_builder.h"
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
  bool iptc;
};

std::ostream& operator<<(std::ostream& out, const Case& c) {
  return out << c.extension;
}

const Case kCases[] = {{".png", 16, true, true, true},    {".jpg", 8, false, true, true},
                       {".tif", 16, true, true, true},    {".webp", 8, true, true, false},
                       {".avif", 12, true, false, false}, {".jxl", 16, true, false, false}};

/// A file by libvips alone, with as little loss as its format has.
int saveFile(VipsImage* image, const fs::path& file) {
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

fs::path makeFile(const fs::path& file, const Raster& raster,
                  const std::vector<std::uint8_t>& profile) {
  VipsImage* image =
      vips_image_new_from_memory(raster.samples.data(), raster.samples.size() * 2, raster.width,
                                 raster.height, raster.bands, VIPS_FORMAT_USHORT);
  VipsImage* marked = nullptr;
  vips_copy(image, &marked, "interpretation", VIPS_INTERPRETATION_RGB16, nullptr);
  if (!profile.empty()) {
    vips_image_set_blob_copy(marked, VIPS_META_ICC_NAME, profile.data(), profile.size());
  }
  EXPECT_EQ(saveFile(marked, file), 0) << vips_error_buffer();
  g_object_unref(marked);
  g_object_unref(image);
  return file;
}

/// 8- and 16-bit files by libvips alone.
Raster decodeFile(const fs::path& file) {
  VipsImage* image = vips_image_new_from_file(file.c_str(), nullptr);
  EXPECT_NE(image, nullptr) << vips_error_buffer();
  if (image == nullptr) return {};
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

std::string runExiftool(std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), "/usr/bin/exiftool");
  const auto result = test::runProcess(arguments);
  EXPECT_EQ(result.exitCode, 0) << result.err;
  return result.out;
}

std::string chromaticitiesOf(const fs::path& file) {
  return runExiftool({"-s3", "-n", "-Chromaticities", file.string()});
}

/// Whether the first corner of the stored picture is seen there (EXIF 2.32, tag 274).
bool isFirstCorner(int orientation, bool right, bool bottom) {
  const bool seenRight =
      orientation == 2 || orientation == 3 || orientation == 6 || orientation == 7;
  const bool seenBottom =
      orientation == 3 || orientation == 4 || orientation == 7 || orientation == 8;
  return right == seenRight && bottom == seenBottom;
}

class FormatMatrix : public testing::TestWithParam<Case> {
 protected:
  fs::path make(const std::string& name, const Raster& raster,
                const std::vector<std::uint8_t>& profile = {}) const {
    return makeFile(folder / (name + GetParam().extension), raster, profile);
  }

  /// Through this program.
  fs::path pass(const fs::path& source, const std::string& name) const {
    WriteOptions options;
    const FormatTraits& traits = traitsOf(*formatOfName(source));
    if (traits.lossless && traits.quality) options.lossless = true;
    if (traits.quality && !traits.lossless) options.quality = 100;
    fs::path target = folder / (name + GetParam().extension);
    writeImage(readImage(source), target, options);
    return target;
  }

  static Raster decode(const fs::path& file) { return decodeFile(file); }

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

  static json tagsOf(const fs::path& file) {
    return json::parse(runExiftool({"-j", "-n", "-G1", file.string()})).front();
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
  runExiftool({"-q", "-overwrite_original", "-Make=Kamerawerk", "-ExposureTime=1/125",
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

TEST_P(FormatMatrix, KeepsIptc) {
  if (!GetParam().iptc) GTEST_SKIP() << "the format has none";
  const fs::path source = make("in", chart());
  runExiftool({"-q", "-overwrite_original", "-IPTC:City=Hamburg", "-IPTC:By-line=Erika Mustermann",
               source.string()});
  ASSERT_EQ(tagsOf(source).value("IPTC:City", ""), "Hamburg");
  const json kept = tagsOf(pass(source, "kept"));
  EXPECT_EQ(kept.value("IPTC:City", ""), "Hamburg") << kept.dump(2);
  EXPECT_EQ(kept.value("IPTC:By-line", ""), "Erika Mustermann");
  WriteOptions options;
  const fs::path stripped = folder / (std::string("stripped") + GetParam().extension);
  options.strip = Strip::All;
  writeImage(readImage(source), stripped, options);
  EXPECT_FALSE(tagsOf(stripped).contains("IPTC:City"));
}

TEST_P(FormatMatrix, AppliesEveryOrientationOnce) {
  Raster stored{32, 16, 3, {}};
  for (int i = 0; i < 32 * 16; ++i) {
    const bool corner = i % 32 < 8 && i / 32 < 8;
    for (int c = 0; c < 3; ++c) stored.samples.push_back(corner ? 0xF000 : 0x2000);
  }
  for (int orientation = 1; orientation <= 8; ++orientation) {
    const fs::path source = make("in" + std::to_string(orientation), stored);
    runExiftool({"-q", "-overwrite_original", "-n",
                 "-IFD0:Orientation=" + std::to_string(orientation), "-IFD0:Make=Kamerawerk",
                 source.string()});
    const fs::path target = pass(source, "out" + std::to_string(orientation));
    const Raster got = decode(target);
    const int seen = GetParam().turnsByExif ? orientation : 1;
    ASSERT_EQ(got.width, seen >= 5 ? 16 : 32) << orientation;
    for (const bool atRight : {false, true}) {
      for (const bool atBottom : {false, true}) {
        const int level = *got.at(atRight ? got.width - 3 : 2, atBottom ? got.height - 3 : 2);
        EXPECT_EQ(level > 0x8000, isFirstCorner(seen, atRight, atBottom)) << orientation;
      }
    }
    const json tags = tagsOf(target);
    EXPECT_EQ(tags.value("IFD0:Orientation", 1), 1) << orientation;
    EXPECT_EQ(tags.value("IFD0:Make", ""), "Kamerawerk") << orientation;
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

/// OpenEXR has linear light with chromaticities instead of profiles, and no room for EXIF, XMP and
/// IPTC. libvips reads it, with 11 bits of precision, and cannot write it.
class ExrMatrix : public testing::Test {
 protected:
  /// A 16-bit TIFF file by libvips alone.
  fs::path make(const std::string& name, const Raster& raster,
                const std::vector<std::uint8_t>& profile = {}) const {
    return makeFile(folder / (name + ".tif"), raster, profile);
  }

  fs::path pass(const fs::path& source, const std::string& name) const {
    fs::path target = folder / name;
    writeImage(readImage(source), target);
    return target;
  }

  /// RGB or RGBA of an OpenEXR file by libvips alone.
  static std::vector<float> decodeFloats(const fs::path& file, int bands) {
    VipsImage* image = vips_image_new_from_file(file.c_str(), nullptr);
    EXPECT_NE(image, nullptr) << vips_error_buffer();
    if (image == nullptr) return {};
    EXPECT_EQ(vips_image_get_format(image), VIPS_FORMAT_FLOAT);
    EXPECT_GE(vips_image_get_bands(image), bands);
    const auto stride = static_cast<std::size_t>(vips_image_get_bands(image));
    std::size_t size = 0;
    void* memory = vips_image_write_to_memory(image, &size);
    const auto* values = static_cast<const float*>(memory);
    std::vector<float> kept;
    for (std::size_t i = 0; i < size / sizeof(float); ++i) {
      if (i % stride < static_cast<std::size_t>(bands)) kept.push_back(values[i]);
    }
    g_free(memory);
    g_object_unref(image);
    return kept;
  }

  static constexpr int kPatches = kSide * kSide * kSide;
  static std::size_t middleOf(int patch) {
    const int x = patch % (kSide * kSide) * kPatch + kPatch / 2;
    const int y = patch / (kSide * kSide) * kPatch + kPatch / 2;
    return static_cast<std::size_t>(y) * kSide * kSide * kPatch + static_cast<std::size_t>(x);
  }

  const test::ImageFiles started;
  const test::TemporaryFolder folder;
};

TEST_F(ExrMatrix, HoldsTheColoursOfEveryProfile) {
  const auto linear = test::linearLightProfile(test::colourPrimaries().at("srgb"));
  for (const auto& [name, profile] : test::colourProfiles()) {
    const Raster wanted = chart();
    const auto got = decodeFloats(pass(make(name, wanted, profile), name + ".exr"), 3);
    ASSERT_EQ(got.size(), wanted.samples.size());
    for (int patch = 0; patch < kPatches; ++patch) {
      const std::size_t at = 3 * middleOf(patch);
      EXPECT_LT(test::deltaE2000(profile, wanted.samples.data() + at, linear, got.data() + at), 0.5)
          << name << " patch " << patch;
    }
  }
}

TEST_F(ExrMatrix, KeepsItsChromaticities) {
  if (!fs::exists("/usr/bin/exiftool")) GTEST_SKIP() << "exiftool is missing";
  for (const auto& [name, primaries] : test::colourPrimaries()) {
    const Raster levels = chart();
    std::vector<float> light;
    for (const std::uint16_t level : levels.samples) {
      light.push_back(static_cast<float>(level) / 65535.0F);
    }
    const fs::path source = folder / (name + ".exr");
    test::writeBytes(source, test::encodeExr(levels.width, levels.height, light, primaries));
    const fs::path target = pass(source, name + "-out.exr");
    EXPECT_EQ(chromaticitiesOf(target), chromaticitiesOf(source));
    const auto got = decodeFloats(target, 3);
    ASSERT_EQ(got.size(), light.size());
    const auto profile = test::linearLightProfile(primaries);
    for (int patch = 0; patch < kPatches; ++patch) {
      const std::size_t at = 3 * middleOf(patch);
      EXPECT_LT(test::deltaE2000(profile, levels.samples.data() + at, profile, got.data() + at),
                0.5)
          << name << " patch " << patch;
    }
  }
}

TEST_F(ExrMatrix, KeepsTheLevelsOfARamp) {
  Raster ramp{256, 256, 3, {}};
  for (int i = 0; i < 65536; ++i) {
    for (int c = 0; c < 3; ++c) ramp.samples.push_back(static_cast<std::uint16_t>(i));
  }
  const fs::path exr = pass(make("ramp", ramp), "ramp.exr");
  WriteOptions options;
  options.depth = SampleDepth::U16;
  writeImage(readImage(exr), folder / "back.tif", options);
  const Raster got = decodeFile(folder / "back.tif");
  ASSERT_EQ(got.samples.size(), ramp.samples.size());
  const std::set<std::uint16_t> levels(got.samples.begin(), got.samples.end());
  EXPECT_GT(levels.size(), 65000U);
  for (std::size_t i = 0; i < got.samples.size(); i += 97) {
    EXPECT_NEAR(got.samples[i], ramp.samples[i], 2);
  }
}

TEST_F(ExrMatrix, KeepsAlphaAndTheColoursUnderIt) {
  Raster raster{64, 16, 4, {}};
  for (int i = 0; i < 64 * 16; ++i) {
    const auto alpha = static_cast<std::uint16_t>(i % 64 * 257 * 4);
    raster.samples.insert(raster.samples.end(), {0xC0C0, 0x4040, 0x8080, alpha});
  }
  const fs::path exr = pass(make("in", raster), "in.exr");
  const auto light = decodeFloats(exr, 4);
  ASSERT_EQ(light.size(), raster.samples.size());
  for (std::size_t x = 0; x < 64; ++x) {
    // The library scales it to 255.
    EXPECT_NEAR(light[4 * x + 3] / 255.0F, static_cast<float>(raster.samples[4 * x + 3]) / 65535.0F,
                1e-3);
  }
  WriteOptions options;
  options.depth = SampleDepth::U16;
  writeImage(readImage(exr), folder / "back.tif", options);
  const Raster back = decodeFile(folder / "back.tif");
  ASSERT_EQ(back.bands, 4);
  for (std::size_t i = 0; i < 256; ++i) {
    EXPECT_NEAR(back.samples[i], raster.samples[i], 2) << i / 4 << " " << i % 4;
  }
}

TEST_F(ExrMatrix, TakesTurnedPicturesUpright) {
  if (!fs::exists("/usr/bin/exiftool")) GTEST_SKIP() << "exiftool is missing";
  Raster stored{32, 16, 3, {}};
  for (int i = 0; i < 32 * 16; ++i) {
    const bool corner = i % 32 < 8 && i / 32 < 8;
    for (int c = 0; c < 3; ++c) stored.samples.push_back(corner ? 0xF000 : 0x2000);
  }
  for (int orientation = 1; orientation <= 8; ++orientation) {
    const fs::path source = make("in", stored);
    runExiftool({"-q", "-overwrite_original", "-n",
                 "-IFD0:Orientation=" + std::to_string(orientation), source.string()});
    const auto got = decodeFloats(pass(source, "out.exr"), 3);
    const int width = orientation >= 5 ? 16 : 32;
    const int height = 48 - width;
    for (const bool atRight : {false, true}) {
      for (const bool atBottom : {false, true}) {
        const std::ptrdiff_t x = atRight ? width - 3 : 2;
        const std::ptrdiff_t y = atBottom ? height - 3 : 2;
        const float level = got[3 * static_cast<std::size_t>(y * width + x)];
        EXPECT_EQ(level > 0.5F, isFirstCorner(orientation, atRight, atBottom)) << orientation;
      }
    }
  }
}

}  // namespace
}  // namespace pristine
