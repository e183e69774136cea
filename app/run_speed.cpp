#include "app/run_speed.h"

#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <fstream>
#include <nlohmann/json.hpp>
#include <opencv2/core.hpp>
#include <vector>

#include "app/image_file.h"
#include "app/model_check.h"
#include "core/error.h"

namespace pristine {

namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using Clock = std::chrono::steady_clock;

json readJson(const fs::path& path) {
  std::ifstream in(path);
  json content = json::parse(in, nullptr, false);
  return content.is_object() ? content : json::object();
}

/// The processor's name for people, as the kernel has it.
std::string processorName() {
  std::ifstream in("/proc/cpuinfo");
  for (std::string line; std::getline(in, line);) {
    if (line.starts_with("model name")) return line.substr(line.find(':') + 1);
  }
  return "unknown";
}

double secondsSince(Clock::time_point begin) {
  return std::chrono::duration<double>(Clock::now() - begin).count();
}

/// Seconds of the restorer's runs on a square picture.
struct Runs {
  double compile = 0;
  double first = 0;  ///< touches its memory for the first time
  double best = 0;   ///< of the others
  double tiles = 0;
  double pixels = 0;  ///< of a tile
};

std::optional<Runs> runOn(int side, Restorer& restorer, const std::stop_token& stop) {
  constexpr int kMost = 5;
  constexpr double kPatience = 1.0;
  Image picture;
  picture.pixels = checkPicture(side, side);
  Runs runs;
  Clock::time_point begin = Clock::now();
  const TileGrid grid = restorer.gridFor(side, side);
  runs.compile = secondsSince(begin);
  runs.tiles = grid.count();
  runs.pixels = static_cast<double>(grid.tileWidth()) * grid.tileHeight();
  const Clock::time_point start = Clock::now();
  for (int run = 0; run < kMost && (run < 2 || secondsSince(start) < kPatience); ++run) {
    begin = Clock::now();
    if (!restorer.restore(picture, 1.0, {stop, {}})) return std::nullopt;
    const double seconds = secondsSince(begin);
    if (run == 0) runs.first = seconds;
    if (run == 1 || (run > 1 && seconds < runs.best)) runs.best = seconds;
  }
  return runs;
}

/// A folder that goes away at the end of the scope.
class ScratchFolder {
 public:
  ScratchFolder() {
    std::error_code error;
    std::string name = (fs::temp_directory_path(error) / "pristine-XXXXXX").string();
    if (error || ::mkdtemp(name.data()) == nullptr) {
      throw Error(ErrorCode::Output, "folder '" + name + "': " + std::strerror(errno));
    }
    path_ = name;
  }
  ~ScratchFolder() {
    std::error_code ignored;
    fs::remove_all(path_, ignored);
  }
  ScratchFolder(const ScratchFolder&) = delete;
  ScratchFolder& operator=(const ScratchFolder&) = delete;

  const fs::path& path() const { return path_; }

 private:
  fs::path path_;
};

/// Seconds of all processors for the better of two runs, so that codecs with threads of their own
/// are counted by their work.
template <typename Work>
double processorSeconds(const Work& work) {
  double best = 0;
  for (int run = 0; run < 2; ++run) {
    const std::clock_t begin = std::clock();
    work();
    const double seconds = static_cast<double>(std::clock() - begin) / CLOCKS_PER_SEC;
    if (run == 0 || seconds < best) best = seconds;
  }
  return best;
}

}  // namespace

std::optional<NetworkSpeed> measureNetwork(Restorer& restorer, const std::stop_token& stop) {
  constexpr int kSmall = 64;
  constexpr int kLarge = 320;
  // The small one first, so that the compilation is timed with warm caches, as in a batch.
  const auto small = runOn(kSmall, restorer, stop);
  const auto large = small ? runOn(kLarge, restorer, stop) : std::nullopt;
  if (!large) return std::nullopt;
  NetworkSpeed speed;
  speed.secondsPerCompile = large->compile;
  speed.secondsPerFreshPixel = std::max(0.0, large->first - large->best) / large->pixels;
  const double perSmall = small->best / small->tiles;
  const double perLarge = large->best / large->tiles;
  if (large->pixels > small->pixels) {
    speed.secondsPerPixel = (perLarge - perSmall) / (large->pixels - small->pixels);
    speed.secondsPerTile = std::max(0.0, perSmall - small->pixels * speed.secondsPerPixel);
  }
  if (!(speed.secondsPerPixel > 0)) speed.secondsPerPixel = perLarge / large->pixels;
  return speed;
}

