#include "cli/file_options.h"

#include <charconv>
#include <limits>
#include <string_view>

#include "core/error.h"

namespace pristine::cli {

namespace {

using Set = std::function<void(Options&, const std::string&)>;

void setFormat(Options& options, const std::string& word) {
  options.write.format = word == "keep" ? std::nullopt : formatOfWord(word);
  if (word != "keep" && !options.write.format) {
    throw UsageError("keep, png, jpg, tif, webp, avif, jxl or exr");
  }
}

void setDepth(Options& options, const std::string& word) {
  options.write.depth.reset();
  if (word == "8") options.write.depth = SampleDepth::U8;
  if (word == "16") options.write.depth = SampleDepth::U16;
  if (word == "f32") options.write.depth = SampleDepth::F32;
  if (!options.write.depth && word != "keep") throw UsageError("keep, 8, 16 or f32");
}

void setQuality(Options& options, const std::string& word) {
  int value = 0;
  const auto [rest, error] = std::from_chars(word.data(), word.data() + word.size(), value);
  if (error != std::errc() || rest != word.data() + word.size() || value < 1 || value > 100) {
    throw UsageError("a whole number, 1 to 100");
  }
  options.write.quality = value;
}

void setStrip(Options& options, const std::string& word) {
  if (word == "all") {
    options.write.strip = Strip::All;
  } else if (word == "gps") {
    options.write.strip = Strip::Gps;
  } else if (word == "thumbnail") {
    options.write.strip = Strip::Thumbnail;
  } else {
    throw UsageError("all, gps or thumbnail");
  }
}

/// A quantity of at least `least`; member: Options& to its place.
template <typename Member>
Set quantity(Member member, std::int64_t kilo, std::int64_t least, const char* expected) {
  return [=](Options& options, const std::string& word) {
    const auto value = parseQuantity(word, kilo);
    if (!value || *value < least) throw UsageError(expected);
    member(options) = *value;
  };
}

}  // namespace

std::optional<std::int64_t> parseQuantity(const std::string& text, std::int64_t kilo) {
  std::int64_t value = 0;
  const char* end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, value);
  if (error != std::errc() || value < 1) return std::nullopt;
  if (rest == end) return value;
  const auto power = std::string_view("KMGT").find(static_cast<char>(*rest & ~0x20));
  if (power == std::string_view::npos || rest + 1 != end) return std::nullopt;
  for (std::size_t i = 0; i <= power; ++i) {
    if (value > std::numeric_limits<std::int64_t>::max() / kilo) return std::nullopt;
    value *= kilo;
  }
  return value;
}

void addFormatOptions(std::vector<OptionInfo>& table, const std::vector<Verb>& verbs) {
  const OptionGroup group = OptionGroup::Files;
  table.push_back({"format",
                   'f',
                   "FORMAT",
                   "format of the results; keep: by their names",
                   group,
                   verbs,
                   "keep",
                   setFormat,
                   {"keep", "png", "jpg", "tif", "webp", "avif", "jxl", "exr"}});
  table.push_back({"depth",
                   0,
                   "BITS",
                   "bits of a sample; keep: those of the source where there is "
                   "room",
                   group,
                   verbs,
                   "keep",
                   setDepth,
                   {"keep", "8", "16", "f32"}});
  table.push_back({"quality", 'Q', "N",
                   "1 to 100, of JPEG, WebP, AVIF and JPEG XL; 95 if not given", group, verbs, "",
                   setQuality});
  table.push_back({"lossless", 0, "", "compress WebP, AVIF and JPEG XL without loss", group, verbs,
                   "", [](Options& o, const std::string&) { o.write.lossless = true; }});
  OptionInfo strip{"strip",
                   0,
                   "WHAT",
                   "leave out EXIF, XMP and IPTC, or the place or the thumbnail alone; the colour "
                   "profile stays",
                   group,
                   verbs,
                   "",
                   setStrip,
                   {"all", "gps", "thumbnail"}};
  strip.implied = "all";
  table.push_back(strip);
}

void addLimitOptions(std::vector<OptionInfo>& table, const std::vector<Verb>& verbs) {
  const OptionGroup group = OptionGroup::Work;
  table.push_back({"max-memory", 0, "SIZE",
                   "memory of the process, as 2G or 800M; half of what is available if not given",
                   group, verbs, "",
                   quantity(
                       [](Options & o) -> auto& { return o.maxMemory; }, 1024, 64 << 20,
                       "a size of at least 64M, as 2G")});
  table.push_back({"max-pixels", 0, "N", "pixels of a picture at most, as 500M", group, verbs,
                   "1000M",
                   quantity(
                       [](Options & o) -> auto& { return o.read.maxPixels; }, 1000, 1,
                       "a number of pixels, as 500M")});
}

void checkFormatOptions(const Options& options) {
  const WriteOptions& write = options.write;
  // With a folder as output, names say nothing yet: each file is checked before the work begins.
  auto format = write.format;
  if (!format) format = formatOfName(options.output);
  try {
    if (format) {
      requirePossible(write, *format);
    } else if (write.quality && write.lossless) {
      throw Error(ErrorCode::Usage, "--lossless leaves nothing for --quality to choose");
    }
  } catch (const Error& error) {
    throw UsageError(infoOf(options.verb).name + ": " + error.what());
  }
}

}  // namespace pristine::cli
