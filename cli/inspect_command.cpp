#include <algorithm>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <string>

#include "app/batch_inputs.h"
#include "app/batch_plan.h"
#include "app/path_json.h"
#include "app/picture_inspection.h"
#include "cli/commands.h"
#include "cli/console_observer.h"
#include "core/error.h"

namespace pristine::cli {

namespace {

namespace fs = std::filesystem;
using nlohmann::json;

constexpr int kSchema = 1;

const char* nameOf(NoiseKind kind) {
  switch (kind) {
    case NoiseKind::White:
      return "white";
    case NoiseKind::Correlated:
      return "correlated";
    case NoiseKind::Faint:
      break;
  }
  return "faint";
}

const char* nameOf(Need need) {
  switch (need) {
    case Need::Denoise:
      return "denoise";
    case Need::Dejpeg:
      return "dejpeg";
    case Need::Nothing:
      break;
  }
  return "clean";
}

const char* nameOf(SampleDepth depth) {
  switch (depth) {
    case SampleDepth::U8:
      return "8";
    case SampleDepth::U16:
      return "16";
    case SampleDepth::F32:
      break;
  }
  return "f32";
}

json orNull(const std::optional<double>& value) {
  return value ? json(*value) : json();
}

json traceJson(const std::optional<JpegTrace>& trace) {
  if (!trace) return {};
  return {{"quality", trace->quality}, {"grid", {trace->offsetX, trace->offsetY}}};
}

json reportOf(const fs::path& path, const PictureInspection& picture) {
  const Inspection& found = picture.found;
  const NoiseEstimate& noise = found.noise;
  json jpeg{{"last", traceJson(found.jpeg.last)}, {"earlier", traceJson(found.jpeg.earlier)}};
  jpeg["file"] = json();
  if (found.header) {
    jpeg["file"] = {{"quality", found.header->quality},
                    {"standard_table", found.header->standard},
                    {"subsampled", found.header->subsampled}};
  }
  return {{"type", "inspection"},
          {"schema", kSchema},
          {"input", jsonOfPath(path)},
          {"width", picture.width},
          {"height", picture.height},
          {"format", picture.format},
          {"depth", nameOf(picture.depth)},
          {"grey", picture.grey},
          {"alpha", picture.alpha},
          {"profile", picture.profile.empty() ? json() : json(picture.profile)},
          {"noise",
           {{"sigma", noise.sigma},
            {"kind", nameOf(noise.kind)},
            {"white", noise.white},
            {"flat", noise.flat},
            {"correlation", noise.correlation},
            {"signal_dependent", noise.signalDependent},
            {"dark", orNull(noise.dark)},
            {"bright", orNull(noise.bright)}}},
          {"jpeg", jpeg},
          {"blur", orNull(found.blur)},
          {"banding", found.banding},
          {"verdict", nameOf(found.verdict.need)},
          {"strength", 100 * found.verdict.strength},
          {"reason", found.verdict.reason}};
}

std::string text(const char* format, double value) {
  char result[64];
  std::snprintf(result, sizeof(result), format, value);
  return result;
}

std::string noiseText(const NoiseEstimate& noise, bool grey) {
  std::string result = text("%.1f", noise.sigma[0]);
  if (!grey) {
    result = "R " + result + text("  G %.1f", noise.sigma[1]) + text("  B %.1f", noise.sigma[2]);
  }
  result += std::string(", ") + nameOf(noise.kind);
  if (noise.kind == NoiseKind::Correlated) result += text(" (%.2f)", noise.correlation);
  if (noise.kind != NoiseKind::Faint && noise.signalDependent) {
    result +=
        text(", of luma %.1f where dark", *noise.dark) + text(", %.1f where bright", *noise.bright);
  }
  return result;
}

std::string traceText(const JpegTrace& trace) {
  std::string result = "quality " + std::to_string(trace.quality);
  if (trace.offsetX != 0 || trace.offsetY != 0) {
    result +=
        ", blocks begin at " + std::to_string(trace.offsetX) + ", " + std::to_string(trace.offsetY);
  }
  return result;
}

std::string jpegText(const Inspection& found) {
  if (!found.jpeg.last) return "no traces";
  std::string result = traceText(*found.jpeg.last);
  if (found.header) {
    result += found.header->standard ? " by the file's table" : " by the file's own table, about";
    if (found.header->subsampled) result += ", chroma halved";
  }
  if (found.jpeg.earlier) result += "; before: " + traceText(*found.jpeg.earlier);
  return result;
}

void printText(const fs::path& path, const PictureInspection& picture) {
  const Inspection& found = picture.found;
  std::printf("%s\n", printable(path.string()).c_str());
  std::printf("  picture  %dx%d, %s, %s bit, %s%s\n", picture.width, picture.height,
              picture.format.c_str(), nameOf(picture.depth), picture.grey ? "grey" : "colour",
              picture.alpha ? ", alpha" : "");
  std::printf("  profile  %s\n", picture.profile.empty() ? "none" : picture.profile.c_str());
  std::printf("  noise    %s\n", noiseText(found.noise, picture.grey).c_str());
  std::printf("  JPEG     %s\n", jpegText(found).c_str());
  std::printf("  blur     %s\n",
              found.blur ? text("%.1f pixels", *found.blur).c_str() : "no edges");
  std::printf("  banding  %s\n", text("%.0f %%", 100 * found.banding).c_str());
  std::printf(
      "  verdict  %s%s\n",
      found.verdict.need == Need::Nothing
          ? ""
          : (nameOf(found.verdict.need) + text(" at %.0f %%: ", 100 * found.verdict.strength))
                .c_str(),
      found.verdict.reason.c_str());
}

}  // namespace

ExitCode inspect(const Options& options) {
  initializeImageFiles();
  BatchPlan plan;
  std::vector<fs::path> pictures;
  const ExpandedInputs expanded = expandPatterns(options.inputs);
  for (const fs::path& pattern : expanded.unmatched) {
    std::fprintf(stderr, "note: nothing matches '%s'\n", printable(pattern.string()).c_str());
  }
  for (const fs::path& input : expanded.inputs) {
    std::error_code unknown;
    if (!fs::is_directory(input, unknown)) {
      pictures.push_back(input);
      continue;
    }
    for (const fs::path& name : picturesIn(input, plan, options.recursive, {})) {
      pictures.push_back(input / name);
    }
  }
  if (plan.skippedFolders) {
    std::fprintf(stderr, "note: sub-folders are left out; -r takes them along\n");
  }
  std::size_t failed = plan.failures.size();
  const auto fail = [&](const fs::path& path, const std::string& reason) {
    std::fprintf(stderr, "failed: %s: %s\n", printable(path.string()).c_str(), reason.c_str());
    if (!options.json) return;
    const json line{
        {"type", "failure"}, {"schema", kSchema}, {"input", jsonOfPath(path)}, {"reason", reason}};
    std::printf("%s\n", line.dump(-1, ' ', false, json::error_handler_t::replace).c_str());
  };
  for (const PlanFailure& failure : plan.failures) fail(failure.input, failure.reason);
  if (pictures.empty() && failed == 0) {
    std::fprintf(stderr, "no picture found\n");
    return ExitCode::NothingFound;
  }
  for (const fs::path& path : pictures) {
    try {
      const PictureInspection picture = inspectFile(path, {}, options.read);
      if (options.json) {
        const std::string line =
            reportOf(path, picture).dump(-1, ' ', false, json::error_handler_t::replace);
        std::printf("%s\n", line.c_str());
      } else {
        printText(path, picture);
      }
      std::fflush(stdout);
    } catch (const Error& error) {
      ++failed;
      fail(path, error.what());
    }
  }
  if (failed == 0) return ExitCode::Done;
  return failed < pictures.size() + plan.failures.size() ? ExitCode::SomeFailed
                                                         : ExitCode::AllFailed;
}

}  // namespace pristine::cli