CodecSpeed measureCodec(FileFormat format, const WriteOptions& options) {
  constexpr int kSmall = 16;
  constexpr int kLarge = 512;
  const ScratchFolder folder;
  WriteOptions writing = options;
  writing.format = format;
  const auto make = [](int side) {
    Image picture;
    picture.pixels = checkPicture(side, side);
    return picture;
  };
  const fs::path file = folder.path() / (std::string("a") + traitsOf(format).extensions.front());
  CodecSpeed speed;
  const Image small = make(kSmall);
  const Clock::time_point begin = Clock::now();
  writeImage(small, file, writing);
  readImage(file);
  speed.secondsPerFile = secondsSince(begin);
  const Image large = make(kLarge);
  constexpr double kPixels = static_cast<double>(kLarge) * kLarge;
  speed.encodeSecondsPerPixel =
      processorSeconds([&] { writeImage(large, file, writing); }) / kPixels;
  speed.decodeSecondsPerPixel = processorSeconds([&] { readImage(file); }) / kPixels;
  return speed;
}

double contentionOf(int threads, int processors) {
  const int left = std::max(0, processors - threads);
  return left >= 2 ? 0.0 : 1.0 / std::max(1, threads + left);
}

std::optional<std::map<std::string, double>> SpeedCache::find(const std::string& key) const {
  if (file_.empty()) return std::nullopt;
  const json content = readJson(file_);
  const auto entry = content.find(key);
  if (entry == content.end()) return std::nullopt;
  try {
    return entry->get<std::map<std::string, double>>();
  } catch (const json::exception&) {
    return std::nullopt;  // damaged: measured anew
  }
}

std::optional<NetworkSpeed> SpeedCache::findNetwork(const std::string& key) const {
  const auto entry = find(key);
  if (!entry) return std::nullopt;
  try {
    const NetworkSpeed speed{entry->at("seconds_per_tile"), entry->at("seconds_per_pixel"),
                             entry->at("seconds_per_compile"),
                             entry->at("seconds_per_fresh_pixel")};
    if (speed.secondsPerPixel > 0) return speed;
  } catch (const std::out_of_range&) {
    // Of another version.
  }
  return std::nullopt;
}

std::optional<CodecSpeed> SpeedCache::findCodec(const std::string& key) const {
  const auto entry = find(key);
  if (!entry) return std::nullopt;
  try {
    return CodecSpeed{entry->at("seconds_per_file"), entry->at("decode_seconds_per_pixel"),
                      entry->at("encode_seconds_per_pixel")};
  } catch (const std::out_of_range&) {
    return std::nullopt;
  }
}

void SpeedCache::store(const std::string& key, const NetworkSpeed& speed) const {
  store(key,
        std::map<std::string, double>{{"seconds_per_tile", speed.secondsPerTile},
                                      {"seconds_per_pixel", speed.secondsPerPixel},
                                      {"seconds_per_compile", speed.secondsPerCompile},
                                      {"seconds_per_fresh_pixel", speed.secondsPerFreshPixel}});
}

void SpeedCache::store(const std::string& key, const CodecSpeed& speed) const {
  store(key,
        std::map<std::string, double>{{"seconds_per_file", speed.secondsPerFile},
                                      {"decode_seconds_per_pixel", speed.decodeSecondsPerPixel},
                                      {"encode_seconds_per_pixel", speed.encodeSecondsPerPixel}});
}

void SpeedCache::store(const std::string& key, const std::map<std::string, double>& entry) const {
  if (file_.empty()) return;
  json content = readJson(file_);
  content[key] = entry;
  std::error_code error;
  fs::create_directories(file_.parent_path(), error);
  const fs::path temporary = file_.string() + "." + std::to_string(::getpid());
  {
    std::ofstream out(temporary);
    out << content.dump(2, ' ', false, json::error_handler_t::replace) << '\n';
    if (!out.flush()) return;
  }
  fs::rename(temporary, file_, error);
}

fs::path speedCacheOfUser() {
  if (const char* cache = std::getenv("XDG_CACHE_HOME"); cache != nullptr && *cache == '/') {
    return fs::path(cache) / "pristine/speed.json";
  }
  if (const char* home = std::getenv("HOME"); home != nullptr && *home == '/') {
    return fs::path(home) / ".cache/pristine/speed.json";
  }
  return {};
}

std::string networkKey(const std::string& modelDigest, const Restorer& restorer) {
  std::string key = modelDigest + "," + processorName() + "," + restorer.precision() + "," +
                    std::to_string(restorer.threads()) + " threads";
  for (const char* name : {"ONEDNN_MAX_CPU_ISA", "DNNL_MAX_CPU_ISA"}) {
    if (const char* limit = std::getenv(name)) key += std::string(",") + limit;
  }
  return key;
}

std::string codecKey(FileFormat format, const WriteOptions& options) {
  std::string key = std::string(traitsOf(format).name) + "," + processorName();
  if (options.depth) key += ",depth " + std::to_string(static_cast<int>(*options.depth));
  if (options.lossless) key += ",lossless";
  if (options.quality) key += ",quality " + std::to_string(*options.quality);
  return key;
}

}  // namespace pristine
