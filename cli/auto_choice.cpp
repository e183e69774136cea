#include "cli/auto_choice.h"

#include "app/file_state.h"
#include "app/picture_inspection.h"

namespace pristine::cli {

namespace {

/// Of the way in which tasks are chosen: outputs of another are stale.
constexpr const char* kVersion = "auto 1";

PictureChoice choiceFor(const Verdict& verdict, bool copy) {
  PictureChoice choice;
  choice.strength = verdict.strength;
  choice.finding = verdict.reason;
  switch (verdict.need) {
    case Need::Nothing:
      choice.copy = copy;
      break;
    case Need::Denoise:
      choice.task = "denoise";
      break;
    case Need::Dejpeg:
      choice.task = "dejpeg";
      break;
  }
  return choice;
}

}  // namespace

AutoChoice::AutoChoice(const Options& options, bool copy)
    : denoise_(setUpRestorer(options, "denoise")), dejpeg_(setUpRestorer(options, "dejpeg")) {
  Restorer* const denoise = denoise_.restorer.get();
  Restorer* const dejpeg = dejpeg_.restorer.get();
  RunOptions& run = denoise_.run;
  run.settings = textDigest(std::string(kVersion) + " " + run.settings + " " +
                            dejpeg_.run.settings + (copy ? " copy" : ""));
  run.choose = [copy](const Image& image, const std::filesystem::path& path) {
    return choiceFor(inspectPicture(image, path).found.verdict, copy);
  };
  run.restorerOf = [denoise, dejpeg](const std::string& task) -> Restorer& {
    return task == "dejpeg" ? *dejpeg : *denoise;
  };
}

std::string selfCheck(const std::filesystem::path& output, const ReadOptions& options) {
  return "self-check: " + inspectFile(output, {}, options).found.verdict.reason;
}

}  // namespace pristine::cli
