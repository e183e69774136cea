#include "app/run_estimate.h"

#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <fstream>
#include <nlohmann/json.hpp>
#include <opencv2/core.hpp>

#include "app/image_file.h"
#include "core/error.h"

namespace pristine {

namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using Clock = std::chrono::steady_clock;

constexpr int kSide = 256;

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

}  // namespace

std::vector<JobCost> costsOf(const std::vector<Job>& jobs, Restorer& restorer) {
  std::vector<JobCost> costs(jobs.size());
  cv::Size last;
  for (std::size_t i = 0; i < jobs.size(); ++i) {
    cv::Size size;
    try {
      const PictureSize stored = pictureSize(jobs[i].input);
      size = {stored.width, stored.height};
    } catch (const Error&) {
      continue;  // the run will say what is wrong with it
    }
    const TileGrid grid = restorer.likelyGridFor(size.width, size.height);
    const cv::Size tile(grid.tileWidth(), grid.tileHeight());
    costs[i].megapixels = 1e-6 * size.width * size.height;
    costs[i].tilePixels = static_cast<double>(grid.count()) * tile.width * tile.height;
    costs[i].compiles = tile != last;
    last = tile;
  }
  return costs;
}

std::optional<RunSpeed> measureSpeed(Restorer& restorer, const std::stop_token& stop) {
  RunSpeed speed;
  Image picture;
  picture.pixels = cv::Mat(kSide, kSide, CV_32FC3);
  cv::randu(picture.pixels, 0.0, 1.0);
  // Other sizes first, so that the compilation is timed with warm caches, as in a batch.
  const Clock::time_point warmUp = Clock::now();
  restorer.gridFor(kSide / 2, kSide / 2);
  Clock::time_point begin = Clock::now();
  const TileGrid grid = restorer.gridFor(kSide, kSide);
  speed.secondsPerCompile = secondsSince(begin);
  double best = 0;
  for (int run = 0; run < 4 && (run < 2 || secondsSince(warmUp) < 2.0); ++run) {
    begin = Clock::now();
    if (!restorer.restore(picture, 1.0, {stop, {}})) return std::nullopt;
    const double seconds = secondsSince(begin);
    // The first run touches its memory for the first time.
    if (run == 1 || (run > 1 && seconds < best)) best = seconds;
  }
  speed.secondsPerPixel =
      best / (static_cast<double>(grid.count()) * grid.tileWidth() * grid.tileHeight());
  return speed;
}

std::optional<RunSpeed> SpeedCache::find(const std::string& key) const {
  if (file_.empty()) return std::nullopt;
  const json content = readJson(file_);
  const auto entry = content.find(key);
  if (entry == content.end()) return std::nullopt;
  try {
    const RunSpeed speed{entry->at("seconds_per_pixel").get<double>(),
                         entry->at("seconds_per_compile").get<double>()};
    if (speed.secondsPerPixel > 0) return speed;
  } catch (const json::exception&) {
    // Damaged: measured anew.
  }
  return std::nullopt;
}

void SpeedCache::store(const std::string& key, const RunSpeed& speed) const {
  if (file_.empty()) return;
  json content = readJson(file_);
  content[key] = {{"seconds_per_pixel", speed.secondsPerPixel},
                  {"seconds_per_compile", speed.secondsPerCompile}};
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

std::string speedKey(const std::string& modelDigest, const Restorer& restorer) {
  std::string key = modelDigest + "," + processorName() + "," + restorer.precision() + "," +
                    std::to_string(restorer.threads()) + " threads";
  for (const char* name : {"ONEDNN_MAX_CPU_ISA", "DNNL_MAX_CPU_ISA"}) {
    if (const char* limit = std::getenv(name)) key += std::string(",") + limit;
  }
  return key;
}

}  // namespace pristine
