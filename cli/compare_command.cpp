#include "cli/commands.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <map>
#include <nlohmann/json.hpp>

#include "app/image_file.h"
#include "core/error.h"
#include "core/metrics.h"

namespace pristine::cli {

namespace {

namespace fs = std::filesystem;
using nlohmann::json;

/// The pictures of a folder and all below it, relative and sorted.
std::vector<fs::path> picturesBelow(const fs::path& folder) {
  std::vector<fs::path> names;
  std::error_code error;
  fs::recursive_directory_iterator entry(folder, error);
  for (; !error && entry != fs::recursive_directory_iterator(); entry.increment(error)) {
    std::error_code unknown;
    if (entry->is_regular_file(unknown) && isImageExtension(entry->path())) {
      names.push_back(entry->path().lexically_relative(folder));
    }
  }
  if (error) throw Error(ErrorCode::Input, "folder '" + folder.string() + "': " + error.message());
  std::ranges::sort(names);
  return names;
}

struct Pair {
  std::string name;
  fs::path a;
  fs::path b;
};

/// Partners by relative name; the extension may differ where the stem is unique in its folder.
std::vector<Pair> pairFolders(const fs::path& a, const fs::path& b,
                              std::vector<std::string>& problems) {
  std::map<fs::path, std::vector<fs::path>> byStem;
  for (const fs::path& name : picturesBelow(b)) {
    byStem[fs::path(name).replace_extension()].push_back(name);
  }
  std::map<fs::path, bool> used;
  std::vector<Pair> pairs;
  for (const fs::path& name : picturesBelow(a)) {
    const auto& candidates = byStem[fs::path(name).replace_extension()];
    auto partner = std::ranges::find(candidates, name);
    if (partner == candidates.end() && candidates.size() == 1) partner = candidates.begin();
    if (partner == candidates.end()) {
      problems.push_back("'" + (a / name).string() + "' has no partner in '" + b.string() + "'");
      continue;
    }
    used[*partner] = true;
    pairs.push_back({name.string(), a / name, b / *partner});
  }
  for (const auto& [stem, names] : byStem) {
    for (const fs::path& name : names) {
      if (!used[name]) {
        problems.push_back("'" + (b / name).string() + "' has no partner in '" + a.string() + "'");
      }
    }
  }
  return pairs;
}

json number(double value) {
  if (std::isinf(value)) return "inf";
  return value;
}

}  // namespace

ExitCode compare(const Options& options) {
  initializeImageFiles();
  const fs::path& a = options.inputs[0];
  const fs::path& b = options.inputs[1];
  std::vector<std::string> problems;
  std::vector<Pair> pairs;
  std::error_code unknown;
  for (const fs::path& path : {a, b}) {
    if (!fs::exists(path, unknown)) {
      throw Error(ErrorCode::Input, "compare: '" + path.string() + "' does not exist");
    }
  }
  const bool folders = fs::is_directory(a, unknown);
  if (folders != fs::is_directory(b, unknown)) {
    throw Error(ErrorCode::Usage,
                "compare: '" + a.string() + "' and '" + b.string() + "' are a file and a folder");
  }
  if (folders) {
    pairs = pairFolders(a, b, problems);
    if (pairs.empty() && problems.empty()) {
      std::fprintf(stderr, "no picture found\n");
      return ExitCode::NothingFound;
    }
  } else {
    pairs.push_back({a.string(), a, b});
  }
  json files = json::array();
  Comparison sum;
  std::size_t compared = 0;
  for (const Pair& pair : pairs) {
    try {
      const Comparison result =
          pristine::compare(readImage(pair.a), readImage(pair.b), options.compare);
      sum.psnr += result.psnr;
      sum.ssim += result.ssim;
      ++compared;
      files.push_back({{"file", pair.name}, {"psnr", number(result.psnr)}, {"ssim", result.ssim}});
      if (!options.json) {
        std::printf("%8.4f dB  %.6f  %s\n", result.psnr, result.ssim, pair.name.c_str());
      }
    } catch (const Error& error) {
      problems.push_back("'" + pair.name + "': " + error.what());
    }
  }
  const auto n = static_cast<double>(std::max<std::size_t>(compared, 1));
  if (options.json) {
    json report{{"schema", 1},
                {"luma", options.compare.luma},
                {"border", options.compare.border},
                {"files", files},
                {"problems", problems}};
    if (compared > 0) {
      report["mean"] = {
          {"psnr", number(sum.psnr / n)}, {"ssim", sum.ssim / n}, {"files", compared}};
    }
    std::printf("%s\n", report.dump(2, ' ', false, json::error_handler_t::replace).c_str());
  } else if (compared > 1) {
    std::printf("%8.4f dB  %.6f  mean of %zu\n", sum.psnr / n, sum.ssim / n, compared);
  }
  for (const std::string& problem : problems) std::fprintf(stderr, "failed: %s\n", problem.c_str());
  return problems.empty() ? ExitCode::Done : ExitCode::SomeFailed;
}

}  // namespace pristine::cli
