#include "tests/layering.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <optional>
#include <span>

namespace pristine::test {

namespace {

/// A place in the tree: a folder ("core/"), a unit ("cli/options", any extension) or a file.
bool isIn(std::string_view path, std::string_view place) {
  if (!path.starts_with(place)) return false;
  if (place.ends_with('/') || path.size() == place.size()) return true;
  return path[place.size()] == '.';
}

bool isInAny(std::string_view path, std::span<const std::string_view> places) {
  return std::ranges::any_of(places, [&](std::string_view place) { return isIn(path, place); });
}

bool isHeader(std::string_view path) {
  return path.ends_with(".h");
}

constexpr std::array<std::string_view, 5> kLayers{"vision_attention", "core", "app", "cli", "gui"};

std::string_view layerOf(std::string_view path) {
  const auto layer = path.substr(0, path.find('/'));
  return std::ranges::find(kLayers, layer) != kLayers.end() ? layer : std::string_view{};
}

/// The headers of core that the front ends may name: values and errors, no machinery.
constexpr std::array<std::string_view, 7> kValueTypes{
    "core/arithmetic_limits.h", "core/error.h",   "core/image.h", "core/metrics.h", "core/model.h",
    "core/progress.h",          "core/restorer.h"};

/// The header in which vision_attention's operators share oneDNN types.
constexpr std::string_view kOneDnnHeader = "vision_attention/ops/dnnl_support.h";

struct Library {
  std::string_view prefix;  ///< of the text between < and >
  std::vector<std::string_view> places;
  bool inHeaders;
};

const std::vector<Library>& libraries() {
  static const std::vector<Library> kLibraries{
      {"oneapi/dnnl/",
       {"vision_attention/ops/", "vision_attention/engine.cpp", "vision_attention/graph.cpp"},
       false},
      {"omp.h", {"vision_attention/"}, false},
      {"opencv2/core", {"core/", "app/", "gui/"}, true},
      {"opencv2/imgproc", {"core/"}, false},
      {"nlohmann/json_fwd", {"app/"}, true},
      {"nlohmann/", {"core/", "app/", "cli/"}, false},
      {"xxhash.h", {"core/digest.cpp"}, false},
      {"vips/", {"app/files/"}, true},
      {"OpenEXR/", {"app/files/"}, true},
      {"lcms2", {"app/"}, false},
      {"boost/", {"cli/options"}, false},
      {"Q", {"gui/"}, true},
      {"thread", {"app/", "cli/", "gui/"}, true},
      {"future", {"app/", "cli/", "gui/"}, true}};
  return kLibraries;
}

bool isPosixOrCompiler(std::string_view name) {
  static constexpr std::array<std::string_view, 10> kKnown{
      "fcntl.h",  "immintrin.h", "malloc.h", "pthread.h", "sched.h",
      "signal.h", "time.h",      "unistd.h", "pwd.h",     "glob.h"};
  return name.starts_with("sys/") || std::ranges::find(kKnown, name) != kKnown.end();
}

bool isStandard(std::string_view name) {
  return std::ranges::all_of(name, [](unsigned char c) {
    return std::islower(c) != 0 || std::isdigit(c) != 0 || c == '_';
  });
}

std::optional<std::string> ownFinding(std::string_view path, std::string_view name) {
  const auto from = layerOf(path);
  const auto to = layerOf(name);
  if (to.empty()) return "is not a path from the repository root into a layer";
  if (name == kOneDnnHeader && (isHeader(path) || !isIn(path, "vision_attention/"))) {
    return "shows oneDNN types outside vision_attention's own .cpp files";
  }
  if (from == to) return std::nullopt;
  if (from == "core" && to == "vision_attention") {
    if (isHeader(path)) return "may be included from core's .cpp files only";
    return std::nullopt;
  }
  if (from == "app" && to == "core") return std::nullopt;
  if (from == "cli" || from == "gui") {
    if (to == "app") return std::nullopt;
    if (to == "core") {
      if (std::ranges::find(kValueTypes, name) != kValueTypes.end()) return std::nullopt;
      return "is not one of core's value types";
    }
  }
  return "points against the arrow";
}

std::optional<std::string> libraryFinding(std::string_view path, std::string_view name) {
  for (const Library& library : libraries()) {
    if (!name.starts_with(library.prefix)) continue;
    if (!isInAny(path, library.places)) return "does not belong here";
    if (!library.inHeaders && isHeader(path) && path != kOneDnnHeader) {
      return "does not belong in a header";
    }
    return std::nullopt;
  }
  if (isStandard(name) || isPosixOrCompiler(name)) return std::nullopt;
  return "is not in the table of libraries";
}

std::string_view trimmed(std::string_view text) {
  const auto begin = text.find_first_not_of(" \t\r");
  if (begin == std::string_view::npos) return {};
  return text.substr(begin);
}

/// The include's text with its quotes or brackets, empty for other lines.
std::string_view includeOf(std::string_view line) {
  line = trimmed(line);
  if (!line.starts_with('#')) return {};
  line = trimmed(line.substr(1));
  if (!line.starts_with("include")) return {};
  line = trimmed(line.substr(7));
  if (line.empty()) return {};
  const auto end = line.find(line.front() == '<' ? '>' : '"', 1);
  return line.substr(0, end == std::string_view::npos ? end : end + 1);
}

}  // namespace

std::vector<std::string> layeringFindings(std::string_view path, std::string_view source) {
  std::vector<std::string> findings;
  int number = 0;
  while (!source.empty()) {
    const auto end = std::min(source.find('\n'), source.size());
    const auto include = includeOf(source.substr(0, end));
    source.remove_prefix(std::min(end + 1, source.size()));
    ++number;
    if (include.empty()) continue;
    const auto name = include.substr(1, include.size() < 2 ? 0 : include.size() - 2);
    const auto finding =
        include.front() == '<' ? libraryFinding(path, name) : ownFinding(path, name);
    if (finding) {
      findings.push_back(std::string(path) + ":" + std::to_string(number) + ": " +
                         std::string(include) + " " + *finding);
    }
  }
  return findings;
}

}  // namespace pristine::test
