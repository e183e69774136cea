#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <stop_token>
#include <string>

#include "app/file_format.h"
#include "core/restorer.h"

namespace pristine {

/// How fast a model runs here: of one CPU, precision and number of threads.
struct NetworkSpeed {
  double secondsPerTile = 0;
  double secondsPerPixel = 0;       ///< of a tile, halo included
  double secondsPerCompile = 0;     ///< of a tile shape that differs from the one before
  double secondsPerFreshPixel = 0;  ///< of the first tile of a shape, whose memory is new, on top
};

/// How fast files of a format are read and written here.
struct CodecSpeed {
  double secondsPerFile = 0;  ///< of reading and writing one, whatever its size
  double decodeSecondsPerPixel = 0;
  double encodeSecondsPerPixel = 0;
};

struct RunSpeed {
  NetworkSpeed network;
  std::map<FileFormat, CodecSpeed> decoders;
  std::map<FileFormat, CodecSpeed> encoders;
  /// Share of the time of decoding and encoding by which the network beside it becomes slower: 0
  /// where processors are left for them.
  double contention = 0;
};

/// Runs the network on two small pictures, for a second or two on an ordinary model. Empty when
/// stopped.
std::optional<NetworkSpeed> measureNetwork(Restorer& restorer, const std::stop_token& stop);

/// Writes and reads small pictures in a folder of their own for temporary files. `options`: those
/// of the run. Throws Error(Output), Error(Input).
CodecSpeed measureCodec(FileFormat format, const WriteOptions& options);

/// RunSpeed::contention of a network with so many threads on so many processors.
double contentionOf(int threads, int processors);

/// Speeds that were measured before.
class SpeedCache {
 public:
  /// `file`: JSON; one that is missing or damaged is an empty cache.
  explicit SpeedCache(std::filesystem::path file) : file_(std::move(file)) {}

  std::optional<NetworkSpeed> findNetwork(const std::string& key) const;
  std::optional<CodecSpeed> findCodec(const std::string& key) const;
  /// They replace the file. Not being able to is no error.
  void store(const std::string& key, const NetworkSpeed& speed) const;
  void store(const std::string& key, const CodecSpeed& speed) const;

 private:
  std::optional<std::map<std::string, double>> find(const std::string& key) const;
  void store(const std::string& key, const std::map<std::string, double>& entry) const;

  std::filesystem::path file_;
};

/// $XDG_CACHE_HOME/pristine/speed.json; empty without a home.
std::filesystem::path speedCacheOfUser();

/// What a network's speed depends on: model digest, CPU, limit of its instructions, precision,
/// threads.
std::string networkKey(const std::string& modelDigest, const Restorer& restorer);
/// The same of a format: CPU, depth and kind of compression.
std::string codecKey(FileFormat format, const WriteOptions& options);

}  // namespace pristine
