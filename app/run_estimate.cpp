#include "app/run_estimate.h"

#include <algorithm>

#include "app/image_file.h"
#include "app/machine_limits.h"
#include "core/error.h"

namespace pristine {

namespace {

const CodecSpeed& speedIn(const std::map<FileFormat, CodecSpeed>& speeds, FileFormat format) {
  static const CodecSpeed kUnknown;
  const auto found = speeds.find(format);
  return found == speeds.end() ? kUnknown : found->second;
}

/// HEIC cannot be written, and is decoded as AVIF is, but for the codec.
FileFormat measurable(FileFormat format) {
  return format == FileFormat::Heic ? FileFormat::Avif : format;
}

std::optional<CodecSpeed> codecSpeed(FileFormat format, const WriteOptions& options,
                                     const SpeedCache& cache, bool measure) {
  const std::string key = codecKey(format, options);
  if (const auto known = cache.findCodec(key)) return known;
  if (!measure) return std::nullopt;
  try {
    const CodecSpeed speed = measureCodec(format, options);
    cache.store(key, speed);
    return speed;
  } catch (const Error&) {
    return std::nullopt;  // an estimate without it is better than none
  }
}

}  // namespace

std::vector<JobCost> costsOf(const std::vector<Job>& jobs, Restorer& restorer,
                             const CostOptions& options) {
  std::vector<JobCost> costs(jobs.size());
  cv::Size last;
  const double scale = restorer.info().scale;
  for (std::size_t i = 0; i < jobs.size(); ++i) {
    PictureSize size;
    try {
      size = pictureSize(jobs[i].input);
    } catch (const Error&) {
      continue;  // the run will say what is wrong with it
    }
    JobCost& cost = costs[i];
    cost.pixels = static_cast<double>(size.pixels());
    cost.resultPixels = scale * scale * cost.pixels;
    cost.from = size.format;
    const auto named = formatOfName(jobs[i].output);
    cost.to = options.write.format ? *options.write.format : named.value_or(size.format);
    if (!options.network) continue;
    // Turned pictures are restored upright.
    if (size.orientation >= 5) std::swap(size.width, size.height);
    const TileGrid grid = restorer.likelyGridFor(size.width, size.height);
    const cv::Size tile(grid.tileWidth(), grid.tileHeight());
    const double area = static_cast<double>(tile.width) * tile.height;
    cost.tiles = grid.count();
    cost.tilePixels = cost.tiles * area;
    cost.freshPixels = tile == last ? 0.0 : area;
    last = tile;
  }
  return costs;
}

double networkSeconds(const JobCost& cost, const NetworkSpeed& speed) {
  return cost.tiles * speed.secondsPerTile + cost.tilePixels * speed.secondsPerPixel +
         cost.freshPixels * speed.secondsPerFreshPixel +
         (cost.freshPixels > 0 ? speed.secondsPerCompile : 0.0);
}

double decodeSeconds(const JobCost& cost, const RunSpeed& speed) {
  return cost.pixels * speedIn(speed.decoders, cost.from).decodeSecondsPerPixel;
}

double encodeSeconds(const JobCost& cost, const RunSpeed& speed) {
  const CodecSpeed& codec = speedIn(speed.encoders, cost.to);
  if (cost.pixels == 0) return 0;
  return codec.secondsPerFile + cost.resultPixels * codec.encodeSecondsPerPixel;
}

double secondsInRun(const JobCost& cost, const RunSpeed& speed) {
  const double codecs = decodeSeconds(cost, speed) + encodeSeconds(cost, speed);
  const double network = networkSeconds(cost, speed.network);
  // Without the network there is nothing to hide behind but each other.
  return network > 0 ? network + speed.contention * codecs
                     : std::max(decodeSeconds(cost, speed), encodeSeconds(cost, speed));
}

double secondsOfRun(std::span<const JobCost> costs, const RunSpeed& speed) {
  if (costs.empty()) return 0;
  double together = 0;
  double decoding = 0;
  double encoding = 0;
  for (const JobCost& cost : costs) {
    together += secondsInRun(cost, speed);
    decoding += decodeSeconds(cost, speed);
    encoding += encodeSeconds(cost, speed);
  }
  const double ends = decodeSeconds(costs.front(), speed) + encodeSeconds(costs.back(), speed);
  return std::max({together + (1 - speed.contention) * ends, decoding, encoding});
}

std::optional<RunSpeed> speedOf(std::span<const JobCost> costs, Restorer& restorer,
                                const CostOptions& options, const SpeedCache& cache, bool measure,
                                const std::stop_token& stop) {
  RunSpeed speed;
  speed.contention = contentionOf(restorer.threads(), availableThreads());
  if (options.network && !costs.empty()) {
    const std::string key = networkKey(restorer.info().digest, restorer);
    auto network = cache.findNetwork(key);
    if (!network && measure) {
      network = measureNetwork(restorer, stop);
      if (network) cache.store(key, *network);
    }
    if (!network) return std::nullopt;
    speed.network = *network;
  }
  std::set<FileFormat> from;
  std::set<FileFormat> to;
  for (const JobCost& cost : costs) {
    if (cost.pixels == 0) continue;
    from.insert(cost.from);
    to.insert(cost.to);
  }
  for (const FileFormat format : from) {
    if (stop.stop_requested()) return std::nullopt;
    if (const auto known = codecSpeed(measurable(format), {}, cache, measure)) {
      speed.decoders[format] = *known;
    }
  }
  WriteOptions writing = options.write;
  writing.format.reset();
  writing.strip = Strip::Nothing;
  for (const FileFormat format : to) {
    if (stop.stop_requested()) return std::nullopt;
    WriteOptions possible = writing;
    const FormatTraits& traits = traitsOf(format);
    if (!traits.quality) possible.quality.reset();
    if (!traits.quality) possible.lossless = false;
    if (const auto known = codecSpeed(format, possible, cache, measure)) {
      speed.encoders[format] = *known;
    }
  }
  return speed;
}

}  // namespace pristine
