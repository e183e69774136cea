#include <algorithm>
#include <cmath>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "app/model_catalog.h"
#include "app/model_check.h"
#include "cli/commands.h"
#include "cli/status_line.h"
#include "core/error.h"

namespace pristine::cli {

namespace {

namespace fs = std::filesystem;
using nlohmann::json;

/// The models named, or all.
std::vector<fs::path> chosenModels(const std::vector<fs::path>& names) {
  auto installed = listModels();
  if (names.empty()) return installed;
  std::vector<fs::path> paths;
  for (const fs::path& name : names) {
    const auto found = std::find_if(installed.begin(), installed.end(),
                                    [&](const fs::path& path) { return path.stem() == name; });
    paths.push_back(found == installed.end() ? name : *found);
  }
  return paths;
}

ExitCode noModels() {
  std::fprintf(stderr, "no model in");
  for (const fs::path& folder : modelFolders()) std::fprintf(stderr, " '%s'", folder.c_str());
  std::fprintf(stderr, "\n");
  return ExitCode::Environment;
}

void print(const json& list) {
  std::printf("%s\n", list.dump(2, ' ', false, json::error_handler_t::replace).c_str());
}

json entryOf(const fs::path& path, const ModelInfo& info) {
  std::error_code unknown;
  return {{"name", info.name},
          {"file", path.stem().string()},
          {"task", info.task},
          {"variant", info.variant},
          {"scale", info.scale},
          {"bytes", fs::file_size(path, unknown)},
          {"parameters", info.parameters},
          {"macs_per_pixel", info.macsPerPixel},
          {"int8", info.int8},
          {"title", info.title},
          {"path", path.string()}};
}

/// Of the precision "auto" with f32.
std::string agreementText(const ModelCheck& result) {
  if (std::isinf(result.precisionPsnr)) return ", " + result.precision + " is equal";
  char text[64];
  std::snprintf(text, sizeof(text), ", %s agrees to %.1f dB", result.precision.c_str(),
                result.precisionPsnr);
  return text;
}

ExitCode check(const Options& options, const std::vector<fs::path>& paths) {
  json list = json::array();
  bool broken = false;
  StatusLine status;
  for (const fs::path& path : paths) {
    status.begin("checking " + path.stem().string());
    const ModelCheck result = checkModel(path, options.restorer.threads);
    status.clear();
    const bool good = result.problem.empty();
    broken = broken || !good;
    if (options.json) {
      list.push_back(
          {{"file", path.stem().string()},
           {"path", path.string()},
           {"problem", result.problem},
           {"largest_error", result.largestError},
           {"precision", result.precision},
           {"precision_psnr",
            std::isinf(result.precisionPsnr) ? json("inf") : json(result.precisionPsnr)}});
    } else if (good) {
      std::printf("%-18s good: at most %.1e from the reference in f32%s\n", path.stem().c_str(),
                  result.largestError, agreementText(result).c_str());
      std::fflush(stdout);
    }
    if (!good) std::fprintf(stderr, "failed: %s: %s\n", path.c_str(), result.problem.c_str());
  }
  if (options.json) print(list);
  return broken ? ExitCode::Environment : ExitCode::Done;
}

}  // namespace

ExitCode models(const Options& options) {
  const auto paths = chosenModels(options.inputs);
  if (paths.empty()) {
    if (options.json) print(json::array());
    return noModels();
  }
  if (options.check) return check(options, paths);
  json list = json::array();
  bool broken = false;
  StatusLine status;
  if (!options.json) {
    std::printf("%-18s %-8s %-8s %5s %6s %12s %12s %8s  %s\n", "file", "task", "variant", "scale",
                "MiB", "parameters", "K MAC/pixel", options.measure ? "s/MP" : "", "title");
  }
  for (const fs::path& path : paths) {
    try {
      const auto model = loadModel(path.string());
      const ModelInfo& info = model->info();
      json entry = entryOf(path, info);
      if (options.measure) {
        status.begin("measuring " + path.stem().string());
        entry["seconds_per_megapixel"] =
            measureModel(model, options.restorer, [&](double share) { status.progress(share); });
        status.clear();
      }
      if (options.json) {
        list.push_back(entry);
        continue;
      }
      char seconds[32] = "";
      if (options.measure) {
        std::snprintf(seconds, sizeof(seconds), "%.2f",
                      entry["seconds_per_megapixel"].get<double>());
      }
      std::printf("%-18s %-8s %-8s %5d %6.1f %12zu %12.1f %8s  %s\n", path.stem().c_str(),
                  info.task.c_str(), info.variant.c_str(), info.scale,
                  entry["bytes"].get<double>() / (1 << 20), info.parameters,
                  info.macsPerPixel / 1e3, seconds, info.title.c_str());
      std::fflush(stdout);
    } catch (const Error& error) {
      broken = true;
      std::fprintf(stderr, "failed: %s\n", error.what());
    }
  }
  if (options.json) print(list);
  return broken ? ExitCode::Environment : ExitCode::Done;
}

}  // namespace pristine::cli
